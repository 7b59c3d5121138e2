import type { AuditRow } from './auditRow.ts'
import type { Layout } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import type { BehaviourOptions } from '../pins/behaviour.ts'
import type { LongCallOptions } from './poll.ts'
import type { ExploreProgress } from './scenario/scenarioTypes.ts'

/** What is to be explored: random pin operations under random schedules. */
export interface ExplorePinsOptions extends BehaviourOptions, LongCallOptions<ExploreProgress> {
  /** Built in or declared; `'refcount-bias'`. */
  scheme?: string | Scheme
  /** Built in or declared; `'linux-6.12'`. */
  layout?: string | Layout
  /** Fibers that run the operations: 2 or 3; 2. */
  threads?: number
  /** Folios that the threads pin: 1 to 8; 2. */
  folios?: number
  /** Of each folio; 0: single pages. */
  order?: number
  /** Operations of each thread in one schedule: 1 to 16; 3. */
  ops?: number
  /** Schedules to run; 10 000. */
  schedules?: number
  /** Number of the first: with the seed it names a schedule. */
  firstRun?: number
  /** Of the schedules; 1. */
  seed?: number | bigint
  /** Of what the threads do; 1. */
  workloadSeed?: number | bigint
  /** Bytes for the machine and for what is remembered of schedules; beyond it the exploration ends with what it has. 2^30. */
  memoryBytes?: number
}

/** A schedule that ended badly. Run it again with its `run` as `firstRun` and the same seed. */
export interface Violation {
  readonly run: number
  readonly scheduleHash: bigint
  /** How it ended: `'clean'` (but for the audit), `'deadlock'`, `'data race'`. */
  readonly end: string
  /** In words: the row, who sleeps, who waited in vain. */
  readonly text: string
  /** The first row of the audit after it; null: it ended before there was one. */
  readonly row: AuditRow | null
  /** Of the row; empty: there is none. */
  readonly invariant: string
  /** The row's page; -1: it is about no page, or there is no row. */
  readonly pfn: number
  readonly expected: bigint
  readonly found: bigint
  /** Begins and ends of the operations, in their order. */
  readonly trace: readonly string[]
}

/** What an exploration did. Sequentially consistent: weaker orders are not explored. */
export interface ExploreResult {
  /** What ended it: all schedules that were asked for, the signal, or `memoryBytes`. */
  readonly stoppedBy: 'schedules' | 'abort' | 'memory'
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
