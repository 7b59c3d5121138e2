import { hex } from './address.ts'
import type { Printed } from './facts.ts'
import { checkedAtFree } from './flagNames.ts'
import { hasPoolMagic } from './pageType.ts'
import type { RawDump } from './rawDump.ts'
import type { DumpMapping, DumpType } from './types.ts'

/** What the sentence is made of. */
export interface Known {
  readonly dump: RawDump
  readonly wordBytes: 4 | 8
  readonly type: DumpType
  readonly flags: readonly string[]
  readonly refcount: number | null
  readonly mapcount: number | null
  /** Raw word over `_mapcount` as a signed number; null: no words. */
  readonly mapcountWord: number | null
  readonly pageType: string | null
  readonly mapping: DumpMapping
  readonly mappingWord: bigint | null
  readonly lruNext: bigint | null
  readonly lruPrev: bigint | null
  readonly memcgWord: bigint | null
  readonly printed: Printed
  readonly pins: number | null
}

const times = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** One bit in a word that should be zero: memory that has lost it is likelier than a bug. */
const flipped = (word: bigint | null): string =>
  word !== null && word > 0n && (word & (word - 1n)) === 0n
    ? '; a single bit is set, as failing memory would set it'
    : ''

function ofRefcount({ refcount, pins }: Known): string {
  if (refcount === null) return 'freed with a _refcount that is not zero'
  if (refcount < 0)
    return `_refcount ${refcount}: ${refcount === -1 ? 'one put too many' : `${-refcount} puts too many`}`
  if (refcount === 0) return 'freed with a _refcount that was not zero, and is now'
  const held = pins !== null && pins > 0 ? `, of which up to ${times(pins, 'pin')}` : ''
  return `freed with _refcount ${refcount}: ${times(refcount, 'reference')} still held${held}`
}

function ofMapcount(known: Known): string {
  const { mapcount, mapcountWord, pageType } = known
  if (pageType === 'buddy')
    return 'page_type says that the page is in the buddy allocator: freed twice, or handed out while still free'
  if (pageType !== null) return `freed with page_type ${pageType} over _mapcount`
  const count = mapcountWord === null ? mapcount : mapcountWord + 1
  if (count === null || count === 0) return 'freed with a _mapcount that was not -1'
  return count < 0
    ? `_mapcount ${count - 1}: ${count === -1 ? 'one unmap too many' : `${-count} unmaps too many`}`
    : `freed while still mapped ${count === 1 ? 'once' : `${count} times`}`
}

function ofMapping({ mapping, mappingWord, dump }: Known): string {
  const word = mappingWord ?? (dump.header?.get('mapping') ? null : 0n)
  const what = mapping.kind === 'none' ? '' : ` (${mapping.text})`
  return `freed with \`mapping\` set${what}${flipped(word)}`
}

function ofFlags({ flags, dump }: Known, at: 'free' | 'prep'): string {
  const bad = dump.badFlags?.names ?? (at === 'free' ? flags.filter((name) => checkedAtFree.includes(name)) : flags)
  const verb = at === 'free' ? 'freed with flags that no free page has' : 'handed out with flags set'
  if (bad.length > 0) return `${verb}: ${bad.join('|')}`
  return at === 'free'
    ? `${verb}; none of those that are printed, so one above them (lru_gen)`
    : `${verb}, and none is printed`
}

function ofPool({ lruNext, wordBytes }: Known): string {
  const magic = lruNext ?? 0n
  if (lruNext === null || hasPoolMagic(magic, wordBytes)) return 'page_pool page leaked: `pp_magic` is still set'
  const alike =
    (magic & 0x7cn) === 0x40n ? '; its low bits are those of the signature, so a list pointer was taken for one' : ''
  return `taken for a leaked page_pool page: \`pp_magic\` holds ${hex(magic)}, which is not the signature${alike}`
}

