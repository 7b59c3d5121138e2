import type { Layout } from '../page/layout.ts'
import { type Era, eras, type Place, type Release, releaseText, type TailPlaces, types611 } from './eras.ts'
import type { HighPlace } from './high.ts'

/** Where the words of a descriptor lie, in bytes. */
export interface WordPlaces {
  readonly lruNext: number
  readonly lruPrev: number
  readonly mapping: number
  readonly index: number
  readonly private: number
  readonly mapcount: number
  readonly refcount: number
  readonly memcg: number
}

/** A way to read a dump: an era of the built-in table, or a layout that was defined or imported. */
export interface Candidate {
  readonly name: string
  readonly era: Era | null
  readonly layout: Layout | null
  readonly from: Release | null
  readonly to: Release | null
  /** Null: either width. */
  readonly wordBytes: 4 | 8 | null
  /** Names that the flag of this bit can have; none: no flag is there. */
  namesAt(bit: number): readonly string[]
  /** Whether the layout has a flag of that name at that bit in some configuration. */
  has(name: string, bit: number): boolean
  /** Bits from here on are no flags. */
  readonly flagBits: number
  readonly highFields: readonly HighPlace[] | null
  places(wordBytes: 4 | 8): WordPlaces
  /** The page type that the word over `_mapcount` names; null: it is a count. */
  typeOf(word: number): string | null
  readonly tail: TailPlaces
  readonly maskHead: boolean
  readonly biasPins: boolean
  readonly anonExclusive: string | null
}

const lruFirst = (w: number): WordPlaces => ({
  lruNext: w,
  lruPrev: 2 * w,
  mapping: 3 * w,
  index: 4 * w,
  private: 5 * w,
  mapcount: 6 * w,
  refcount: 6 * w + 4,
  memcg: 6 * w + 8,
})

const mappingFirst = (w: number): WordPlaces => ({
  mapping: w,
  index: 2 * w,
  mapcount: 3 * w,
  refcount: 3 * w + 4,
  lruNext: 3 * w + 8,
  lruPrev: 4 * w + 8,
  private: 5 * w + 8,
  memcg: 6 * w + 8,
})

/** Types of one cleared bit each, in a word that is otherwise all ones from some bit on. */
function clearedType(word: number, types: Readonly<Record<string, number>>): string | null {
  for (const [name, bit] of Object.entries(types)) if (word === (~bit | 0) >>> 0) return name
  return null
}

function typeIn(era: Era, word: number): string | null {
  if (era.typeStyle === 'top-byte') {
    const byte = word >>> 24
    if (byte < 0xf0 || byte === 0xff) return null
    return Object.entries(era.types).find(([, value]) => value === byte)?.[0] ?? `type 0x${byte.toString(16)}`
  }
  if (era.typeStyle === 'values') return Object.entries(era.types).find(([, value]) => value === word)?.[0] ?? null
  return clearedType(word, era.types) ?? (era.name === 'linux-6.10' ? clearedType(word, types611) : null)
}

function ofEra(era: Era): Candidate {
  const fixed = era.flags.length
  const namesAt = (bit: number): readonly string[] => {
    const name = era.flags[bit]
    if (name !== undefined) return [name]
    // Which of the others there are is the configuration's matter; their order is not. All kernels with an MMU have the first.
    return bit === fixed ? era.optional.slice(0, 1) : era.optional.slice(bit - fixed)
  }
  return {
    name: era.name,
    era,
    layout: null,
    from: era.from,
    to: era.to,
    wordBytes: null,
    namesAt,
    has: (name, bit) => (bit < fixed ? era.flags[bit] === name : era.optional.slice(bit - fixed).includes(name)),
    flagBits: fixed + era.optional.length,
    highFields: null,
    places: era.order === 'mapping-first' ? mappingFirst : lruFirst,
    typeOf: (word) => typeIn(era, word),
    tail: era.tail,
    maskHead: era.maskHead,
    biasPins: era.biasPins,
    anonExclusive: era.anonExclusive,
  }
}

/** The built-in eras as candidates, the oldest first. */
export const eraCandidates: readonly Candidate[] = eras.map(ofEra)

