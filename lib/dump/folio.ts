import { maskOrder } from './address.ts'
import { readFlagBits } from './flagNames.ts'
import { Image } from './image.ts'
import { isCompound, type Reading } from './reading.ts'
import { firstTailOrder } from './tails.ts'
import type { DumpFolio } from './types.ts'

/** What `head:` and the folio's second descriptor say; they are compared where both do. */
export function folioOf(reading: Reading): DumpFolio | null {
  const { words, candidate, printed, choice, warnings, dump } = reading
  const [first, second] = words.head
  const big = reading.image?.bigEndian ?? false
  const head = first === undefined ? null : new Image(first, words.wordBytes, big)
  const tail = second === undefined || words.wordBytes !== 8 ? null : new Image(second, 8, big)
  if (dump.head === null && printed.order === null && head === null && !isCompound(reading)) return null
  const places = candidate.places(words.wordBytes)
  const { tail: at } = candidate
  const count = (place: { byte: number } | undefined, from: 0 | 1): number | null => {
    const value = place === undefined ? undefined : tail?.signed(place.byte)
    return value === undefined ? null : value + from
  }
  const low =
    tail === null
      ? null
      : at.order.byte === 0
        ? Number((tail.words[0] ?? 0n) & 0xffn)
        : (tail.unsigned(at.order.byte, 8) ?? null)
  const inWords = {
    order: low,
    largeMapcount: count(at.largeMapcount, 1),
    entireMapcount: count(at.entireMapcount, 1),
    pincount: count(at.pincount, 0),
  }
  for (const [key, name] of [
    ['order', 'order'],
    ['entireMapcount', 'entire_mapcount'],
    ['pincount', 'pincount'],
    ['largeMapcount', 'mapcount of the folio'],
  ] as const) {
    const said = printed[key]
    const held = inWords[key]
    // Without CONFIG_NO_PAGE_MAPCOUNT and the like a count may be kept elsewhere; an order never is.
    if (said !== null && held !== null && said !== held && (key === 'order' || choice.confidence === 'high'))
      warnings.push(`${name}: ${said} is printed, and the folio's second descriptor holds ${held}`)
  }
  return {
    order: printed.order ?? low,
    mapcount: printed.largeMapcount ?? inWords.largeMapcount,
    entireMapcount: printed.entireMapcount ?? inWords.entireMapcount,
    nrPagesMapped:
      printed.nrPagesMapped ?? (at.nrPagesMapped === undefined ? null : (tail?.signed(at.nrPagesMapped.byte) ?? null)),
    pincount: printed.pincount ?? inWords.pincount,
    refcount: head?.signed(places.refcount) ?? null,
    flags: first === undefined ? null : readFlagBits(first[0] as bigint, candidate, words.wordBytes * 8).names,
  }
}

export function orderOf(reading: Reading, folio: DumpFolio | null): number | null {
  const { type, image, candidate, words, unknown, flags, printed } = reading
  if (printed.order !== null) return printed.order
  if (folio?.order != null) return folio.order
  if (image === null) {
    unknown.push('order: the log has no words of this page, and no line for its head')
    return null
  }
  const places = candidate.places(words.wordBytes)
  if (type === 'tail') {
    const mask =
      candidate.maskHead && words.wordBytes === 8
        ? maskOrder(image.word(places.lruNext) ?? 0n, image.words.length * 8)
        : null
    const order = mask ?? firstTailOrder(image, candidate)
    if (order === null) unknown.push('order: it stands in the first tail; which tail this is, its words do not tell')
    return order
  }
  if (type === 'buddy') {
    const order = image.word(places.private)
    return order !== undefined && order < 64n ? Number(order) : null
  }
  if (flags.includes('head')) {
    unknown.push('order: it stands in the first tail, which the log does not have')
    return null
  }
  return 0
}