const rules: readonly (readonly [RegExp, (known: Known, found: RegExpExecArray) => string])[] = [
  [/^nonzero (?:_refcount|_count)/, ofRefcount],
  [/^nonzero mapcount/, ofMapcount],
  [/^non-NULL mapping/, ofMapping],
  [/^PAGE_FLAGS_CHECK_AT_FREE/, (known) => ofFlags(known, 'free')],
  [/^PAGE_FLAGS_CHECK_AT_PREP/, (known) => ofFlags(known, 'prep')],
  [
    /still charged to cgroup/,
    ({ memcgWord, dump }) => `freed while still charged to a memory cgroup${memcgText(memcgWord, dump)}`,
  ],
  [/^page_pool leak/, ofPool],
  [
    /^corrupted mapping in tail page/,
    () => 'a tail of a compound page has lost TAIL_MAPPING from its `mapping`: somebody wrote there',
  ],
  [
    /^nonzero (compound_mapcount|entire_mapcount|large_mapcount|nr_pages_mapped|pincount|compound_pincount)/,
    (_, [, what]) => `a compound page freed with \`${what}\` set`,
  ],
  [
    /^(?:PageTail not set|compound_head not consistent|bad compound)/,
    (_, [text]) => `a compound page whose tails do not point to its head (${text})`,
  ],
  [/^on deferred list/, () => 'a large folio freed while on the deferred split list'],
  [/^nonzero mm mapcount/, () => 'a large folio freed while a process still has it mapped'],
  [/[Hh]w[Pp]oison|hardware-corrupted/, () => 'the memory itself is broken (hwpoison)'],
  [/^bad pte/, () => 'a page table entry points to a page that must not be mapped this way'],
  [/^kasan:/, () => 'nothing is wrong with the page: KASAN prints it since a bad access hit memory in it'],
  [/^(migration failure|isolation failed|unmovable page|page is not isolatable|isolation failure)/, unmoved],
  [
    // The last bracket is missing where the line was cut.
    /^(VM_(?:BUG|WARN)\w*)\((.*?)\)?\s*$/s,
    (_, [, macro, what]) => `an assertion of the kernel failed (${macro}): ${what}`,
  ],
]

const memcgText = (word: bigint | null, dump: RawDump): string => {
  const value = word !== null && word !== 0n ? hex(word) : dump.memcg === null ? null : `0x${dump.memcg}`
  return value === null ? '' : ` (${value})`
}

function unmoved({ refcount, mapcount, pins, flags }: Known, [what]: RegExpExecArray): string {
  const said: string[] = []
  if (refcount !== null) said.push(`_refcount ${refcount}`)
  if (mapcount !== null) said.push(`mapcount ${mapcount}`)
  if (pins !== null && pins > 0) said.push(`up to ${times(pins, 'pin')}`)
  if (flags.includes('reserved')) said.push('PG_reserved')
  return `nothing need be wrong with the page: it could not be moved (${what}${said.length > 0 ? `; ${said.join(', ')}` : ''})`
}

/** What made the page bad, in a sentence: by the kernel's reason, else by the words. */
export function whyOf(known: Known): string | null {
  const { because } = known.dump
  if (because !== null && because !== '') {
    for (const [reason, sentence] of rules) {
      const found = reason.exec(because)
      if (found !== null) return sentence(known, found)
    }
    return `dumped because: ${because}`
  }
  return byWords(known)
}

function byWords(known: Known): string | null {
  const { refcount, mapcountWord, type, flags, mappingWord, memcgWord, lruNext, wordBytes } = known
  if (refcount !== null && refcount < 0 && type !== 'tail') return ofRefcount(known)
  const freed =
    known.dump.process !== null ||
    (refcount === 0 && !['tail', 'buddy', 'slab', 'hugetlb', 'device', 'unknown'].includes(type))
  if (!freed || refcount === null) return null
  if (hasPoolMagic(lruNext ?? undefined, wordBytes)) return ofPool(known)
  const said: string[] = []
  if (mapcountWord !== null && mapcountWord !== -1) said.push(ofMapcount(known))
  if (mappingWord !== null && mappingWord !== 0n && known.mapping.kind !== 'poison') said.push(ofMapping(known))
  if (flags.some((name) => checkedAtFree.includes(name))) said.push(ofFlags(known, 'free'))
  if (memcgWord !== null && memcgWord !== 0n)
    said.push(`freed while still charged to a memory cgroup (${hex(memcgWord)})`)
  return said.length === 0 ? null : said.join('; ')
}
