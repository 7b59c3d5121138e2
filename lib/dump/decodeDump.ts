import { zoneHint } from '../page/kernelAddress.ts'
import type { PageType } from '../page/layout.ts'
import { hex } from './address.ts'
import { checkPointers, compareMapping } from './checks.ts'
import { type Choice, choose } from './choose.ts'
import { counts } from './counts.ts'
import { isBigEndian, printedOf, type Words, wordsOf } from './facts.ts'
import { fieldsOf, hasMapping, mappingOf } from './fields.ts'
import { readFlagBits } from './flagNames.ts'
import { folioOf, orderOf } from './folio.ts'
import { Image, tailBit } from './image.ts'
import { recognise, type TypeAnswer } from './pageType.ts'
import { pinsBy, pinsOf } from './pins.ts'
import type { RawDump } from './rawDump.ts'
import type { Given, Reading } from './reading.ts'
import { topFields } from './topFields.ts'
import type { DecodedDump, DumpType } from './types.ts'
import { whyOf } from './why.ts'

/** A page type of the sandbox as one of the kernel's. */
const kernelType = (type: DumpType | PageType): DumpType =>
  /^device|dax$|^p2pdma$/.test(type) ? 'device' : type === 'second-tail' ? 'tail' : (type as DumpType)

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
