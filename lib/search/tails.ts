import type { Layout, LayoutDefinition, PageType } from '../page/layout.ts'
import type { Segment } from './places.ts'

/** A count in a tail lies in so many aligned bits. */
const unitBits = 32

/** The part of free bits that a count can have: the first aligned unit that has enough of them, or the most. */
export function unitIn(segment: Segment, needed: number): { offsetBytes: number; shift: number; bits: number } {
  const first = segment.offsetBytes * 8 + segment.shift
  const end = first + segment.bits
  let best = { offsetBytes: 0, shift: 0, bits: 0 }
  for (let unit = first - (first % unitBits); unit < end; unit += unitBits) {
    const from = Math.max(first, unit)
    const bits = Math.min(end, unit + unitBits) - from
    if (bits > best.bits) best = { offsetBytes: unit / 8, shift: from - unit, bits }
    if (best.bits >= Math.min(needed, unitBits)) break
  }
  return best
}

const longestName = 64

/** The same layout with its pin count in these free bits of a tail. */
export function layoutWithPins(layout: Layout, tail: number, at: ReturnType<typeof unitIn>): LayoutDefinition {
  // Without what a layout computes from the rest.
  const {
    builtin: _,
    highFields: __,
    freeFlagBits: ___,
    lowestFreeFlagBit: ____,
    ownCounterStrideBytes: _____,
    ...rest
  } = layout
  const behind = `-pins-${tail}-${at.offsetBytes}`
  const field = {
    name: 'found_pins',
    ...at,
    kind: 'pincount' as const,
    types: [tail === 1 ? 'tail' : 'second-tail'] as PageType[],
    meaning: 'pins of the folio',
  }
  const name = `${layout.name.slice(0, longestName - behind.length)}${behind}`
  return { ...rest, name, fields: [...layout.fields, field], pincount: { tail, ...at } }
}
