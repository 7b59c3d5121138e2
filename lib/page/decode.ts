import { array, badArgument, oneOf, options, or, typedArray } from '../base/args.ts'
import { typedArrayName } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'
import { tables } from '../native/tables.ts'
import { countIn } from '../pins/countIn.ts'
import type { Scheme } from '../pins/scheme.ts'
import { schemeOf } from '../pins/schemes.ts'
import { nameOf } from './addresses.ts'
import { bitsOf, fieldOf } from './bits.ts'
import { guessType } from './guessType.ts'
import { kernelPointer, staticPage, zoneHint } from './kernelAddress.ts'
import type { Field, Layout, PageType } from './layout.ts'
import { layoutOf } from './layouts.ts'
import type { DecodedPage, FieldValue } from './page.ts'

/** How words are to be read. */
export interface DecodeOptions {
  /** A layout or its name; without it `'linux-6.12'`, whose zone and node widths are then not taken for facts. */
  layout?: string | { readonly name: string }
  /** The scheme that keeps its pins in these words, if one does. */
  scheme?: string | { readonly name: string }
  /** What the page is; without it, what the words say. */
  type?: PageType
}

/**
 * Where words come from: a box, whose addresses are the sandbox's; or elsewhere, by a layout that the caller has named or
 * that was only the likeliest.
 */
export type WordSource = 'box' | 'named' | 'guessed'

const signed32 = (words: readonly bigint[], layout: Layout, offsetBytes: number): number =>
  Number(BigInt.asIntN(32, bitsOf(words, layout.wordBytes, offsetBytes * 8, 32)))

/** A pointer as its source has it: only a box's own addresses name the sandbox's objects. */
function pointerText(address: bigint, layout: Layout, source: WordSource): { text: string; ok: boolean } {
  if (source === 'box') return nameOf(address, layout)
  const { text, ok } = kernelPointer(address, layout.wordBytes)
  const page = layout.wordBytes === 8 ? staticPage(address, layout.strideBytes) : null
  return { text: page ?? text, ok }
}

function textOf(
  field: Field,
  value: bigint,
  layout: Layout,
  flags: readonly string[],
  source: WordSource,
): { text: string; ok: boolean } {
  switch (field.kind) {
    case 'flags':
      return { text: flags.join('|') || 'none', ok: true }
    case 'list-next':
    case 'list-prev':
    case 'pointer':
      return pointerText(value, layout, source)
    case 'page-ref':
      return pointerText(value & ~1n, layout, source)
    case 'mapping': {
      const named = pointerText(value & ~3n, layout, source)
      const low = ['', ' (anon)', ' (movable)', ' (ksm)'][Number(value & 3n)]
      return { text: named.text + low, ok: named.ok }
    }
    case 'poison': {
      // Over _mapcount it is what an unmapped page has, -1; a tail has no references of its own; elsewhere TAIL_MAPPING.
      if (field.offsetBytes === layout.mapcountOffsetBytes) {
        const count = BigInt.asIntN(field.bits, value)
        return { text: `${count}`, ok: count === -1n }
      }
      if (field.offsetBytes === layout.refcountOffsetBytes)
        return { text: `${BigInt.asIntN(field.bits, value)}`, ok: value === 0n }
      const { tailMapping } = tables().addresses[layout.wordBytes]
      return { text: pointerText(value, layout, source).text, ok: value === tailMapping }
    }
    case 'mapcount':
      if (field.offsetBytes === layout.mapcountOffsetBytes && isPageType(layout, value))
        return { text: 'a page type, no count', ok: true }
      return { text: `${BigInt.asIntN(field.bits, value)}`, ok: true }
    case 'refcount':
    case 'pincount':
      return { text: `${BigInt.asIntN(field.bits, value)}`, ok: true }
    default:
      return { text: value < 4096n ? `${value}` : `0x${value.toString(16)}`, ok: true }
  }
}

/** Whether the word over `_mapcount` holds a page type: since v6.12 the types are top bytes, before they are whole words. */
function isPageType({ era }: Layout, value: bigint): boolean {
  const word = Number(value & 0xffffffffn)
  const known = [era.buddyType, era.tableType, era.slabType, era.hugetlbType]
  if (known.some((type) => type !== 0 && type >>> 0 === word)) return true
  return era.hugetlbType !== 0 && word >>> 24 >= 0xf0 && word >>> 24 < 0xff
}

const highField = (words: readonly bigint[], layout: Layout, name: string): number => {
  const field = layout.highFields.find((each) => each.name === name)
  return field === undefined ? 0 : Number(bitsOf(words, layout.wordBytes, field.shift, field.bits))
}

/** The low byte of a first tail's flags is the folio's order, where the layout has it there. */
const lowestTailFlag = (layout: Layout): number =>
  layout.fields.find((field) => field.name === '_folio_order' && field.offsetBytes === 0)?.bits ?? 0

/** What made a free page bad lies in words that free pages do not have: those that are set are shown too. */
const leftBehind = (layout: Layout, words: readonly bigint[]): Field[] =>
  layout.fields.filter(
    (field) =>
      field.types.includes('anon') &&
      (field.kind === 'mapping' || field.offsetBytes > layout.refcountOffsetBytes) &&
      fieldOf(words, layout, field) !== 0n,
  )

