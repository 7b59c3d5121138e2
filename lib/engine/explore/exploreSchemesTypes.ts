import type { Layout } from '../../page/layout.ts'
import type { BehaviourOptions } from '../../pins/behaviour.ts'
import type { Scheme } from '../../pins/scheme.ts'
import type { LongCallOptions, Progress } from '../poll.ts'
import type { Finding } from '../scenario/scenarioTypes.ts'

/** What a program is made of: operations of the vocabulary, on one page by pfn. */
export type ProgramOp =
  | 'get_page'
  | 'put_page'
  | 'pin_page'
  | 'unpin_page'
  | 'maybe_pinned'
  | 'isolate_page'
  | 'putback_page'
  | 'release_page'
  | 'freeze_page'

/** How many threads, and how many operations each of them does. */
export interface ProgramShape {
  readonly threads: number
  readonly ops: number
}

export interface SchemesProgress extends Progress {
  /** What is explored now: `'packed-64 on linux-6.12, 2 × 3'`. */
  readonly what: string
  readonly schedules: number
}

/** Which schemes, on what, and how far. */
export interface ExploreSchemesOptions extends BehaviourOptions, LongCallOptions<SchemesProgress> {
  /** Built in or declared; all that are built in and collide with nothing. */
  schemes?: readonly (string | Scheme)[]
  /** Built in or declared; `linux-6.12`, `linux-4.20` and `linux-6.12-32`. */
  layouts?: readonly (string | Layout)[]
  /** The page is a folio of 2^order pages; 0 and 2. Schemes that are the same at each are explored at the first alone. */
  orders?: readonly number[]
  /** 2 threads of 3 operations, and 3 threads of 2. */
  shapes?: readonly ProgramShape[]
  /** All of them. */
  operations?: readonly ProgramOp[]
  /** Schedules in all, the same share of each row of the table; as many as there are. */
  samples?: number
  /** Schedules of one program; one that has more is not complete. 10^6. */
  samplesEach?: number
  /** Of all rows together; as long as it takes. */
  seconds?: number
  /** Rows that are explored at the same time; as many as there are processors. */
  jobs?: number
  /** Bytes for what is remembered of one row; 2^30. */
  memoryBytes?: number
}

/** A schedule that ended badly, of a program that a token has whole. */
export interface ProgramFinding extends Pick<Finding, 'outcome' | 'text' | 'row' | 'trace' | 'token'> {
  /** What each thread does. */
  readonly threads: readonly (readonly ProgramOp[])[]
}

/** A scheme on a layout, in every program of a shape. */
export interface SchemeExploration {
  readonly scheme: string
  readonly layout: string
  readonly order: number
  readonly threads: number
  readonly ops: number
  /**
   * `'holds'`: each class of schedules of each program was visited, and none ended badly. `'so far'`: none
   * ended badly of those that were. `'violated'`: some did. `'refused'`: the scheme has no place here.
   */
  readonly verdict: 'holds' | 'so far' | 'violated' | 'refused'
  /** Why it is refused; else empty. */
  readonly reason: string
  /** What the scheme promises, which is what it is held to. */
  readonly claims: { readonly answer: string; readonly falsePositives: string; readonly maxPins: bigint | null }
  /** That were begun, that there are, and of which each class was visited. */
  readonly programs: number
  readonly allPrograms: number
  readonly complete: number
  readonly violated: number
  readonly classes: number
  readonly schedules: number
  /** Classes of the program that has most. */
  readonly largest: number
  /** Scheduling points. */
  readonly steps: number
  readonly seconds: number
  readonly first: readonly ProgramFinding[]
}

/** The table. */
export interface ExploreSchemesResult {
  /** `'complete'`: every row to its end. */
  readonly stoppedBy: 'complete' | 'samples' | 'seconds' | 'memory' | 'abort'
  readonly rows: readonly SchemeExploration[]
  readonly schedules: number
  readonly classes: number
  readonly seconds: number
}
