import { deepFreeze } from '../base/freeze.ts'
import { tables } from '../native/tables.ts'
import type { QuirkInfo } from '../native/tableTypes.ts'

export type { QuirkInfo } from '../native/tableTypes.ts'

let frozen: readonly QuirkInfo[] | undefined

/** Every quirk that there is. */
export const quirks = (): readonly QuirkInfo[] => (frozen ??= deepFreeze(tables().quirks))
