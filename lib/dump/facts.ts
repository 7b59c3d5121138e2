import { Image } from './image.ts'
import type { RawDump } from './rawDump.ts'

/** Numbers that a dump prints, apart from its words. */
export interface Printed {
  readonly refcount: number | null
  readonly mapcount: number | null
  readonly mapping: bigint | null
  readonly index: bigint | null
  readonly pfn: bigint | null
  readonly order: number | null
  readonly entireMapcount: number | null
  readonly largeMapcount: number | null
  readonly nrPagesMapped: number | null
  readonly pincount: number | null
}

/** The words of a dump as numbers. */
export interface Words {
  readonly wordBytes: 4 | 8
  readonly page: readonly bigint[]
  /** The folio's first descriptors, as the rows `head:` have them: none, one or two. */
  readonly head: readonly (readonly bigint[])[]
}

const decimal = (text: string | undefined): number | null => {
  const value = text === undefined ? Number.NaN : Number(text)
  return Number.isSafeInteger(value) && /^-?\d+$/.test(text as string) ? value : null
}

const hexadecimal = (text: string | undefined): bigint | null => {
  if (text === undefined) return null
  if (/^\(nu?l?l?\)?$/.test(text)) return 0n
  const digits = /^(?:0x)?([\da-f]{1,16})[^\da-f]?$/i.exec(text)?.[1]
  return digits === undefined ? null : BigInt(`0x${digits}`)
}

/** What the lines `page:` and `head:` say. */
export function printedOf({ header, head, statePfn }: RawDump): Printed {
  const page = (key: string): string | undefined => header?.get(key)
  const both = (key: string): string | undefined => head?.get(key) ?? header?.get(key)
  return {
    refcount: decimal(page('refcount') ?? page('count')),
    mapcount: decimal(page('mapcount')),
    mapping: hexadecimal(page('mapping')),
    index: hexadecimal(page('index')),
    pfn: hexadecimal(page('pfn')) ?? statePfn,
    order: decimal(both('order')),
    entireMapcount: decimal(both('entire_mapcount') ?? both('compound_mapcount')),
    largeMapcount: decimal(head?.get('mapcount')),
    nrPagesMapped: decimal(both('nr_pages_mapped')),
    pincount: decimal(both('pincount') ?? both('compound_pincount')),
  }
}

/** 8 or 4: what the words show, else what the other lines do; null: neither tells. */
export function wordBytesOf(dump: RawDump): 4 | 8 | null {
  const tokens = [...dump.raw, ...dump.headWords]
  if (tokens.some((token) => token.length > 8)) return 8
  if (dump.flags !== null && dump.flags.value >> 32n !== 0n) return 8
  if (tokens.length > 0 && tokens.every((token) => token.length === 8)) return 4
  for (const key of ['mapping', 'page']) {
    const digits = dump.header?.get(key)
    if (digits !== undefined && /^[\da-f]+$/i.test(digits)) {
      if (digits.length === 16) return 8
      if (digits.length === 8) return 4
    }
  }
  return tokens.length > 8 ? 4 : null
}

/** The words as numbers; `wordBytes` is what to take where they do not tell. */
export function wordsOf(dump: RawDump, otherwise: 4 | 8): Words {
  const wordBytes = wordBytesOf(dump) ?? otherwise
  const limit = 1n << BigInt(wordBytes * 8)
  const numbers = (tokens: readonly string[]): bigint[] => tokens.map((token) => BigInt(`0x${token}`) % limit)
  const page = numbers(dump.raw)
  const head = numbers(dump.headWords)
  // A row `head:` begins a descriptor each time as many words have been printed as the page has.
  const stride = page.length >= 7 ? page.length : 8
  const heads: bigint[][] = []
  for (let at = 0; at < head.length; at += stride) heads.push(head.slice(at, at + stride))
  return { wordBytes, page, head: heads }
}

/** Whether the counts lie the other way round in their word, which only a big-endian kernel does. */
export function isBigEndian(dump: RawDump, words: Words, countsWord: number, printed: Printed): boolean {
  if (words.wordBytes !== 8) return false
  const word = words.page[countsWord]
  if (word === undefined) return false
  if (/s390|ppc64(?!le|el)|sparc/.test(dump.kernel ?? '')) return true
  const little = new Image([word], 8, false)
  const big = new Image([word], 8, true)
  if (printed.refcount === null || little.signed(4) === printed.refcount) return false
  return big.signed(4) === printed.refcount
}
