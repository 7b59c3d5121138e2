import type { Candidate } from './candidates.ts'

/** Flags of a word by a candidate's table. */
export interface ReadFlags {
  /** Names that the table gives whatever the configuration. */
  readonly names: readonly string[]
  /** Bits that are set where the configuration decides the name: `bit 22 (uncached, hwpoison or young)`. */
  readonly unknown: readonly string[]
}

const either = (names: readonly string[]): string =>
  names.length === 1 ? (names[0] as string) : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`

/** Reads the flags below `end`, where the fields at the top of the word begin. */
export function readFlagBits(word: bigint, candidate: Candidate, end: number, from = 0): ReadFlags {
  const names: string[] = []
  const unknown: string[] = []
  const low = Number(word & 0xffffffffn)
  for (let bit = from; bit < Math.min(candidate.flagBits, end, 32); bit++) {
    if (((low >>> bit) & 1) === 0) continue
    const possible = candidate.namesAt(bit)
    if (possible.length === 1) names.push(possible[0] as string)
    else if (possible.length > 1) unknown.push(`bit ${bit} (${either(possible)})`)
  }
  return { names, unknown }
}

/**
 * How a table and a printed line agree: true if every name has a set bit that can be its own, and no set bit that
 * certainly has a name is without it. Bits that a configuration decides are matched one name each, in order.
 */
export function agreesWithPrint(word: bigint, names: readonly string[], candidate: Candidate): boolean {
  const left = new Set(names)
  let optional = 0
  const low = Number(word & 0xffffffffn)
  const bits = Math.min(candidate.flagBits, 32)
  for (let bit = 0; bit < bits; bit++) {
    const possible = candidate.namesAt(bit)
    if (possible.length === 0) continue
    const set = ((low >>> bit) & 1) === 1
    if (possible.length === 1 && !candidate.era?.optional.includes(possible[0] as string)) {
      const name = possible[0] as string
      if (left.delete(name) !== set) return false
    } else if (set) optional++
  }
  // Only names of configurable flags are left, and there is a set bit for each.
  const rest = [...left]
  return (
    rest.length <= optional &&
    rest.every((name) => {
      for (let bit = 0; bit < bits; bit++) if (((low >>> bit) & 1) === 1 && candidate.has(name, bit)) return true
      return false
    })
  )
}

/** Flags with which no page may be freed (PAGE_FLAGS_CHECK_AT_FREE). */
export const checkedAtFree: readonly string[] = [
  ...['locked', 'private', 'private_2', 'writeback', 'reserved', 'slab', 'lru', 'active', 'unevictable', 'mlocked'],
  'swapcache',
]
