/*
 * The words in which the addon's tables speak of descriptors and of schemes. They lie below every room, so that
 * the binding needs none; `page/` and `pins/` give them to the world.
 */

/** Bits of one field: `bits` wide, from bit `shift` of the bytes at `offsetBytes` on. */
export interface BitRange {
  /** The field's name, or the scheme's name for what it puts there. */
  field: string
  /** Descriptor it lies in, counted from the head: 0, or 1 and 2 for tails. */
  tail: number
  offsetBytes: number
  shift: number
  bits: number
}

/** What a field holds; decides which values are legal in it. */
export type FieldKind =
  | 'flags'
  | 'list-next'
  | 'list-prev'
  | 'page-ref'
  | 'pointer'
  | 'mapping'
  | 'count'
  | 'mapcount'
  | 'refcount'
  | 'pincount'
  | 'poison'
  | 'lock'
  | 'constant'

/** What a descriptor stands for. */
export type PageType =
  | 'free'
  | 'anon'
  | 'file'
  | 'slab'
  | 'compound-head'
  | 'tail'
  | 'second-tail'
  | 'page-table'
  | 'device-private-anon'
  | 'device-private-file'
  | 'device-public-anon'
  | 'device-public-file'
  | 'device-coherent'
  | 'fsdax'
  | 'devdax'
  | 'p2pdma'

/** One field of the descriptor, for the page types that use it. */
export interface Field {
  readonly name: string
  readonly offsetBytes: number
  readonly shift: number
  readonly bits: number
  readonly kind: FieldKind
  readonly types: readonly PageType[]
  readonly meaning: string
  /** The page types need this field here, but the layout has given the word to another. */
  readonly contested: boolean
  /** What a `pointer` points to: `'dev-pagemap'`. */
  readonly object: string
}

/** The part of Kconfig that decides how many bits of `page->flags` are left. */
export interface Kconfig {
  readonly name: string
  readonly sectionBits: number
  readonly nodeBits: number
  readonly zoneBits: number
  readonly lastCpupidBits: number
  readonly lruGenBits: number
  readonly lruRefsBits: number
  readonly memcg: boolean
  /** A descriptor is aligned to this; 0: what the word size asks for. */
  readonly alignBytes: number
  readonly kasanTagBits: number
  /** What the zone's bits say of RAM, and of devices (`enum zone_type`, whose numbers depend on what is configured). */
  readonly zoneNormal: number
  readonly zoneDevice: number
}

/** Rules that changed over the years and that pages and devices follow. */
export interface Era {
  /** `'v4.20'` */
  readonly kernel: string
  /** Reference count of a free ZONE_DEVICE page: 1 until v6.14. */
  readonly zoneDeviceBase: number
  /** The same for private and coherent device pages: 0 since v6.1. */
  readonly privateBase: number
  /** PG_anon_exclusive exists (v5.19). */
  readonly anonExclusive: boolean
  /**
   * What `page_type` (over `_mapcount`) holds on a free page, on a page table, on a slab, on the head of a
   * hugetlb page; 0: no such type.
   */
  readonly buddyType: number
  readonly tableType: number
  readonly slabType: number
  readonly hugetlbType: number
}

/** One field at the top of `page->flags`: section, node, zone, last_cpupid, kasan_tag, lru_gen, lru_refs. */
export interface HighField {
  readonly name: string
  readonly shift: number
  readonly bits: number
}

/** Where the exact pin count of a large folio lies. */
export interface PincountPlace {
  /** n = `page[n]`, 0 = the layout has none. */
  readonly tail: number
  /** In that page, of 32 aligned bits. */
  readonly offsetBytes: number
  /** Smallest folio order that has it. */
  readonly minOrder: number
  /** Its lowest bit of these 32, and how many it has. */
  readonly shift: number
  readonly bits: number
}

