import type { NativeTables } from './binding.ts'
import { nativeOrNull } from './load.ts'
import { recordedTables } from './recordedTables.ts'

let read: NativeTables | undefined

/**
 * Everything that C++ declares: layouts, schemes, flags, address ranges. From the addon; where there
 * is none, as it was recorded when the package was built, so that decode and reports work anywhere.
 */
export function tables(): NativeTables {
  read ??= nativeOrNull()?.tables() ?? recordedTables()
  return read
}
