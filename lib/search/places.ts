import { descriptorsOf, holdersOf } from '../page/freeBits.ts'
import type { Layout } from '../page/layout.ts'
import type { SearchPlace } from './types.ts'

export interface User {
  readonly field: string
  readonly types: readonly string[]
  readonly meaning: string
}

/** Bits of one word that the same fields use on each page type; `users` empty: free on all of them. */
export interface Segment extends SearchPlace {
  readonly users: readonly User[]
}

/** Single flags are one place: whoever wants one asks for a spare bit, not for a name. */
const placeName = (holder: string): string => (holder.startsWith('PG_') ? 'page flags' : holder)

/** What a field holds on pages of this type, of a settled one if there are two; empty: it has none there. */
export function meaningOf({ fields }: Layout, name: string, type: string): string {
  const here = fields.filter((field) => field.name === name && (field.types as readonly string[]).includes(type))
  return (here.find(({ contested }) => !contested) ?? here[0])?.meaning ?? ''
}

function usersOf(layout: Layout, holders: readonly (string | null)[], types: readonly string[]): User[] {
  const by = new Map<string, string[]>()
  for (const [at, holder] of holders.entries())
    if (holder !== null) by.set(holder, [...(by.get(holder) ?? []), types[at] as string])
  return [...by].map(([field, of]) => ({ field, types: of, meaning: meaningOf(layout, field, of[0] as string) }))
}

/** The head's page types, then those of the tails that the larger ones among the folios have. */
function descriptors(layout: Layout, types: readonly string[], orders: readonly number[]): string[][] {
  const larger = orders.filter((order) => order > 0)
  const [head = []] = descriptorsOf(layout, { types, orders })
  return [head, ...(larger.length === 0 ? [] : descriptorsOf(layout, { types, orders: larger }).slice(1))]
}

/** Every descriptor of such folios, from its first bit to its last. */
export function segmentsOf(layout: Layout, types: readonly string[], orders: readonly number[]): Segment[] {
  const segments: Segment[] = []
  const wordBits = layout.wordBytes * 8
  for (const [tail, of] of descriptors(layout, types, orders).entries()) {
    const maps = of.map((type) => holdersOf(layout, type).map((holder) => holder && placeName(holder)))
    const at = (bit: number): (string | null)[] => maps.map((map) => map[bit] ?? null)
    const end = layout.strideBytes * 8
    for (let first = 0; first < end; ) {
      const holders = at(first)
      const same = (bit: number): boolean => at(bit).every((holder, type) => holder === holders[type])
      let next = first + 1
      while (next < end && next % wordBits !== 0 && same(next)) next++
      const offsetBytes = Math.floor(first / wordBits) * layout.wordBytes
      const shift = first - offsetBytes * 8
      segments.push({ tail, offsetBytes, shift, bits: next - first, users: usersOf(layout, holders, of) })
      first = next
    }
  }
  return segments
}

/** Side by side free bits of a word. */
export const freeRuns = (segments: readonly Segment[]): Segment[] => segments.filter(({ users }) => users.length === 0)

const bitsText = (first: number, bits: number): string =>
  bits === 1 ? `bit ${first}` : `bits ${first}-${first + bits - 1}`

/** `'word 3, bits 0-31'`, `'page[1] word 5'`. */
export function placeText({ tail, offsetBytes, shift, bits }: SearchPlace, { wordBytes }: Layout): string {
  const of = tail === 0 ? '' : `page[${tail}] `
  const word = offsetBytes / wordBytes
  const name = tail === 0 && word === 0 ? 'flags' : `word ${word}`
  return bits === wordBytes * 8 ? `${of}${name}` : `${of}${name}, ${bitsText(shift, bits)}`
}

export const overlaps = (a: SearchPlace, b: SearchPlace): boolean => {
  const [from, to] = [a.offsetBytes * 8 + a.shift, b.offsetBytes * 8 + b.shift]
  return a.tail === b.tail && from < to + b.bits && to < from + a.bits
}

/** Who uses these bits, in a sentence. */
export const usersText = (users: readonly User[]): string =>
  users
    .map(({ field, types, meaning }) => `${field}: live on ${types.join(', ')}${meaning === '' ? '' : ` (${meaning})`}`)
    .join('; ')
