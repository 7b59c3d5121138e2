/** A kernel's release, as two numbers: `[6, 12]`. */
export type Release = readonly [number, number]

/** A range of bits of the words of one descriptor: byte, and width in bits. */
export interface Place {
  readonly byte: number
  readonly bits: number
}

/** What the second descriptor of a large folio (`page[1]`) holds in an era, 64-bit. Counts start from -1. */
export interface TailPlaces {
  readonly order: Place
  readonly entireMapcount?: Place
  readonly largeMapcount?: Place
  readonly nrPagesMapped?: Place
  readonly pincount?: Place
  readonly nrPages?: Place
}

/** How `_mapcount` is used by pages that no process maps. */
export type TypeStyle = 'values' | 'cleared-bits' | 'top-byte'

/** What kernels of some years have in common in their descriptors. */
export interface Era {
  readonly name: string
  readonly from: Release
  readonly to: Release
  /** Flags by bit, those that every configuration has. */
  readonly flags: readonly string[]
  /** Then, in this order, those that depend on the configuration. */
  readonly optional: readonly string[]
  /** `flags, mapping, index, counts, lru, private` until 4.17; `flags, lru, mapping, index, private, counts` since. */
  readonly order: 'mapping-first' | 'lru-first'
  readonly typeStyle: TypeStyle
  /** Page types by name: the whole word, the bit that is cleared, or the top byte. */
  readonly types: Readonly<Record<string, number>>
  /** Word 1 of a tail may be a mask in place of the head's address. */
  readonly maskHead: boolean
  /** FOLL_PIN counts in `_refcount` by 1024 (small folios). */
  readonly biasPins: boolean
  /** PG_anon_exclusive is this flag. */
  readonly anonExclusive: string | null
  /** MGLRU keeps lru_gen and lru_refs above the flags. */
  readonly lruGen: boolean
  readonly tail: TailPlaces
  /** How many logs come from these kernels, roughly: long-term kernels count. Decides between layouts that read a dump alike. */
  readonly weight: number
}

const u = (byte: number, bits = 32): Place => ({ byte, bits })

// Flag orders. 5.10, 6.1, 6.12 to 7.3 from the BTF of Debian's kernels (enum pageflags); 4.20 from a header of its time.
// Until 4.19, and 6.6 to 6.11, from memory, checked against printed `flags:` lines of public logs of those kernels.
const until43 = [
  ...['locked', 'error', 'referenced', 'uptodate', 'dirty', 'lru', 'active', 'slab', 'owner_priv_1', 'arch_1'],
  ...['reserved', 'private', 'private_2', 'writeback', 'head', 'tail', 'swapcache', 'mappedtodisk', 'reclaim'],
  ...['swapbacked', 'unevictable'],
]
const until49 = until43.filter((name) => name !== 'tail')
const from410 = [
  ...['locked', 'error', 'referenced', 'uptodate', 'dirty', 'lru', 'active', 'waiters', 'slab', 'owner_priv_1'],
  ...['arch_1', 'reserved', 'private', 'private_2', 'writeback', 'head', 'mappedtodisk', 'reclaim', 'swapbacked'],
  'unevictable',
]
const from420 = [
  ...['locked', 'referenced', 'uptodate', 'dirty', 'lru', 'active', 'workingset', 'waiters', 'error', 'slab'],
  ...['owner_priv_1', 'arch_1', 'reserved', 'private', 'private_2', 'writeback', 'head', 'mappedtodisk', 'reclaim'],
  ...['swapbacked', 'unevictable'],
]
const from66 = [
  ...['locked', 'writeback', 'referenced', 'uptodate', 'dirty', 'lru', 'head', 'waiters', 'active', 'workingset'],
  ...['error', 'slab', 'owner_priv_1', 'arch_1', 'reserved', 'private', 'private_2', 'mappedtodisk', 'reclaim'],
  ...['swapbacked', 'unevictable'],
]
const from610 = from66.filter((name) => name !== 'slab')
const from612 = [
  ...['locked', 'writeback', 'referenced', 'uptodate', 'dirty', 'lru', 'head', 'waiters', 'active', 'workingset'],
  ...['owner_priv_1', 'owner_2', 'arch_1', 'reserved', 'private', 'private_2', 'reclaim', 'swapbacked', 'unevictable'],
]
const from614 = [...from612, 'dropbehind']

const optional310 = ['mlocked', 'uncached', 'hwpoison', 'compound_lock']
const optionalOld = ['mlocked', 'uncached', 'hwpoison', 'young', 'idle']
const optional510 = [...optionalOld, 'arch_2', 'skip_kasan_poison']
const optional62 = [...optionalOld, 'arch_2', 'arch_3', 'skip_kasan_poison']
const optional66 = [...optionalOld, 'arch_2', 'arch_3']
const optional612 = ['mlocked', 'hwpoison', 'young', 'idle', 'arch_2', 'arch_3']

