import type { NativeTables } from './binding.ts'
import { recorded } from './recordedTables.generated.ts'

/** The tables as the addon had them when the package was built; bigints are texts with an `n`. */
export function recordedTables(): NativeTables {
  return JSON.parse(recorded, (_key, value) =>
    typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as NativeTables
}
