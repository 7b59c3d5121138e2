import { hex, looksListed, maskOrder, realPointer, staticPage } from './address.ts'
import type { Candidate } from './candidates.ts'
import { compareReleases } from './eras.ts'
import type { Image } from './image.ts'
import type { DumpField, DumpMapping, DumpType } from './types.ts'

/** What the fields of a page are read from. */
export interface FieldSource {
  readonly image: Image
  readonly candidate: Candidate
  readonly type: DumpType
  readonly flags: readonly string[]
}

/** A descriptor's or another object's address in words. */
function pointerText(word: bigint, image: Image): string {
  const stride = image.words.length * image.wordBytes
  const page = image.wordBytes === 8 ? staticPage(word, stride) : null
  if (page !== null) return `${page}, unless addresses are randomised`
  return realPointer(word, image.wordBytes).text
}

/** What the word `mapping` is, by its low bits. */
export function mappingOf(
  word: bigint | null,
  printed: string | null,
  wordBytes: 4 | 8,
  meaning: 'mapping' | 'other',
): DumpMapping {
  if (word === null) {
    const empty = printed === null || /^(?:\(null\)|0+)$/.test(printed)
    const text = printed === null ? 'not in the log' : empty ? 'none is printed' : `printed as ${printed}`
    return { kind: empty ? 'none' : 'other', address: null, printed, text }
  }
  if (meaning === 'other')
    return { kind: 'other', address: hex(word), printed, text: 'this type of page has no mapping' }
  if (word === 0n) return { kind: 'none', address: null, printed, text: 'none' }
  const { address, text, ok } = realPointer(word, wordBytes, 3n)
  const whole = realPointer(word, wordBytes)
  if (whole.text !== 'a kernel address' && whole.ok)
    return { kind: 'poison', address: hex(word), printed, text: whole.text }
  if (!ok) return { kind: 'other', address: hex(word), printed, text: `${hex(word)}, ${text}` }
  const kinds = ['file', 'anon', 'movable', 'ksm'] as const
  const names = ['address_space', 'anon_vma', 'movable_operations', 'KSM stable node']
  const low = Number(word & 3n)
  return { kind: kinds[low] as DumpMapping['kind'], address, printed, text: `${names[low]} at ${address}` }
}

/** Pages whose third word is no mapping. */
export const hasMapping = (type: DumpType): boolean =>
  !['slab', 'page-pool', 'large-kmalloc', 'page-table', 'zsmalloc'].includes(type)

const listNames: Readonly<Partial<Record<DumpType, readonly [string, string]>>> = {
  buddy: ['buddy_list.next', 'buddy_list.prev'],
  device: ['pgmap', 'zone_device_data'],
  'page-pool': ['pp_magic', 'pp'],
  'page-table': ['pt_list or 0', 'pt_list or pmd_huge_pte'],
}

/** Slabs have had their cache in word 1 since 6.6; in word 3 before. */
const slabNames = (candidate: Candidate): readonly [string, string, string] =>
  candidate.from !== null && compareReleases(candidate.from, [6, 6]) >= 0
    ? ['slab_cache', 'slab_list.next or next', 'slab_list.prev or slabs']
    : ['slab_list.next or next', 'slab_list.prev or slabs', 'slab_cache']

function privateText(word: bigint, { type, flags }: FieldSource): string {
  if (word === 0n) return 'none'
  if (type === 'buddy') return `order ${word}`
  if (flags.includes('swapcache') || (flags.includes('owner_priv_1') && flags.includes('swapbacked')))
    return `swap entry ${hex(word)}`
  if (flags.includes('private')) return "buffer heads or the file system's own"
  return hex(word)
}

