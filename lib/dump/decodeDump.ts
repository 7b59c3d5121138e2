import { hex, looksListed, maskOrder, realPointer } from './address.ts'
import type { Candidate } from './candidates.ts'
import { type Choice, choose } from './choose.ts'
import { isBigEndian, type Printed, printedOf, type Words, wordsOf } from './facts.ts'
import { fieldsOf, hasMapping, mappingOf } from './fields.ts'
import { readFlagBits } from './flagNames.ts'
import { Image, tailBit } from './image.ts'
import { recognise, type TypeAnswer } from './pageType.ts'
import { zoneHint } from '../page/kernelAddress.ts'
import type { PageType } from '../page/layout.ts'
import type { RawDump } from './rawDump.ts'
import { firstTailOrder } from './tails.ts'
import { topFields } from './topFields.ts'
import type { DecodedDump, DumpFolio, DumpType } from './types.ts'
import { whyOf } from './why.ts'

/** What a caller says about the kernel beforehand. */
export interface Given {
  readonly only: Candidate | null
  readonly extra: readonly Candidate[]
  readonly type: DumpType | PageType | null
  /** Counts the pins of a scheme of the sandbox in the words; null: as the kernel keeps them. */
  readonly pins: ((words: readonly bigint[], wordBytes: 4 | 8) => { pins: bigint; exact: boolean } | null) | null
  readonly pinsName: string
}

/** A page type of the sandbox as one of the kernel's. */
const kernelType = (type: DumpType | PageType): DumpType =>
  /^device|dax$|^p2pdma$/.test(type) ? 'device' : type === 'second-tail' ? 'tail' : (type as DumpType)

/** Everything that the steps below share. */
interface Reading {
  readonly dump: RawDump
  readonly printed: Printed
  readonly words: Words
  readonly choice: Choice
  readonly candidate: Candidate
  readonly image: Image | null
  readonly flags: readonly string[]
  readonly unknownFlags: readonly string[]
  readonly type: DumpType
  readonly typeReason: string
  readonly warnings: string[]
  readonly unknown: string[]
}

const isCompound = ({ type, flags, dump }: Reading): boolean =>
  type === 'tail' || flags.includes('head') || dump.head !== null

/** Counts come from the print where there is one, and are compared with the words. */
function counts(reading: Reading): {
  refcount: number | null
  mapcount: number | null
  pageType: string | null
  mapcountWord: number | null
} {
  const { image, candidate, words, printed, type, flags, warnings } = reading
  const places = candidate.places(words.wordBytes)
  const inWords = image?.signed(places.refcount)
  const raw = image?.unsigned(places.mapcount, 32)
  const pageType = raw === undefined ? null : candidate.typeOf(raw)
  const mapcountWord = raw === undefined ? null : raw | 0
  const own = type === 'tail' ? undefined : inWords
  if (printed.refcount !== null && own !== undefined && own !== printed.refcount)
    warnings.push(`refcount: ${printed.refcount} is printed, and the words hold ${own}`)
  if (type === 'tail' && inWords !== undefined && inWords !== 0)
    warnings.push(`a tail's own _refcount is ${inWords}, and should be 0: references go to the head`)
  const slab = type === 'slab'
  const counted = pageType === null && !slab && mapcountWord !== null ? mapcountWord + 1 : null
  if (
    printed.mapcount !== null &&
    counted !== null &&
    counted !== printed.mapcount &&
    !isCompound(reading) &&
    !(counted < 0 && printed.mapcount === 0)
  )
    warnings.push(`mapcount: ${printed.mapcount} is printed, and the words hold ${counted}`)
  if (flags.includes('head') && pageType === null && counted !== null && counted < 0)
    warnings.push(`_mapcount is ${counted - 1}, below -1`)
  return { refcount: printed.refcount ?? own ?? null, mapcount: printed.mapcount ?? counted, pageType, mapcountWord }
}

