import type { BitRange, PageType } from '../page/layout.ts'

/** How the words of a scheme change; each protocol is compiled once per word width. */
export type Protocol = 'plain-add' | 'flag-and-word' | 'packed-word' | 'lru-overlay' | 'external'

/** Names of the built-in schemes. */
export type BuiltinScheme =
  | 'refcount'
  | 'lru-overlay'
  | 'packed-64'
  | 'packed-32'
  | 'flag-and-word'
  | 'own-counter'
  | 'mapcount-overlay'
  | 'refcount-bias'
  | 'folio-pincount'
  | 'side-table'
  | 'sharded'

/** Where the pin count lives and how it changes, with everything that the scheme promises. */
export interface Scheme {
  readonly name: string
  readonly summary: string
  readonly builtin: boolean
  readonly protocol: string
  /** Where the count lies, in words: `'word 2, bits 0..31'`. */
  readonly where: string
  /** Width of the pin counter. */
  readonly countBits: number
  /** False: `pins()` is an upper bound. */
  readonly exact: boolean
  /** Largest count of one page; null: nothing bounds it. */
  readonly maxPins: bigint | null
  /** When `maybePinned` says yes for a page that is not pinned; empty: never. */
  readonly falsePositives: string
  readonly locks: string
  /** What one pin adds to `_refcount`. */
  readonly refsPerPin: number
  /** What a program sees of this scheme that the kernel's own would not show. */
  readonly visibleEffects: readonly string[]
}

/** A scheme as a user declares it: constants for one of the protocols. */
export interface SchemeDefinition {
  name: string
  summary?: string
  protocol: Protocol
  /** Descriptor word (0 = flags, 1..5 = the unions) or byte offset that holds the count. */
  countOffsetBytes?: number
  countShift?: number
  countBits?: number
  /** What one pin adds to the count. */
  unit?: bigint | number
  /** Bit of `page->flags`, for `flag-and-word`. */
  flagBit?: number
  /** What one pin adds to `_refcount`. */
  refsPerPin?: number
}

/** What the room analysis says of one scheme on one kind of page. */
export type Cell = 'impossible' | 'refused' | 'fits' | 'collides'

/** The kind of page that a room analysis or a probe is about. */
export interface RoomOptions {
  scheme: string | Scheme
  layout: string
  pageType: PageType
  /** Of a compound page; 0 by default. */
  order?: number
}

interface RoomCase {
  readonly scheme: string
  readonly layout: string
  readonly pageType: PageType
  readonly order: number
  readonly cell: Cell
  /** Why it is impossible or refused; empty otherwise. */
  readonly reason: string
}

/** From the tables alone: what a scheme claims and what it collides with. */
export interface Room extends RoomCase {
  readonly claims: readonly BitRange[]
  readonly collisions: readonly BitRange[]
}

/** From memory: which bits really changed. Same shape as {@link Room}'s collisions. */
export interface Probe extends RoomCase {
  readonly damaged: readonly BitRange[]
}