/** The descriptor word by word, named as this type of page has it. */
export function fieldsOf(source: FieldSource): DumpField[] {
  const { image, candidate, type, flags } = source
  const { wordBytes } = image
  const places = candidate.places(wordBytes)
  const fields: DumpField[] = []
  const add = (name: string, offsetBytes: number, text: (word: bigint) => string): void => {
    const value = image.word(offsetBytes)
    if (value !== undefined) fields.push({ name, offsetBytes, bits: wordBytes * 8, value, text: text(value) })
  }
  const pointer = (word: bigint): string => pointerText(word, image)
  add('flags', 0, () => flags.join('|') || 'none')
  if (type === 'tail') {
    const stride = image.words.length * wordBytes
    add(candidate.maskHead ? 'compound_info' : 'compound_head', places.lruNext, (word) => {
      const order = candidate.maskHead && wordBytes === 8 ? maskOrder(word, stride) : null
      return order === null
        ? `head: ${pointer(word & ~1n)} (${hex(word & ~1n)})`
        : `a mask: the head of a folio of order ${order}`
    })
    add('counts of the folio or 0', places.lruPrev, hex)
    add('mapping', places.mapping, (word) => pointer(word))
    add('index', places.index, hex)
    add('private', places.private, hex)
  } else if (type === 'slab') {
    const [first, second, third] = slabNames(candidate)
    add(first, places.lruNext, pointer)
    add(second, places.lruPrev, pointer)
    add(third, places.mapping, pointer)
    add('freelist', places.index, pointer)
    add('counters', places.private, (word) => {
      const low = Number(word & 0xffffffffn)
      return `inuse ${low & 0xffff}, objects ${(low >>> 16) & 0x7fff}, frozen ${low >>> 31}`
    })
  } else {
    const [next, prev] = listNames[type] ?? ['lru.next', 'lru.prev']
    add(next, places.lruNext, pointer)
    add(prev, places.lruPrev, (word) =>
      flags.includes('unevictable') && !looksListed(word, wordBytes)
        ? `mlock_count ${word & 0xffffffffn}`
        : pointer(word),
    )
    const mapping = (word: bigint): string =>
      mappingOf(word, null, wordBytes, hasMapping(type) ? 'mapping' : 'other').text
    add(type === 'page-pool' ? '_pp_mapping_pad' : 'mapping', places.mapping, mapping)
    add(type === 'page-pool' ? 'dma_addr' : type === 'page-table' ? 'pt_mm or pt_index' : 'index', places.index, hex)
    if (type === 'page-pool') add('pp_ref_count', places.private, (word) => `${word}`)
    else if (type === 'page-table') add('ptl', places.private, hex)
    else add('private', places.private, (word) => privateText(word, source))
  }
  addCounts(source, fields)
  add('memcg_data', places.memcg, (word) => (word === 0n ? 'not charged' : pointer(word & ~3n)))
  for (const [i, value] of image.words.entries()) {
    const at = i * wordBytes
    if (!fields.some(({ offsetBytes, bits }) => at >= offsetBytes && at < offsetBytes + bits / 8))
      fields.push({ name: 'not named by this layout', offsetBytes: at, bits: wordBytes * 8, value, text: hex(value) })
  }
  return fields.sort((a, b) => a.offsetBytes - b.offsetBytes)
}

function addCounts({ image, candidate, type, flags }: FieldSource, fields: DumpField[]): void {
  const places = candidate.places(image.wordBytes)
  const mapcount = image.unsigned(places.mapcount, 32)
  if (mapcount !== undefined) {
    const typed = candidate.typeOf(mapcount)
    const slab = type === 'slab' && flags.includes('slab') && mapcount !== 0xffffffff
    const name = typed === null ? '_mapcount' : 'page_type'
    const text = typed ?? (slab ? `${mapcount} (active objects)` : `${(mapcount | 0) + 1} mapped (counts from -1)`)
    fields.push({ name, offsetBytes: places.mapcount, bits: 32, value: BigInt(mapcount), text })
  }
  const refcount = image.unsigned(places.refcount, 32)
  if (refcount === undefined) return
  const text = type === 'tail' ? `${refcount | 0} (references go to the head)` : `${refcount | 0}`
  fields.push({ name: '_refcount', offsetBytes: places.refcount, bits: 32, value: BigInt(refcount), text })
}
