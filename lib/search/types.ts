import type { LongCallOptions, Progress } from '../engine/poll.ts'
import type { Interval } from '../compare/interval.ts'
import type { Layout, LayoutDefinition, PageType } from '../page/layout.ts'
import type { SchemeDefinition } from '../pins/scheme.ts'

/** How far a search is; `done` and `total` are milliseconds of what it usually takes. */
export interface SearchProgress extends Progress {
  readonly what: string
}

/** What a place must offer. What is left out is not demanded. */
export interface SearchOptions extends LongCallOptions<SearchProgress> {
  /** A layout or its name; `'linux-6.12'`. */
  layout?: string | Layout
  /** Kinds of pages that are pinned: every one of them must have room; anon and file. */
  types?: readonly PageType[]
  /** Orders of their folios, 0 to 10; 0. A page type that has no such order is left out there. */
  orders?: readonly number[]
  /** Pins of one page that must be counted: 1 to 2^31-1, since each is a reference too; 1. */
  minPins?: number
  /** No false positives. Excludes `fuzzyFrom`. */
  exact?: boolean
  /** A count may take a page with so many references, or more, for pinned: 2 to 2^20. */
  fuzzyFrom?: number
  /** The descriptor keeps its size. */
  noGrowth?: boolean
  /** Neither pins, unpins nor queries take a lock. */
  noLock?: boolean
  /** Spare bits of `page->flags` that may be used: 0 to 64. */
  maxFlagBits?: number
}

/** The demands as they were understood. */
export interface SearchAsked {
  readonly types: readonly PageType[]
  readonly orders: readonly number[]
  readonly minPins: number
  readonly exact: boolean
  readonly fuzzyFrom: number | null
  readonly noGrowth: boolean
  readonly noLock: boolean
  readonly maxFlagBits: number | null
  /** Page types that have not all of the orders: `'device-private-anon pages have order 0 only'`. */
  readonly notes: readonly string[]
}

/** Bits of the head (`tail` 0) or of `page[tail]`, in the word at `offsetBytes`. */
export interface SearchPlace {
  readonly tail: number
  readonly offsetBytes: number
  readonly shift: number
  readonly bits: number
}

/** What the proofs of a candidate did, all of them without a finding. */
export interface SearchProof {
  /** Kinds of pages on which table and memory agree that it fits. */
  readonly probed: number
  /** Operations of short races, and schedules of explorations, on each of them; 0: not reached. */
  readonly raceOps: number
  readonly schedules: number
}

/** A way to count pins that meets every demand. */
export interface SearchCandidate {
  /** Ready for `schemes.define`, `defineConfig` and `--scheme-file`. */
  readonly definition: SchemeDefinition
  /** The layout with the place of the count in a tail, where it names none; null: it is the layout itself. */
  readonly layout: LayoutDefinition | null
  readonly place: string
  /** Where the count is: in bits that the descriptor has, in more of them, or in a table beside. */
  readonly where: 'inside' | 'growth' | 'outside'
  /** The bits of the descriptor that it uses; none: it counts outside. */
  readonly places: readonly SearchPlace[]
  readonly bits: number
  readonly maxPins: number
  readonly exact: boolean
  /** References, or pins at a time, from which on it may say yes for a page that is not pinned; null: never. */
  readonly fuzzyFrom: number | null
  /** Empty: none. */
  readonly locks: string
  readonly bytesPerPage: number
  readonly flagBits: number
  /** Page types of the layout that were not asked for and have no room for it. */
  readonly refusedOn: readonly string[]
  /** Nanoseconds of a pin and its unpin: one hot line, and beyond the caches; null: not measured. */
  readonly cost: { readonly hot: Interval | null; readonly cold: Interval | null; readonly measuredAs: string } | null
  /** No other candidate is better in one of cost, exactness, limit, memory and locks, and as good in the others. */
  readonly front: boolean
  readonly proof: SearchProof
}

/** A place without a candidate. */
export interface SearchExcluded {
  readonly place: string
  /** Why, in a sentence: `'index: live on device-private-anon (offset in the mapping, in pages)'`. */
  readonly because: string
  /** Null: not in the descriptor. */
  readonly at: SearchPlace | null
}

/** Bits with the same users on all page types that were asked for: the descriptor from its first bit to its last. */
export interface SearchSegment extends SearchPlace {
  readonly users: readonly { readonly field: string; readonly types: readonly string[]; readonly meaning: string }[]
  /** Names of the candidates that count here. */
  readonly candidates: readonly string[]
}

/** What would do if one demand were dropped, besides the candidates. */
export interface SearchWithout {
  /** `'--no-growth'`, `'device-private-anon'`, `'order 9'`. */
  readonly demand: string
  readonly remains: readonly {
    readonly definition: SchemeDefinition
    readonly layout: LayoutDefinition | null
    readonly place: string
    readonly where: SearchCandidate['where']
    readonly exact: boolean
    readonly maxPins: number
    readonly locks: string
    readonly bytesPerPage: number
  }[]
}

/** The answer: complete in its places, whatever was measured. */
export interface SearchResult {
  readonly layout: string
  readonly asked: SearchAsked
  readonly candidates: readonly SearchCandidate[]
  readonly excluded: readonly SearchExcluded[]
  readonly map: readonly SearchSegment[]
  readonly without: readonly SearchWithout[]
  /** Where table and memory differ, or a race or exploration found something where both said that it fits. */
  readonly findings: readonly string[]
  /** False: it was stopped; the places are all there, proofs and costs as far as they came. */
  readonly complete: boolean
  readonly stoppedBy: 'done' | 'abort'
  readonly seconds: number
}