/** Decodes words whose arguments were checked. Without `type`, guesses it. */
export function decodeDescriptor(
  words: readonly bigint[],
  layout: Layout,
  scheme: Scheme | null,
  given: PageType | undefined,
  source: WordSource,
): DecodedPage {
  const set = layout.flags.filter(({ bit }) => ((words[0] ?? 0n) >> BigInt(bit)) & 1n)
  const zone = source === 'guessed' ? null : highField(words, layout, 'zone')
  const names = (from: number): string[] => set.filter(({ bit }) => bit >= from).map(({ name }) => name)
  const guess = guessType(words, layout, names(0), zone ?? zoneHint(words[0] ?? 0n))
  const type = given ?? guess.type
  const flags = names(type === 'tail' ? lowestTailFlag(layout) : 0)
  const warnings: string[] = []
  const onList = flags.includes('lru')
  const fields: FieldValue[] = []
  const read = (field: Field): void => {
    const value = fieldOf(words, layout, field)
    const { text, ok } = textOf(field, value, layout, flags, source)
    const { name, offsetBytes, shift, bits, meaning, kind } = field
    fields.push({ name, value, text, meaning, offsetBytes, shift, bits })
    const isLink = kind === 'list-next' || kind === 'list-prev'
    if (!ok && (!isLink || onList)) warnings.push(`${name} holds ${text}: 0x${value.toString(16)}`)
  }
  for (const field of layout.fields) if (field.types.includes(type === 'page-pool' ? 'free' : type)) read(field)
  const refcount = signed32(words, layout, layout.refcountOffsetBytes)
  if (refcount < 0) warnings.push(`_refcount is negative: frozen, overflowed, or of a page that is gone`)
  const mapcountWord = bitsOf(words, layout.wordBytes, layout.mapcountOffsetBytes * 8, 32)
  const typed = isPageType(layout, mapcountWord)
  if (source !== 'box' && type === 'free' && refcount <= 0) {
    for (const field of leftBehind(layout, words)) {
      read(field)
      warnings.push(`the page is free, and ${field.name} is set: 0x${fieldOf(words, layout, field).toString(16)}`)
    }
    const untouched = words.every((word) => word === 0n)
    if (!typed && !untouched && mapcountWord !== 0xffffffffn)
      warnings.push(`the page is free, and _mapcount is ${BigInt.asIntN(32, mapcountWord)}, not -1`)
  }
  const hasMapcount = layout.fields.some(
    (field) => field.kind === 'mapcount' && type !== 'page-pool' && field.types.includes(type),
  )
  const countless = refcount < 0 && scheme?.place === 'refcount'
  return {
    layout: layout.name,
    scheme: scheme === null ? null : scheme.name,
    type,
    typeReason: given === undefined ? guess.reason : 'given',
    words: [...words],
    flags,
    fields,
    refcount,
    mapcount: hasMapcount && !typed ? Number(BigInt.asIntN(32, mapcountWord)) + 1 : null,
    zone,
    node: source === 'guessed' ? null : highField(words, layout, 'node'),
    // A count that has gone below zero holds nothing that could be divided into pins.
    pins: scheme === null || countless ? null : countIn(words, layout, scheme),
    warnings,
  }
}

/** By index: an iterator of a subclass need not end. */
function elementsOf(value: unknown): bigint[] {
  const view = typedArray(value, 'words', 'BigUint64Array')
  return Array.from({ length: view.length }, (_, i) => view[i] as bigint)
}

function readWords(value: unknown, layout: Layout): bigint[] {
  const { wordBytes, strideBytes } = layout
  const count = strideBytes / wordBytes
  const limit = 1n << BigInt(wordBytes * 8)
  const allowed = `a bigint from 0 to 2^${wordBytes * 8}-1`
  const list = typedArrayName(value) === 'BigUint64Array' ? elementsOf(value) : value
  const words = array(list, 'words', (word, where): bigint => {
    if (typeof word !== 'bigint') throw badArgument('ERR_PAGEBOX_ARG_TYPE', where, word, allowed)
    if (word < 0n || word >= limit) throw badArgument('ERR_PAGEBOX_ARG_RANGE', where, word, allowed)
    return word
  })
  // What follows the counts (memcg, a counter of its own) may be left out.
  const fewest = Math.ceil((layout.refcountOffsetBytes + 4) / wordBytes)
  if (words.length < fewest || words.length > count)
    throw new PageboxError(
      'ERR_PAGEBOX_ARG_RANGE',
      `words must be ${fewest} to ${count} words of ${wordBytes} bytes in layout '${layout.name}'; got ${words.length}`,
      { argument: 'words', given: `${words.length} words`, allowed: `${fewest} to ${count} words` },
    )
  return words
}

/** Words of a descriptor, as from a crash dump, read by layout and scheme: what `dump_page` would say. */
export function decodeWords(words: readonly bigint[] | BigUint64Array, value: DecodeOptions = {}): DecodedPage {
  const given = options(value, 'options', ['layout', 'scheme', 'type'] as const)
  const layout = layoutOf(or(given.layout, 'linux-6.12'), 'options.layout')
  const scheme = given.scheme === undefined ? null : schemeOf(given.scheme, 'options.scheme')
  const type = given.type === undefined ? undefined : oneOf(given.type, 'options.type', tables().pageTypes)
  const source = given.layout === undefined ? 'guessed' : 'named'
  return decodeDescriptor(readWords(words, layout), layout, scheme, type, source)
}
