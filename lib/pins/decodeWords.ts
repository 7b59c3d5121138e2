import { array, badArgument, oneOf, options, or, typedArray } from '../base/args.ts'
import { typedArrayName } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'
import { tables } from '../native/tables.ts'
import { decodeDescriptor } from '../page/decode.ts'
import type { Layout, PageType } from '../page/layout.ts'
import { layoutOf } from '../page/layouts.ts'
import type { DecodedPage } from '../page/page.ts'
import { counterOf } from './countIn.ts'
import { schemeOf } from './schemes.ts'

/** How words are to be read. */
export interface DecodeOptions {
  /** A layout or its name; without it `'linux-6.12'`, whose zone and node widths are then not taken for facts. */
  layout?: string | { readonly name: string }
  /** The scheme that keeps its pins in these words, if one does. */
  scheme?: string | { readonly name: string }
  /** What the page is; without it, what the words say. */
  type?: PageType
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
  return decodeDescriptor(readWords(words, layout), layout, scheme === null ? null : counterOf(scheme), type, source)
}