/** What `head:` and the folio's second descriptor say; they are compared where both do. */
function folioOf(reading: Reading): DumpFolio | null {
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

function orderOf(reading: Reading, folio: DumpFolio | null): number | null {
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

function pinsOf(
  reading: Reading,
  refcount: number | null,
  order: number | null,
  folio: DumpFolio | null,
): { pins: DecodedDump['pins']; pinsReason: string } {
  const { type, flags, candidate } = reading
  const none = (pinsReason: string): { pins: null; pinsReason: string } => ({ pins: null, pinsReason })
  if (folio?.pincount != null && candidate.biasPins)
    return { pins: { pins: folio.pincount, exact: true }, pinsReason: 'the pin count of the folio' }
  if (!candidate.biasPins) return none('kernels before 5.7 do not count pins')
  const small = candidate.era?.name === 'linux-5.10' && order === 1
  if (type === 'tail') return none('pins are counted at the head')
  if (flags.includes('head') && !small)
    return none('the exact count of a large folio stands in a tail, which the log does not have')
  if (refcount === null) return none('the log does not tell the reference count')
  if (refcount < 0) return none(`_refcount is ${refcount}: what is left of it counts nothing`)
  return {
    pins: { pins: Math.floor(refcount / 1024), exact: false },
    pinsReason: 'a pin is 1024 references, and 1024 references look like a pin',
  }
}

/** By a scheme that the caller has named. */
function pinsBy(
  { pins: count, pinsName }: Given,
  { words, type }: Reading,
  refcount: number | null,
): { pins: DecodedDump['pins']; pinsReason: string } | null {
  if (count === null) return null
  if (words.page.length < 7) return { pins: null, pinsReason: 'the log does not have the words' }
  if (type === 'tail') return { pins: null, pinsReason: 'pins are counted at the head' }
  const counted = count(words.page, words.wordBytes)
  if (counted !== null && !counted.exact && refcount !== null && refcount < 0)
    return { pins: null, pinsReason: `_refcount is ${refcount}: what is left of it counts nothing` }
  if (counted === null) return { pins: null, pinsReason: `${pinsName} keeps none in these words` }
  const reason = counted.exact
    ? `as ${pinsName} counts`
    : 'a pin is 1024 references, and 1024 references look like a pin'
  return { pins: { pins: Number(counted.pins), exact: counted.exact }, pinsReason: reason }
}

/** Words that no kernel would write in a page of this type. */
function checkPointers({ image, candidate, words, flags, type, warnings }: Reading): void {
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

function flagsOf(
  dump: RawDump,
  words: Words,
  { candidate, confidence }: Choice,
  end: number,
  tail: boolean,
  warnings: string[],
): { names: readonly string[]; unknown: readonly string[] } {
  const word = words.page[0]
  const { flags } = dump
  if (flags !== null) {
    if (word !== undefined && word !== flags.value)
      warnings.push(
        `flags: ${hex(flags.value)} is printed, and the words hold ${hex(word)}: bits ${hex(flags.value ^ word)} differ`,
      )
    return { names: flags.names, unknown: [] }
  }
  if (word === undefined) return { names: [], unknown: [] }
  // The low byte of a first tail's flags is the folio's order.
  return readFlagBits(word, candidate, end, tail && (candidate.tail.order.byte === 0 || confidence === 'low') ? 8 : 0)
}

/** Reads one dump. Never throws: what cannot be told is unknown, what contradicts itself a warning. */
export function decodeDump(dump: RawDump, given: Given): DecodedDump {
  const decoded = read(dump, given)
  return isPoisoned(dump) ? uninitialized(decoded) : decoded
}

/** PAGE_POISON_PATTERN: what memblock leaves in descriptors that nobody has initialised yet. */
const isPoisoned = ({ raw }: RawDump): boolean => raw.length >= 4 && raw.every((word) => /^(?:f{8}){1,2}$/.test(word))

function uninitialized(dump: DecodedDump): DecodedDump {
  const nothing = 'flags, counts, zone, node and order: nobody has initialised this descriptor'
  return {
    ...dump,
    type: 'uninitialized',
    typeReason: 'all bits are set, as memblock leaves a descriptor',
    flags: [],
    unknownFlags: [],
    refcount: null,
    mapcount: null,
    zone: null,
    node: null,
    lastCpupid: null,
    section: null,
    kasanTag: null,
    order: null,
    pins: null,
    pinsReason: 'nobody has initialised this descriptor',
    index: null,
    mapping: { ...dump.mapping, kind: 'none', address: null, text: 'not initialised' },
    folio: null,
    fields: [],
    unknown: [nothing],
    warnings: [],
    why: `the descriptor was never initialised: all its bits are set${dump.because === null ? '' : ` (${dump.because})`}`,
  }
}

function read(dump: RawDump, given: Given): DecodedDump {
  const printed = printedOf(dump)
  const words = wordsOf(dump, given.only?.wordBytes ?? 8)
  const foreign = given.only !== null && given.only.wordBytes !== null && given.only.wordBytes !== words.wordBytes
  const choice = choose(dump, words, given.extra, foreign ? null : given.only)
  const { candidate } = choice
  const warnings = [...dump.warnings, ...choice.warnings]
  if (foreign)
    warnings.push(
      `layout ${given.only?.name} has words of ${given.only?.wordBytes} bytes, and this dump has ${words.wordBytes}: it is not read by it`,
    )
  const unknown: string[] = []
  const places = candidate.places(words.wordBytes)
  const bigEndian = isBigEndian(dump, words, Math.floor(places.refcount / 8), printed)
  const image = words.page.length > 0 ? new Image(words.page, words.wordBytes, bigEndian) : null
  if (words.page.length > 0 && words.page.length * words.wordBytes < places.refcount + 4)
    warnings.push(`the log has ${words.page.length} of the words only: what stands in the others is unknown`)
  const tail = tailBit(words.page[places.lruNext / words.wordBytes])
  const top = topFields(dump, words.page[0], words.wordBytes * 8, candidate)
  warnings.push(...top.warnings)
  unknown.push(...top.unknown)
  const flags = flagsOf(dump, words, choice, top.flagsEnd, tail, warnings)
  for (const bit of flags.unknown) unknown.push(`flag ${bit}: the configuration decides`)
  if (choice.flagsUnsure && !tail)
    unknown.push('flags: without the flags line their names are those of the likeliest kernel')
  const hint = top.zone === null && words.wordBytes === 8 ? zoneHint(words.page[0] ?? 0n) : null
  const seen = { dump, words, image, candidate, flags: flags.names, printed, zone: top.zone, zoneHint: hint }
  const answer: TypeAnswer = given.type === null ? recognise(seen) : { type: kernelType(given.type), reason: 'given' }
  const reading: Reading = {
    dump,
    printed,
    words,
    choice,
    candidate,
    image,
    flags: flags.names,
    unknownFlags: flags.unknown,
    type: answer.type,
    typeReason: answer.reason,
    warnings,
    unknown,
  }
  return assemble(reading, top, given)
}

function assemble(reading: Reading, top: ReturnType<typeof topFields>, given: Given): DecodedDump {
  const { dump, printed, words, choice, candidate, image, flags, type, warnings, unknown } = reading
  const places = candidate.places(words.wordBytes)
  const { refcount, mapcount, pageType, mapcountWord } = counts(reading)
  const folio = folioOf(reading)
  const order = orderOf(reading, folio)
  const { pins, pinsReason } = pinsBy(given, reading, refcount) ?? pinsOf(reading, refcount, order, folio)
  checkPointers(reading)
  const mappingWord = image?.word(places.mapping) ?? null
  const mapping = mappingOf(
    mappingWord,
    dump.header?.get('mapping') ?? null,
    words.wordBytes,
    hasMapping(type) ? 'mapping' : 'other',
  )
  compareMapping(reading, mappingWord)
  if (refcount !== null && refcount < 0 && type !== 'tail') warnings.push(`_refcount is negative: ${refcount}`)
  if (image === null) unknown.push('the words: the log has none of this page')
  const memcgWord = image?.word(places.memcg) ?? null
  const why = whyOf({
    dump,
    wordBytes: words.wordBytes,
    type,
    flags,
    refcount,
    mapcount,
    mapcountWord,
    pageType,
    mapping,
    mappingWord,
    lruNext: image?.word(places.lruNext) ?? null,
    lruPrev: image?.word(places.lruPrev) ?? null,
    memcgWord,
    printed,
    pins: pins?.pins ?? null,
  })
  return {
    line: dump.line,
    who: dump.who,
    kernel: dump.kernel,
    layout: candidate.name,
    kernels: choice.kernels,
    layoutReason: choice.reason,
    confidence: choice.confidence,
    alike: choice.alike,
    wordBytes: words.wordBytes,
    type: given.type ?? type,
    typeReason: reading.typeReason,
    flags,
    unknownFlags: reading.unknownFlags,
    refcount,
    mapcount,
    zone: top.zone,
    node: top.node,
    lastCpupid: top.lastcpupid,
    section: top.section,
    kasanTag: top.kasantag,
    order,
    pins,
    pinsReason,
    pfn: printed.pfn,
    index: printed.index ?? (hasMapping(type) && type !== 'tail' ? (image?.word(places.index) ?? null) : null),
    mapping,
    folio,
    memcg: dump.memcg === null ? null : `0x${dump.memcg}`,
    aops: dump.aops,
    inode: dump.inode,
    dentry: dump.dentry,
    process: dump.process,
    because: dump.because,
    owner: dump.owner,
    fields: image === null ? [] : fieldsOf({ image, candidate, type, flags }),
    unknown,
    warnings: [...new Set(warnings)],
    why,
    words: words.page,
    headWords: words.head.flat(),
  }
}

/** A mapping that is printed and not in the words; anonymous and swap-cache pages are printed otherwise by design. */
function compareMapping({ printed, image, type, flags, warnings, dump }: Reading, word: bigint | null): void {
  if (image === null || word === null || printed.mapping === null || type === 'tail' || !hasMapping(type)) return
  const swap = flags.includes('swapcache') || flags.includes('owner_priv_1') || dump.aops?.startsWith('swap') === true
  if (printed.mapping !== 0n && word === 0n && !swap && !flags.includes('head'))
    warnings.push('a mapping is printed, and the words hold none')
}
