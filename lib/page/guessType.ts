import { looksLikePool, kernelPointer } from './kernelAddress.ts'
import { bitsOf, fieldOf } from './bits.ts'
import type { Layout, PageType } from './layout.ts'

/** What the words say the page is, and which of them said so. */
export interface Guess {
  readonly type: PageType | 'page-pool'
  readonly reason: string
}

/** Device page types, the one first that a layout most likely means by a pgmap. */
const deviceTypes: readonly PageType[] = [
  'device-private-anon',
  'device-public-anon',
  'device-coherent',
  'fsdax',
  'devdax',
]

/**
 * A pgmap is an object of the kernel's memory like any other, so its address alone says nothing: the zone does, and that
 * the page is on no list.
 */
function isPgmap(words: readonly bigint[], layout: Layout, type: PageType, zone: number | null): boolean {
  const field = layout.fields.find((each) => each.object === 'dev-pagemap' && each.types.includes(type))
  if (field === undefined || !layout.types.includes(type) || zone !== layout.kconfig.zoneDevice) return false
  const value = fieldOf(words, layout, field)
  return value % 8n === 0n && kernelPointer(value, layout.wordBytes).kind === 'kernel'
}

/**
 * As `dump_page` reasons: the tail bit first, since it changes what the other words mean; then page
 * types and flags; then the pointers.
 */
export function guessType(
  words: readonly bigint[],
  layout: Layout,
  flags: readonly string[],
  zone: number | null,
): Guess {
  const { wordBytes, era } = layout
  if (((words[1] ?? 0n) & 1n) === 1n) return { type: 'tail', reason: 'bit 0 of word 1 is set' }
  const pageType = Number(bitsOf(words, wordBytes, layout.mapcountOffsetBytes * 8, 32))
  const refcount = bitsOf(words, wordBytes, layout.refcountOffsetBytes * 8, 32)
  if (words.every((word) => word === 0n)) return { type: 'free', reason: 'all words are zero: never handed out' }
  if (flags.includes('slab')) return { type: 'slab', reason: 'PG_slab is set' }
  // Since v6.11 the top byte says it, and what lies below is the type's own.
  const isType = (type: number): boolean =>
    type !== 0 && ((type & 0xffffff) === 0 ? pageType >>> 24 === type >>> 24 : pageType === type)
  if (isType(era.slabType)) return { type: 'slab', reason: 'page_type says slab' }
  if (isType(era.tableType)) return { type: 'page-table', reason: 'page_type says page table' }
  if (isType(era.buddyType)) return { type: 'free', reason: 'page_type says buddy' }
  if (isType(era.hugetlbType)) return { type: 'compound-head', reason: 'page_type says hugetlb' }
  if (flags.includes('head')) return { type: 'compound-head', reason: 'PG_head is set' }
  if (looksLikePool(words[1] ?? 0n, wordBytes)) return { type: 'page-pool', reason: 'pp_magic lies in word 1' }
  const device = flags.includes('lru') ? undefined : deviceTypes.find((type) => isPgmap(words, layout, type, zone))
  if (device !== undefined) return { type: device, reason: 'a pgmap lies where ZONE_DEVICE pages have theirs' }
  if (refcount === 0n) return { type: 'free', reason: '_refcount is zero' }
  const mapping = layout.fields.find((field) => field.kind === 'mapping' && field.types.includes('anon'))
  if (mapping !== undefined && (fieldOf(words, layout, mapping) & 1n) === 1n)
    return { type: 'anon', reason: 'bit 0 of mapping is set' }
  const shared = layout.fields.find((field) => field.kind === 'mapping' && field.types.includes('file'))
  if (shared !== undefined && fieldOf(words, layout, shared) !== 0n)
    return { type: 'file', reason: 'mapping is an address_space' }
  return { type: 'anon', reason: 'in use, and no word says otherwise' }
}
