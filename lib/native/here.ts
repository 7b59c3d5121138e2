import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of this file. The CommonJS build has `here.cts` in its place. */
export const here = dirname(fileURLToPath(import.meta.url))
