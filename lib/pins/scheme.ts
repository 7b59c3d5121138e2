import type { Cell, Claim, CountPlace, PinAnswer, PinEvent, Protocol } from '../native/tableTypes.ts'
import type { BitRange, PageType } from '../page/layout.ts'

export type { Cell, Claim, CountPlace, PinAnswer, PinEvent, Protocol }

/**
 * One bit of a word (0 = flags, 1..5 = the unions) or of a named field of the layout, from its lowest on; neither: the
 * word or field of the count. `'lowest-free'`: as the layout's Kconfig leaves it, of word 0.
 */
export interface FlagPlace {
  word?: number
  field?: string
  bit: number | 'lowest-free'
}

/**
 * What a count does with a pin that it has no room for. `refuse`: the pin is refused. `saturate`: it
 * stays at its largest until the page is freed, and `pins()` is a bound from then on. `spill`: the rest
 * is counted outside, by pfn. `cross`: the one that crosses the sign of the count is kept.
 */
export type AtLimit = 'refuse' | 'saturate' | 'spill' | 'cross'

/** A named bit beside a packed count, changed in the same swap. */
export interface StateBit {
  readonly name: string
  /** -1 where it is a named field's. */
  readonly word: number
  /** Empty: `word` says where it is. */
  readonly field: string
  readonly bit: number | 'lowest-free'
  readonly set: readonly PinEvent[]
  readonly clear: readonly PinEvent[]
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
  /** The field of the layout that the count is in; null: none is named. */
  readonly field: string | null
  /** Where the count lies, in words: `'word 2, bits 0..31'`. */
  readonly where: string
  /** Width of the pin counter. */
  readonly countBits: number
  readonly atLimit: AtLimit
  /** Named bits beside the count. */
  readonly states: readonly StateBit[]
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
  /** What `schemes.define` makes the same scheme of, under another name. */
  readonly definition: Readonly<SchemeDefinition>
}

/** A state bit as a user declares it. */
export interface StateDefinition {
  /** 1 to 40 of a-z, 0-9 and '-'. */
  name: string
  /** The count's word, or field, and no other one. */
  word?: number
  field?: string
  bit: number | 'lowest-free'
  set: PinEvent | readonly PinEvent[]
  /** Nothing: it stays until the page is freed. */
  clear?: PinEvent | readonly PinEvent[]
}

/** A scheme as a user declares it: constants for one of the protocols. */
export interface SchemeDefinition {
  name: string
  summary?: string
  source?: string
  protocol: Protocol
  /** `'word'` by default. A field of the layout by its name: refused on the layouts that lack it. */
  place?: CountPlace | { field: string }
  /** For `place: 'word'`: 1..5 = the unions, and for `packed-word` 0 = `flags`. */
  countWord?: number
  /** Lowest bit of the count, from the lowest of its place on; 0. `'lowest-free'`: of `packed-word` in word 0, where the Kconfig leaves room. */
  countShift?: number | 'lowest-free'
  /** Width of the count; 32. Narrower ones have a limit of their own. */
  countBits?: number
  /** For `packed-word`: width of the word that is swapped; the layout's. */
  packedBits?: 32 | 64
  /**
   * What the count does with a pin that it has no room for; `'refuse'`. A whole count of 32 bits that refuses is
   * bound by `_refcount` alone, and keeps the pin that crosses.
   */
  atLimit?: 'refuse' | 'saturate' | 'spill'
  /** Set while the count is not zero. */
  pinned?: FlagPlace
  /** Set while the page waits to go back to its LRU list; without it the scheme never isolates. */
  wasLru?: FlagPlace
  /** For `packed-word`: up to 8 named bits of the word that is swapped. */
  states?: readonly StateDefinition[]
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
