import type { FieldKind, PageType } from '../page/layout.ts'
import type { ByteOrder } from './blob.ts'
import type { ReleaseRange } from './release.ts'

/** Page types that kernels have and boxes do not: described, and not declared. */
export type ForeignPageType = 'third-tail' | 'pgd' | 'page-pool' | 'zsmalloc'
export type DescribedType = PageType | ForeignPageType

/** One field of a descriptor, on the page types that use it. */
export interface DescriptorField {
  /** As the built-in layouts call it: `'_pincount'`; an unknown one as the kernel does. */
  readonly name: string
  /** Where the kernel declares it: `'folio._pincount'`. */
  readonly member: string
  /** First byte in memory. */
  readonly byte: number
  /** Word, and bit of the word's value from the lowest up: the same in both byte orders. */
  readonly word: number
  readonly shift: number
  readonly bits: number
  readonly kind: FieldKind
  readonly types: readonly DescribedType[]
  readonly meaning: string
  /** What a pointer points to, by the names of the layouts. */
  readonly object?: string
  /** False: pagebox does not know this name; it counts as live. */
  readonly known: boolean
}

/** A member that no rule knows. */
export interface UnknownName {
  readonly member: string
  readonly byte: number
  readonly bits: number
  /** On which it counts as live. */
  readonly types: readonly DescribedType[]
  /** Known fields that lie over it: those bits are live anyway. */
  readonly over: readonly string[]
}

/** What the importer could not read from the file. */
export interface Doubt {
  /** What it is about: `'node'`, `'release'`, `'device-private-anon'`. */
  readonly about: string
  /** `defaulted`: taken by version or by habit; `asked`: taken from the configuration; `contradiction`: two sources disagree. */
  readonly kind: 'defaulted' | 'asked' | 'contradiction'
  readonly text: string
}

export interface FlagOfKernel {
  /** Without PG_: `'lru'`. */
  readonly name: string
  readonly bit: number
}

/** Widths of what lies at the top of `flags`, from the top down. */
export interface HighWidths {
  readonly section: number
  readonly node: number
  readonly zone: number
  readonly lastCpupid: number
  readonly kasanTag: number
  readonly lruGen: number
  readonly lruRefs: number
}

/** How a real kernel's page descriptor looks, as far as its BTF and its configuration say. */
export interface KernelDescriptor {
  readonly name: string
  readonly source: string
  readonly byteOrder: ByteOrder
  readonly wordBytes: 4 | 8
  /** sizeof(struct page) */
  readonly strideBytes: number
  readonly alignBytes: number
  readonly release: Pick<ReleaseRange, 'least' | 'before' | 'because'> & { readonly text: string }
  readonly flags: readonly FlagOfKernel[]
  /** Second names of bits: `swapcache` of `owner_priv_1`. */
  readonly flagAliases: readonly FlagOfKernel[]
  readonly widths: HighWidths
  readonly highFields: readonly { readonly name: string; readonly shift: number; readonly bits: number }[]
  readonly freeFlagBits: number
  readonly zones: readonly { readonly name: string; readonly number: number }[]
  /** Bit of PG_anon_exclusive; undefined: the kernel has none. */
  readonly anonExclusiveBit: number | undefined
  /** What the word over `_mapcount` holds by type; undefined: no such type. */
  readonly pageTypeValues: Readonly<Record<string, number>>
  /** Values of `pgmap->type`. */
  readonly memoryTypes: Readonly<Record<string, number>>
  /** Reference count of a free device page. */
  readonly deviceBase: Readonly<Record<'private' | 'coherent' | 'fsdax' | 'devdax' | 'p2pdma', number>>
  /** What word 1 of a tail holds. */
  readonly compoundHead: 'address' | 'mask'
  readonly types: readonly { readonly type: DescribedType; readonly exists: boolean; readonly because: string }[]
  readonly compoundTypes: readonly DescribedType[]
  readonly fields: readonly DescriptorField[]
  /** Of large folios: n for `page[n]`; 0: the kernel has none. Its field is the one of kind `'pincount'`. */
  readonly pincount: { readonly tail: number; readonly byte: number; readonly minOrder: number }
  readonly mapcountByte: number
  readonly refcountByte: number
  /** Byte of `page[1]`; undefined: no compound pages. */
  readonly orderByte: number | undefined
  readonly unknown: readonly UnknownName[]
  /** Names that memory management needs and that the file has not: page types without them. */
  readonly missing: readonly string[]
  readonly doubts: readonly Doubt[]
}