/** A layout as the tables have it. */
export interface NativeLayout {
  readonly name: string
  readonly summary: string
  readonly wordBytes: 4 | 8
  readonly strideBytes: number
  readonly kconfig: Kconfig
  readonly era: Era
  readonly types: readonly PageType[]
  /** Page types that exist in orders above 0. */
  readonly compoundTypes: readonly PageType[]
  /** Those of other names than the tables' `flagNames` are live on every type of page, and mean nothing here. */
  readonly flags: readonly { readonly name: string; readonly bit: number }[]
  /** Whose bit says PG_anon_exclusive on anonymous pages, where that exists: `'owner_2'`, `'mappedtodisk'`. */
  readonly anonExclusiveFlag: string
  /** What word 1 of a tail says beside bit 0: the head's address, or which bits of its own address are the head's. */
  readonly compoundHead: 'address' | 'mask'
  /** How the kernel's memory has a word's bytes. Offsets and bits here are those of little-endian memory. */
  readonly byteOrder: 'little' | 'big'
  readonly fields: readonly Field[]
  readonly pincount: PincountPlace
  readonly mapcountOffsetBytes: number
  readonly refcountOffsetBytes: number
  /** A pin counter field of its own; 0: none. */
  readonly counterOffsetBytes: number
  /** Of the compound order (one byte) in `page[1]`; 0: none. */
  readonly orderOffsetBytes: number
  /** From the top bit down. */
  readonly highFields: readonly HighField[]
  /** Bits of `page->flags` that neither a flag nor a high field uses. */
  readonly freeFlagBits: number
  /** The lowest of them; -1: none. */
  readonly lowestFreeFlagBit: number
  /** Stride with a 32-bit counter after `_refcount`, as `own-counter` needs it. */
  readonly ownCounterStrideBytes: number
}

/** One thing that is wrong with a declared layout. */
export interface LayoutProblem {
  field: string
  other: string
  what: string
}

/** How the words of a scheme change; each protocol is compiled once per word width. */
export type Protocol = 'add' | 'flag-and-word' | 'packed-word' | 'list-overlay' | 'external'

/** Where the count lies. All but `refcount` exist beside `_refcount`, which every pin holds too. */
export type CountPlace = 'refcount' | 'word' | 'mapcount' | 'counter' | 'tail' | 'side-table' | 'sharded'

/** What `pins` and `maybePinned` can say: the number, an upper bound, or nothing. */
export type PinAnswer = 'exact' | 'fuzzy' | 'unknown'

/**
 * What happens to a count. A `first-pin` is a `pin`, too, and a `last-unpin` an `unpin`; `full` is the
 * pin that brings it to its largest, `not-full` the unpin that takes it away from there. `isolate` and
 * `putback` are those that take a page off its LRU list and put it back.
 */
export type PinEvent = 'pin' | 'first-pin' | 'full' | 'isolate' | 'unpin' | 'last-unpin' | 'not-full' | 'putback'

/** What the room analysis says of one scheme on one kind of page. */
export type Cell = 'impossible' | 'refused' | 'fits' | 'collides'

/** Bits that a pin of the scheme writes. */
export interface Claim extends BitRange {
  /** `_refcount`, and fields made for pins: shared or owned by right, so they collide with nothing. */
  readonly byRight?: boolean
}

/** What memory management does where kernel versions differ: one behaviour before a version, one since. */
export interface KernelRule {
  readonly name: string
  /** The first version with the newer behaviour: `'v5.19'`. */
  readonly since: string
  readonly meaning: string
  readonly before: string
  readonly after: string
  /** Commit or document. */
  readonly source: string
  /** False: pagebox has the newer behaviour only, and gives it to older kernels too. */
  readonly beforeExists: boolean
  /** False: pagebox does not have the newer behaviour yet. */
  readonly afterExists: boolean
}

/** A kernel that a machine can be told to behave as. */
export interface RuleSet {
  readonly name: string
  /** Rules whose newer behaviour it has. */
  readonly rules: readonly string[]
  /** Why no machine can have it yet, by the names of what is missing; empty: it can. */
  readonly missing: string
}

/** A historic defect that a machine can be made with. */
export interface QuirkInfo {
  readonly name: string
  readonly year: number
  /** What it is a defect of: pin accounting, memory management, device memory. */
  readonly room: 'pins' | 'mm' | 'zone_device'
  /** What was wrong, in one sentence. */
  readonly wrong: string
  /** Version and commit, or that it was never merged. */
  readonly fix: string
  /** What breaks. */
  readonly invariant: string
  /** It shows only where this rule has its newer behaviour (`ruleIs`), or only where not. */
  readonly rule?: string
  readonly ruleIs?: boolean
}