const tailNames: readonly (readonly [keyof TailPlaces, readonly string[]])[] = [
  ['order', ['_folio_order', 'compound_order']],
  ['entireMapcount', ['_entire_mapcount', 'compound_mapcount']],
  ['largeMapcount', ['_large_mapcount']],
  ['nrPagesMapped', ['_nr_pages_mapped']],
  ['pincount', ['_pincount', 'compound_pincount']],
  ['nrPages', ['_nr_pages', '_folio_nr_pages', 'compound_nr']],
]

function tailOf(layout: Layout): TailPlaces {
  const places: Partial<Record<keyof TailPlaces, Place>> = {}
  for (const [key, names] of tailNames) {
    const field = layout.fields.find((each) => names.includes(each.name) && each.types.includes('tail'))
    if (field !== undefined && field.shift === 0) places[key] = { byte: field.offsetBytes, bits: field.bits }
  }
  return { order: { byte: layout.orderOffsetBytes, bits: 8 }, ...places }
}

const kernelOf = (text: string): Release | null => {
  const found = /(\d+)\.(\d+)/.exec(text)
  return found === null ? null : [Number(found[1]), Number(found[2])]
}

const highNames: Readonly<Record<string, HighPlace['name']>> = {
  section: 'section',
  node: 'node',
  zone: 'zone',
  last_cpupid: 'lastcpupid',
  kasan_tag: 'kasantag',
}

/** A layout of the registry (or an imported one of the same shape) as a candidate. */
export function ofLayout(layout: Layout): Candidate {
  const release = kernelOf(layout.era.kernel) ?? kernelOf(layout.name)
  const like = eraCandidates.findLast((each) => release !== null && each.from !== null && atLeast(release, each.from))
  const era = (like ?? eraCandidates[0]) as Candidate
  const field = (name: string, otherwise: number): number =>
    layout.fields.find((each) => each.name === name && (each.types.includes('anon') || each.types.includes('file')))
      ?.offsetBytes ?? otherwise
  return {
    ...era,
    name: layout.name,
    layout,
    from: release,
    to: release,
    wordBytes: layout.wordBytes,
    namesAt: (bit) => layout.flags.filter((each) => each.bit === bit).map(({ name }) => name),
    has: (name, bit) => layout.flags.some((each) => each.name === name && each.bit === bit),
    flagBits: Math.max(0, ...layout.flags.map(({ bit }) => bit + 1)),
    highFields: layout.highFields.flatMap(({ name, shift, bits }) => {
      const known = highNames[name]
      return known === undefined || bits === 0 ? [] : [{ name: known, shift, bits }]
    }),
    places: (w) => {
      const { mapcountOffsetBytes: mapcount, refcountOffsetBytes: refcount } = layout
      const usual = lruFirst(w)
      return {
        lruNext: field('lru.next', usual.lruNext),
        lruPrev: field('lru.prev', usual.lruPrev),
        mapping: field('mapping', usual.mapping),
        index: field('index', usual.index),
        private: field('private', usual.private),
        mapcount,
        refcount,
        memcg: field('memcg_data', field('mem_cgroup', usual.memcg)),
      }
    },
    typeOf: (word) => {
      const { buddyType, tableType, slabType, hugetlbType } = layout.era
      const own = { buddy: buddyType, table: tableType, slab: slabType, hugetlb: hugetlbType }
      for (const [name, type] of Object.entries(own)) if (type !== 0 && word === type >>> 0) return name
      return era.typeOf(word)
    },
    tail: tailOf(layout),
    anonExclusive: layout.era.anonExclusive ? era.anonExclusive : null,
  }
}

const atLeast = (a: Release, b: Release): boolean => a[0] > b[0] || (a[0] === b[0] && a[1] >= b[1])

/** `'6.12 to 6.13'` */
export function kernelsText(from: Release | null, to: Release | null): string | null {
  if (from === null || to === null) return null
  const first = releaseText(from)
  if (from[0] === to[0] && from[1] === to[1]) return first
  return to[1] === 99 ? `${first} and later` : `${first} to ${releaseText(to)}`
}
