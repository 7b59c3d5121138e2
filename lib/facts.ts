import { packageVersion } from './native/load.ts'
import { tables } from './native/tables.ts'
import type { PageType } from './page/layout.ts'

/** Every page type, in the order of the tables. */
export const pageTypes: readonly PageType[] = Object.freeze([...tables().pageTypes])

/** pagebox's own version. */
export const version: string = packageVersion()
