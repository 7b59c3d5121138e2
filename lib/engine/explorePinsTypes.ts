import type { BehaviourOptions } from '../pins/behaviour.ts'
import type { LongCallOptions } from './poll.ts'
import type { ExploreProgress } from './scenario/scenarioTypes.ts'

/** What is to be explored: random pin operations under random schedules. */
export interface ExplorePinsOptions extends BehaviourOptions, LongCallOptions<ExploreProgress> {
  /** A built-in scheme; `'refcount-bias'`. */
  scheme?: string | { readonly name: string }
  /** A built-in layout; `'linux-6.12'`. */
  layout?: string | { readonly name: string }
  /** Fibers that run the operations: 2 or 3; 2. */
  threads?: number
  /** Folios that the threads pin: 1 to 8; 2. */
  folios?: number
  /** Of each folio; 0: single pages. */
  order?: number
  /** Operations of each thread in one schedule; 3. */
  ops?: number
  /** Schedules to run; 10 000. */
  schedules?: number
  /** Number of the first: with the seed it names a schedule. */
  firstRun?: number
  seed?: number | bigint
}

/** A schedule that ended badly. Run it again with its `run` as `firstRun` and the same seed. */
export interface Violation {
  readonly run: number
  readonly scheduleHash: bigint
  /** How it ended: `'clean'` (but for the audit), `'deadlock'`, `'data race'`. */
  readonly end: string
  /** Of the first audit row; empty: none. */
  readonly invariant: string
  readonly pfn: number
  readonly expected: bigint
  readonly found: bigint
}

/** What an exploration did. Sequentially consistent: weaker orders are not explored. */
export interface ExploreResult {
  /** What ended it: all schedules that were asked for, or the signal. */
  readonly stoppedBy: 'schedules' | 'abort'
  readonly schedules: number
  /** Different schedules among the first 2^22. */
  readonly distinct: number
  /** Scheduling points of all schedules. */
  readonly steps: number
  readonly violations: number
  /** The first of them. */
  readonly first: readonly Violation[]
  /** Of every schedule and of the words after it: the same seed gives the same hash. */
  readonly hash: bigint
  readonly seconds: number
  readonly seed: bigint
}
