import type { Cell, Claim, CountPlace, PinAnswer, Protocol } from '../native/tableTypes.ts'
import type { BitRange, PageType } from '../page/layout.ts'

export type { Cell, Claim, CountPlace, PinAnswer, Protocol }

/** One bit of a word: 0 = flags, 1..5 = the unions. `'lowest-free'`: as the layout's Kconfig leaves it. */
export interface FlagPlace {
  word: number
  bit: number | 'lowest-free'
}

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
  /** Who proposed or shipped it, and when. */
  readonly source: string
  readonly builtin: boolean
  readonly protocol: Protocol
  readonly place: CountPlace
  /** Where the count lies, in words: `'word 2, bits 0..31'`. */
  readonly where: string
  /** Width of the pin counter. */
  readonly countBits: number
  /** False: `pins()` is an upper bound, or nothing at all. */
  readonly exact: boolean
  readonly answer: PinAnswer
  /** Largest count of one page; null: nothing bounds it. */
  readonly maxPins: bigint | null
  /** When `maybePinned` says yes for a page that is not pinned; empty: never. */
  readonly falsePositives: string
  readonly locks: string
  /** What one pin adds to `_refcount`. */
  readonly refsPerPin: number
  /** Page types that it pins, where they exist. */
  readonly types: readonly PageType[]
  /** What a program sees of this scheme that the kernel's own would not show. */
  readonly visibleEffects: readonly string[]
  /** Historic defects that it can show. */
  readonly quirks: readonly string[]
}

/** A scheme as a user declares it: constants for one of the protocols. */
export interface SchemeDefinition {
  name: string
  summary?: string
  source?: string
  protocol: Protocol
  /** `'word'` by default. */
  place?: CountPlace
  /** For `place: 'word'`: 1..5 = the unions. */
  countWord?: number
  countShift?: number
  countBits?: number
  /** For `packed-word`: width of the word that is swapped. */
  packedBits?: 32 | 64
  /** Set while the count is not zero. */
  pinned?: FlagPlace
  /** Set while the page waits to go back to its LRU list; without it the scheme never isolates. */
  wasLru?: FlagPlace
  /** What one pin adds to `_refcount`; 1. */
  refsPerPin?: number
  falsePositives?: string
  /**
   * What a program may see of it that the kernel's own scheme would not show (`schemes` lists the
   * words). Without it: what follows from the rest. `conform` explains a difference by nothing else.
   */
  visibleEffects?: readonly string[]
  /** Page types that it pins; all. */
  types?: readonly PageType[]
}

/** The kind of page that a room analysis or a probe is about. */
export interface RoomOptions {
  scheme: string | Scheme
  layout: string | { readonly name: string }
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
  readonly claims: readonly Claim[]
  readonly collisions: readonly BitRange[]
  /** Fields that such a page needs and that the layout itself has given no room. */
  readonly contested?: readonly string[]
  /** Bits that are claimed besides `_refcount`. */
  readonly claimedBits?: number
  /** Bits of the head that hold something, and the others. */
  readonly liveBits?: number
  readonly freeBits?: number
}

/** From memory: which bits really changed. Same shape as {@link Room}'s collisions. */
export interface Probe extends RoomCase {
  readonly damaged: readonly BitRange[]
}
