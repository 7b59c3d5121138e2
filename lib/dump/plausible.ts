import { looksListed, maskOrder, realPointer } from './address.ts'
import type { Candidate } from './candidates.ts'
import { compareReleases } from './eras.ts'
import type { Printed, Words } from './facts.ts'
import { checkedAtFree, readFlagBits } from './flagNames.ts'
import { Image, tailBit } from './image.ts'
import { hasPoolMagic } from './pageType.ts'
import { firstTailOrder } from './tails.ts'
import type { RawDump } from './rawDump.ts'

const lessThanFreed: readonly string[] = ['nonzero mapcount', 'non-NULL mapping', 'nonzero _refcount', 'nonzero _count']

/** A flags word as the reason of the dump allows it: a kernel reports flags before it reports counts. */
function byReason(dump: RawDump, names: readonly string[]): number {
  const { because } = dump
  if (because === null) return 0
  const forbidden = names.filter((name) => checkedAtFree.includes(name))
  if (lessThanFreed.includes(because)) return forbidden.length > 0 && dump.badFlags === null ? -12 : 2
  if (because.startsWith('PAGE_FLAGS_CHECK_AT_FREE')) return forbidden.length > 0 ? 4 : -6
  return 0
}

/** Whether the words make a page under this reading; more is better. Only compares readings of one dump. */
export function plausibility(dump: RawDump, words: Words, candidate: Candidate): number {
  const { page, wordBytes } = words
  if (page.length < 7) return 0
  const places = candidate.places(wordBytes)
  const image = new Image(page, wordBytes, false)
  const flagsWord = page[0] as bigint
  const at = (byte: number): bigint => image.word(byte) ?? 0n
  let score = counts(image, candidate, wordBytes)
  const next = at(places.lruNext)
  const prev = at(places.lruPrev)
  if (tailBit(next)) {
    if (candidate.maskHead && wordBytes === 8 && maskOrder(next, page.length * 8) !== null) score += 6
    return score + (firstTailOrder(image, candidate) === null ? 0 : 5)
  }
  const end = dump.flags === null ? 64 : candidate.flagBits
  const { names } = readFlagBits(flagsWord, candidate, end)
  const has = (name: string): boolean => names.includes(name)
  score += byReason(dump, names)
  const mapping = at(places.mapping)
  const listed = looksListed(next, wordBytes) && looksListed(prev, wordBytes)
  const type = candidate.typeOf(image.unsigned(places.mapcount, 32) ?? 0)
  // page_pool has kept its signature there since 5.14.
  if (hasPoolMagic(next, wordBytes))
    return score + (candidate.to !== null && compareReleases(candidate.to, [5, 14]) < 0 ? -5 : 0)
  const slab = has('slab') || type === 'slab'
  if (slab) return score + (has('slab') && (mapping & 1n) === 1n && listed ? -6 : 2)
  for (const [word, low] of [
    [mapping, 3n],
    [next, 0n],
    [prev, 0n],
  ] as const)
    if (!realPointer(word, wordBytes, low).ok) score -= 3
  // List poison lies where lists lie.
  for (const byte of [places.index, places.private]) if (isListPoison(at(byte), wordBytes)) score -= 5
  if (isListPoison(next, wordBytes)) score += 3
  const inUse = (image.signed(places.refcount) ?? 0) > 0
  const anon = (mapping & 3n) === 1n
  const file = mapping !== 0n && (mapping & 3n) === 0n
  if (has('lru')) score += listed ? 5 : looksListed(next, wordBytes) ? 2 : has('unevictable') ? 0 : -6
  else if (inUse && mapping !== 0n && looksListed(next, wordBytes)) score -= listed ? 4 : 2
  if (has('active') && !has('lru') && inUse) score -= 1
  if (anon) {
    score += has('swapbacked') ? 4 : -2
    if (has('mappedtodisk') && candidate.anonExclusive === null) score -= 3
    if (has('reserved') || has('slab')) score -= 5
  }
  if (anon || file) score += has('uptodate') ? 3 : has('locked') ? 0 : -1
  if (file && has('swapbacked') && has('mappedtodisk')) score -= 2
  if (has('private') && at(places.private) === 0n) score -= 2
  if (has('error')) score -= 3
  if (has('head') && has('swapbacked') && mapping === 0n) score -= 1
  // PG_waiters, PG_uncached and the like are rare, PG_head of what has no tail is rarer.
  if (has('waiters') && !has('locked')) score -= 1
  return score
}

const isListPoison = (word: bigint, wordBytes: 4 | 8): boolean => {
  const low = wordBytes === 8 ? (word >> 48n === 0xdeadn ? word & 0xffffffffffffn : word) : word
  return low === 0x100n || low === 0x122n || low === 0x200n
}

/** A count that no page has says that the words are read in the wrong order. */
function counts(image: Image, candidate: Candidate, wordBytes: 4 | 8): number {
  const places = candidate.places(wordBytes)
  const refcount = image.signed(places.refcount)
  const mapcount = image.unsigned(places.mapcount, 32)
  if (refcount === undefined || mapcount === undefined) return -4
  let score = refcount >= -8 && refcount < 1 << 24 ? 2 : -8
  const type = candidate.typeOf(mapcount)
  if (type !== null) score += type.startsWith('type 0x') ? 2 : 5
  else if (mapcount === 0xffffffff || mapcount < 1 << 20) score += 2
  // Types of the years before were the complement of one bit, of those since the top byte.
  else if (mapcount >>> 28 === 0xf && mapcount < 0xffffffe0) score -= 6
  else score -= 3
  return score
}

/** Whether the printed counts stand where this reading has them. The counts of folios are sums, and printed so. */
export function printedCountsFit(dump: RawDump, words: Words, printed: Printed, candidate: Candidate): number {
  const places = candidate.places(words.wordBytes)
  if (words.page.length < 7 || dump.head !== null || tailBit(words.page[places.lruNext / words.wordBytes])) return 0
  const { refcount, mapcount } = printed
  const fits = (bigEndian: boolean): number => {
    const image = new Image(words.page, words.wordBytes, bigEndian)
    let score = 0
    if (refcount !== null) score += image.signed(places.refcount) === refcount ? 6 : -12
    const word = image.signed(places.mapcount)
    if (mapcount !== null && mapcount !== 0) score += word === mapcount - 1 ? 4 : -4
    return score
  }
  return Math.max(fits(false), words.wordBytes === 8 ? fits(true) : -100)
}
