import type { Layout } from './layout.ts'

/** Bits of one word of the head, or of `page[1]` or `page[2]` behind it. */
export interface BitSpan {
  readonly tail: number
  readonly offsetBytes: number
  readonly shift: number
  readonly bits: number
}

/** A place that is not free, and who has bits of it. */
export interface HeldSpan extends BitSpan {
  /** How many of its bits are not free. */
  readonly heldBits: number
  /** By how many bits they hold, the most first. */
  readonly holders: readonly { readonly field: string; readonly bits: number; readonly types: readonly string[] }[]
}

/** Which bits are free on every one of some page types and orders. */
export interface FreeBits {
  /** Where that many lie side by side in one word, in several pieces, or not at all. */
  readonly enough: 'one piece' | 'pieces' | 'no'
  /** Whatever is free, the longest first. */
  readonly free: readonly BitSpan[]
  readonly freeBits: number
  /** Where that many side by side are nearest to free; empty where some are. */
  readonly nearest: readonly HeldSpan[]
}

/** The kinds of pages asked for: names of the layout's page types, and orders from 0 on. */
export interface Asked {
  readonly types: readonly string[]
  readonly orders: readonly number[]
}

const mostNearest = 5

/** Who has each bit of a descriptor of a page type, from bit 0 of its first byte on; null: nobody. */
export function holdersOf(layout: Layout, type: string): (string | null)[] {
  const holders: (string | null)[] = new Array(layout.strideBytes * 8).fill(null)
  const hold = (name: string, first: number, bits: number): void => {
    for (let bit = first; bit < first + bits && bit < holders.length; bit++) holders[bit] ??= name
  }
  for (const field of layout.fields) {
    if (!(field.types as readonly string[]).includes(type) || field.contested) continue
    const first = field.offsetBytes * 8 + field.shift
    if (field.kind !== 'flags') {
      hold(field.name, first, field.bits)
      continue
    }
    // What neither a flag nor a high field uses of the word is free on every page.
    for (const { name, bit } of layout.flags) hold(`PG_${name}`, field.offsetBytes * 8 + bit, 1)
    for (const { name, shift, bits } of layout.highFields) hold(`flags.${name}`, field.offsetBytes * 8 + shift, bits)
  }
  // Every reader without a lock asks bit 0 of word 1 whether this is a tail.
  hold('PageTail', layout.wordBytes * 8, 1)
  return holders
}

/** Page types as each descriptor of such a folio has them, from the head on; a page type of no such order has none. */
export function descriptorsOf(layout: Layout, { types, orders }: Asked): string[][] {
  const exists = (type: string, order: number): boolean =>
    order === 0 || (layout.compoundTypes as readonly string[]).includes(type)
  const heads = types.filter((type) => orders.some((order) => exists(type, order)))
  if (heads.length === 0) return []
  const found = [heads]
  const least = Math.min(...orders)
  const has = (type: string): boolean => (layout.types as readonly string[]).includes(type)
  if (least >= 1 && has('tail')) found.push(['tail'])
  if (least >= 2 && has('tail')) found.push([has('second-tail') ? 'second-tail' : 'tail'])
  return found
}

/** Whether such a page exists at all. */
export const anyPage = (layout: Layout, asked: Asked): boolean => descriptorsOf(layout, asked).length > 0

/**
 * Which `wanted` bits are free on every one of the page types and orders; where none are, which come nearest and who
 * holds them. From order 1 on, the second descriptor is one of the places; from order 2 on, the third.
 */
export function findFreeBits(layout: Layout, asked: Asked, wanted: number): FreeBits {
  const wordBits = layout.wordBytes * 8
  const span = (tail: number, first: number, bits: number): BitSpan => {
    const word = Math.floor(first / wordBits)
    return { tail, offsetBytes: word * layout.wordBytes, shift: first - word * wordBits, bits }
  }
  const free: BitSpan[] = []
  const nearest: HeldSpan[] = []
  for (const [tail, types] of descriptorsOf(layout, asked).entries()) {
    const maps = types.map((type) => ({ type, holders: holdersOf(layout, type) }))
    const end = layout.strideBytes * 8
    const isFree = (bit: number): boolean => maps.every(({ holders }) => holders[bit] === null)
    for (let bit = 0; bit < end; bit++) {
      if (!isFree(bit)) continue
      const first = bit
      while (bit + 1 < end && (bit + 1) % wordBits !== 0 && isFree(bit + 1)) bit++
      free.push(span(tail, first, bit + 1 - first))
    }
    for (let word = 0; word + Math.max(wanted, wordBits) <= end; word += wordBits) {
      // Within a word from any bit on; what is wider than a word begins where one does.
      const last = wanted <= wordBits ? word + wordBits - wanted : word
      const held: HeldSpan[] = []
      for (let first = word; first <= last; first++) held.push(heldIn(maps, span(tail, first, wanted), first))
      held.sort(nearer)
      if (held[0] !== undefined) nearest.push(held[0])
    }
  }
  free.sort((a, b) => b.bits - a.bits || a.tail - b.tail || a.offsetBytes - b.offsetBytes || a.shift - b.shift)
  const freeBits = free.reduce((sum, { bits }) => sum + bits, 0)
  const enough = nearest.some(({ heldBits }) => heldBits === 0) ? 'one piece' : freeBits >= wanted ? 'pieces' : 'no'
  return {
    enough,
    free,
    freeBits,
    nearest: enough === 'one piece' ? [] : nearest.sort(nearer).slice(0, mostNearest),
  }
}

type TypeMap = { readonly type: string; readonly holders: readonly (string | null)[] }

function heldIn(maps: readonly TypeMap[], place: BitSpan, first: number): HeldSpan {
  const by = new Map<string, { bits: number; types: Set<string> }>()
  let heldBits = 0
  for (let bit = first; bit < first + place.bits; bit++) {
    const here = new Set<string>()
    for (const { type, holders } of maps) {
      const field = holders[bit]
      if (field === null || field === undefined) continue
      const found = by.get(field) ?? { bits: 0, types: new Set() }
      if (!here.has(field)) found.bits++
      here.add(field)
      found.types.add(type)
      by.set(field, found)
    }
    if (here.size > 0) heldBits++
  }
  const holders = [...by]
    .map(([field, { bits, types }]) => ({ field, bits, types: [...types] }))
    .sort((a, b) => b.bits - a.bits)
  return { ...place, heldBits, holders }
}

/** Fewer page types have something there, then fewer bits of it, then fewer fields. */
function nearer(a: HeldSpan, b: HeldSpan): number {
  const types = ({ holders }: HeldSpan): number => new Set(holders.flatMap((each) => each.types)).size
  return (
    types(a) - types(b) ||
    a.heldBits - b.heldBits ||
    a.holders.length - b.holders.length ||
    a.tail - b.tail ||
    a.offsetBytes - b.offsetBytes ||
    a.shift - b.shift
  )
}
