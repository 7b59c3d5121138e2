import type { PageType } from './layout.ts'
import type { LruKind } from './lru.ts'

/** How often a page is pinned. */
export interface PinCount {
  readonly pins: number
  /** False: an upper bound, since references look like pins. */
  readonly exact: boolean
}

/** One field of a descriptor and what it holds. */
export interface FieldValue {
  readonly name: string
  readonly value: bigint
  /** The value in words: `'page 42'`, `'list poison 1'`, `'-1'`. */
  readonly text: string
  readonly meaning: string
  readonly offsetBytes: number
  readonly shift: number
  readonly bits: number
}

/** The words of a descriptor, decoded. A copy: it does not change when the page does. */
export interface DecodedPage {
  readonly layout: string
  readonly scheme: string | null
  /** `'page-pool'`: memory that a network driver has of a page_pool, which the sandbox has not. */
  readonly type: PageType | 'page-pool'
  /** Why it was taken for that type. */
  readonly typeReason: string
  readonly words: readonly bigint[]
  readonly flags: readonly string[]
  readonly fields: readonly FieldValue[]
  readonly refcount: number
  /** Mappings: 0 is not mapped (`_mapcount` holds one less). Null where the type has none, or a page type lies there. */
  readonly mapcount: number | null
  /** Null where the widths of the fields at the top of `flags` are not known: words without a layout. */
  readonly zone: number | null
  readonly node: number | null
  /** What the scheme can tell from the words alone; null without a scheme, or if it counts elsewhere. */
  readonly pins: { readonly pins: bigint; readonly exact: boolean } | null
  /** What no kernel would write: a pointer out of range, a tail that points nowhere. */
  readonly warnings: readonly string[]
}

/** A page of a box. Reads the descriptor each time that it is asked. */
export interface Page<Owner = unknown> {
  readonly box: Owner
  readonly pfn: number
  readonly type: PageType
  /** The head of a tail; itself otherwise. */
  readonly head: number
  readonly words: readonly bigint[]
  /** The fields that are live for this type, by name. */
  readonly fields: Readonly<Record<string, bigint>>
  readonly flags: readonly string[]
  readonly refcount: number
  /** Mappings; null where the type has none. */
  readonly mapcount: number | null
  readonly maybePinned: boolean
  readonly pinCount: PinCount
  /** The LRU list that it is on; null: on none. */
  readonly lru: LruKind | null
  decode(): DecodedPage
  /** The descriptor word by word, with the fields that lie in each. */
  hexdump(): string
}
