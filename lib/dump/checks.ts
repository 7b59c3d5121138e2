import { hex, looksListed, maskOrder, realPointer } from './address.ts'
import { hasMapping } from './fields.ts'
import type { Reading } from './reading.ts'

/** Words that no kernel would write in a page of this type. */
export function checkPointers({ image, candidate, words, flags, type, warnings }: Reading): void {
  if (image === null) return
  const { wordBytes } = words
  const places = candidate.places(wordBytes)
  const check = (name: string, byte: number, low: bigint): void => {
    const word = image.word(byte)
    if (word === undefined) return
    const { ok, text } = realPointer(word, wordBytes, low)
    if (!ok) warnings.push(`${name} holds ${text}: ${hex(word)}`)
  }
  if (type === 'tail') {
    const word = image.word(places.lruNext) ?? 0n
    const mask = candidate.maskHead && wordBytes === 8 && maskOrder(word, image.words.length * 8) !== null
    if (!mask) check('compound_head', places.lruNext, 1n)
    return
  }
  if (hasMapping(type)) check('mapping', places.mapping, 3n)
  if (!flags.includes('lru') || type === 'slab') return
  const unevictable = flags.includes('unevictable')
  for (const [name, byte] of [
    ['lru.next', places.lruNext],
    ['lru.prev', places.lruPrev],
  ] as const) {
    const word = image.word(byte) ?? 0n
    if (!looksListed(word, wordBytes) && !(unevictable && word < 1n << 32n)) {
      const { text } = realPointer(word, wordBytes)
      warnings.push(
        `PG_lru is set, and ${name} is ${text === 'no address of a kernel object' ? `${text}: ${hex(word)}` : text}`,
      )
    }
  }
}

/** A mapping that is printed and not in the words; anonymous and swap-cache pages are printed otherwise by design. */
export function compareMapping({ printed, image, type, flags, warnings, dump }: Reading, word: bigint | null): void {
  if (image === null || word === null || printed.mapping === null || type === 'tail' || !hasMapping(type)) return
  const swap = flags.includes('swapcache') || flags.includes('owner_priv_1') || dump.aops?.startsWith('swap') === true
  if (printed.mapping !== 0n && word === 0n && !swap && !flags.includes('head'))
    warnings.push('a mapping is printed, and the words hold none')
}