// Page types. 0x80 is buddy; table is 0x400 in 5.10 and 0x200 in 6.1 (their headers); a top byte since 6.12 (enum pagetype
// in BTF). Those of 6.10 and 6.11 as public logs print them.
// The last ones came before the words were reordered, in the merge window of 4.18.
const typeValues = { buddy: 0xffffff80, balloon: 0xffffff00, kmemcg: 0xfffffe00, table: 0xfffffbff }
const cleared420 = { buddy: 0x80, offline: 0x100, kmemcg: 0x200, table: 0x400, guard: 0x800 }
const cleared61 = { buddy: 0x80, offline: 0x100, table: 0x200, guard: 0x400, hugetlb: 0x800 }
const cleared610 = { ...cleared61, slab: 0x1000, zsmalloc: 0x2000 }
const topBytes = { buddy: 0xf0, offline: 0xf1, table: 0xf2, guard: 0xf3, hugetlb: 0xf4, slab: 0xf5, zsmalloc: 0xf6 }
const topBytes612 = { ...topBytes, unaccepted: 0xf7 }
const topBytes615 = { ...topBytes612, large_kmalloc: 0xf8 }

// page[1]. From the BTF of 5.10, 6.1, 6.12, 6.16 to 7.3, and the rows `head:` of public logs; where neither was at hand
// (6.2 to 6.9) only the order is read.
const tail310: TailPlaces = { order: u(40) }
const tail417: TailPlaces = { order: u(36) }
const tail420: TailPlaces = { order: u(17, 8), entireMapcount: u(20) }
const tail61: TailPlaces = { order: u(17, 8), entireMapcount: u(20), pincount: u(24), nrPages: u(28) }
const tail62: TailPlaces = { order: u(17, 8) }
const tail66: TailPlaces = { order: u(0, 8) }
const tail610: TailPlaces = {
  order: u(0, 8),
  largeMapcount: u(16),
  entireMapcount: u(20),
  nrPagesMapped: u(24),
  pincount: u(28),
  nrPages: u(32),
}
const tail615: TailPlaces = {
  order: u(0, 8),
  largeMapcount: u(16),
  nrPagesMapped: u(20),
  entireMapcount: u(24),
  pincount: u(28),
  nrPages: u(56),
}

type Told = 'name' | 'weight' | 'from' | 'to'

const first: Era = {
  name: 'linux-3.10',
  weight: -3,
  from: [3, 0],
  to: [4, 3],
  flags: until43,
  optional: optional310,
  order: 'mapping-first',
  typeStyle: 'values',
  types: { buddy: typeValues.buddy, balloon: typeValues.balloon },
  maskHead: false,
  biasPins: false,
  anonExclusive: null,
  lruGen: false,
  tail: tail310,
}

/** What each era changed of the one before it. */
const changes: readonly (Pick<Era, Told> & Partial<Omit<Era, Told>>)[] = [
  {
    ...{ name: 'linux-4.9', weight: -1.2, from: [4, 4], to: [4, 9] },
    flags: until49,
    optional: optionalOld,
    types: typeValues,
    tail: tail417,
  },
  { name: 'linux-4.14', weight: -1, from: [4, 10], to: [4, 17], flags: from410 },
  {
    ...{ name: 'linux-4.19', weight: 0.6, from: [4, 18], to: [4, 19] },
    order: 'lru-first',
    typeStyle: 'cleared-bits',
    types: { ...cleared420, balloon: 0x100 },
    tail: tail420,
  },
  { name: 'linux-4.20', weight: 0.8, from: [4, 20], to: [5, 6], flags: from420, types: cleared420 },
  { name: 'linux-5.10', weight: 1.2, from: [5, 7], to: [5, 17], optional: optional510, biasPins: true },
  {
    ...{ name: 'linux-6.1', weight: 0.7, from: [5, 18], to: [6, 1] },
    types: cleared61,
    anonExclusive: 'mappedtodisk',
    lruGen: true,
    tail: tail61,
  },
  { name: 'linux-6.5', weight: 0.4, from: [6, 2], to: [6, 5], optional: optional62, tail: tail62 },
  { name: 'linux-6.6', weight: 0.8, from: [6, 6], to: [6, 9], flags: from66, optional: optional66, tail: tail66 },
  { name: 'linux-6.10', weight: 0.2, from: [6, 10], to: [6, 11], flags: from610, types: cleared610, tail: tail610 },
  {
    ...{ name: 'linux-6.12', weight: 1, from: [6, 12], to: [6, 13] },
    flags: from612,
    optional: optional612,
    typeStyle: 'top-byte',
    types: topBytes612,
    anonExclusive: 'owner_2',
  },
  { name: 'linux-6.14', weight: 0.1, from: [6, 14], to: [6, 14], flags: from614 },
  { name: 'linux-6.18', weight: 0.9, from: [6, 15], to: [7, 0], types: topBytes615, tail: tail615 },
  { name: 'linux-7.2', weight: 0.3, from: [7, 1], to: [7, 99], maskHead: true },
]

const byAge = [first]
for (const changed of changes) byAge.push({ ...(byAge.at(-1) as Era), ...changed })

/** Eras by age, the oldest first. Each kernel from 3.0 on is in exactly one. */
export const eras: readonly Era[] = byAge

/** 6.11 had page types of one cleared bit each, at the top of the word. */
export const types611 = {
  buddy: 0x40000000,
  offline: 0x20000000,
  table: 0x10000000,
  guard: 0x08000000,
  hugetlb: 0x04000000,
  slab: 0x02000000,
  zsmalloc: 0x01000000,
} as const

/** Whether one release is older (negative), the same (0) or newer. */
export const compareReleases = (a: Release, b: Release): number => a[0] - b[0] || a[1] - b[1]

export const releaseText = ([major, minor]: Release): string => (minor === 99 ? `${major}.x` : `${major}.${minor}`)
