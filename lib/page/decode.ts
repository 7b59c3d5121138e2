import { tables } from '../native/tables.ts'
import { nameOf } from './addresses.ts'
import { bitsOf, fieldOf } from './bits.ts'
import { guessType } from './guessType.ts'
import { kernelPointer, staticPage, zoneHint } from './kernelAddress.ts'
import type { Field, Layout, PageType } from './layout.ts'
import type { DecodedPage, FieldValue } from './page.ts'

/** What a scheme makes of the words of one descriptor; filled in by the room of the schemes. */
export interface PinCounter {
  readonly name: string
  /** Null if the count lies elsewhere, or the words hold none. */
  pinsIn(words: readonly bigint[], layout: Layout): DecodedPage['pins']
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
  counter: PinCounter | null,
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
  return {
    layout: layout.name,
    scheme: counter === null ? null : counter.name,
    type,
    typeReason: given === undefined ? guess.reason : 'given',
    words: [...words],
    flags,
    fields,
    refcount,
    mapcount: hasMapcount && !typed ? Number(BigInt.asIntN(32, mapcountWord)) + 1 : null,
    zone,
    node: source === 'guessed' ? null : highField(words, layout, 'node'),
    pins: counter === null ? null : counter.pinsIn(words, layout),
    warnings,
  }
}
