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
import type { Field, Layout, PageType } from './layout.ts'
import { layoutOf } from './layouts.ts'
import type { DecodedPage, FieldValue } from './page.ts'

/** How words are to be read. */
export interface DecodeOptions {
  /** A layout or its name; `'linux-6.12'`. */
  layout?: string | { readonly name: string }
  /** The scheme that keeps its pins in these words, if one does. */
  scheme?: string | { readonly name: string }
  /** What the page is; without it, what the words say. */
  type?: PageType
}

const signed32 = (words: readonly bigint[], layout: Layout, offsetBytes: number): number =>
  Number(BigInt.asIntN(32, bitsOf(words, layout.wordBytes, offsetBytes * 8, 32)))

function textOf(field: Field, value: bigint, layout: Layout, flags: readonly string[]): { text: string; ok: boolean } {
  switch (field.kind) {
    case 'flags':
      return { text: flags.join('|') || 'none', ok: true }
    case 'list-next':
    case 'list-prev':
    case 'pointer':
      return nameOf(value, layout)
    case 'page-ref':
      return nameOf(value & ~1n, layout)
    case 'mapping': {
      const named = nameOf(value & ~3n, layout)
      const low = ['', ' (anon)', ' (movable)', ' (ksm)'][Number(value & 3n)]
      return { text: named.text + low, ok: named.ok }
    }
    case 'poison': {
      // Over _mapcount it is what an unmapped page has, -1; elsewhere TAIL_MAPPING.
      if (field.offsetBytes === layout.mapcountOffsetBytes) {
        const count = BigInt.asIntN(field.bits, value)
        return { text: `${count}`, ok: count === -1n }
      }
      const { tailMapping } = tables().addresses[layout.wordBytes]
      return { text: nameOf(value, layout).text, ok: value === tailMapping }
    }
    case 'mapcount':
    case 'refcount':
    case 'pincount':
      return { text: `${BigInt.asIntN(field.bits, value)}`, ok: true }
    default:
      return { text: value < 4096n ? `${value}` : `0x${value.toString(16)}`, ok: true }
  }
}

const highField = (words: readonly bigint[], layout: Layout, name: string): number => {
  const field = layout.highFields.find((each) => each.name === name)
  return field === undefined ? 0 : Number(bitsOf(words, layout.wordBytes, field.shift, field.bits))
}

/** Decodes words whose arguments were checked. Without `type`, guesses it. */
export function decodeDescriptor(
  words: readonly bigint[],
  layout: Layout,
  scheme: Scheme | null,
  given: PageType | undefined,
): DecodedPage {
  const flags = layout.flags.filter(({ bit }) => ((words[0] ?? 0n) >> BigInt(bit)) & 1n).map(({ name }) => name)
  const guess = guessType(words, layout, flags)
  const type = given ?? guess.type
  const warnings: string[] = []
  const onList = flags.includes('lru')
  const fields: FieldValue[] = []
  for (const field of layout.fields) {
    if (!field.types.includes(type)) continue
    const value = fieldOf(words, layout, field)
    const { text, ok } = textOf(field, value, layout, flags)
    const { name, offsetBytes, shift, bits, meaning, kind } = field
    fields.push({ name, value, text, meaning, offsetBytes, shift, bits })
    const isLink = kind === 'list-next' || kind === 'list-prev'
    if (!ok && (!isLink || onList)) warnings.push(`${name} holds ${text}: 0x${value.toString(16)}`)
  }
  const refcount = signed32(words, layout, layout.refcountOffsetBytes)
  if (refcount < 0) warnings.push(`_refcount is negative: frozen, overflowed, or of a page that is gone`)
  const hasMapcount = layout.fields.some((field) => field.kind === 'mapcount' && field.types.includes(type))
  return {
    layout: layout.name,
    scheme: scheme === null ? null : scheme.name,
    type,
    typeReason: given === undefined ? guess.reason : 'given',
    words: [...words],
    flags,
    fields,
    refcount,
    mapcount: hasMapcount ? signed32(words, layout, layout.mapcountOffsetBytes) + 1 : null,
    zone: highField(words, layout, 'zone'),
    node: highField(words, layout, 'node'),
    pins: scheme === null ? null : countIn(words, layout, scheme),
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
  return decodeDescriptor(readWords(words, layout), layout, scheme, type)
}
