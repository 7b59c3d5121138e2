import type { BehaviourOptions } from '../pins/behaviour.ts'
import type { PageType } from '../page/layout.ts'
import type { AuditReport } from './audit.ts'
import type { LongCallOptions, Progress } from './poll.ts'

/** What a thread of a pin race does to the page that it has chosen. */
export type PinOp =
  | 'pin+unpin'
  | 'pin'
  | 'unpin'
  | 'get+put'
  | 'get'
  | 'put'
  | 'maybe_pinned'
  | 'try_pin_speculative+unpin'
  | 'pin_referenced+unpin'
  | 'isolate+putback'

/** How a thread chooses its pages. */
export type Pattern = 'sequential' | 'random' | 'zipf' | 'hot'

/** How far a race is. `done` counts operations, of all threads. */
export interface RaceProgress extends Progress {
  /** The same as `done`. */
  readonly ops: number
  readonly rounds: number
}

/** Settings of a pin race. One of `seconds`, `ops` and `rounds` ends it; without any, one second. */
export interface RaceOptions extends LongCallOptions<RaceProgress> {
  /** Native threads; 1 by default. */
  threads?: number
  seconds?: number
  /** Operations of each thread. */
  ops?: number
  /** A round ends in a barrier and an audit. */
  rounds?: number
  seed?: number | bigint
  /** Weights of the operations: `{ 'pin+unpin': 9, maybe_pinned: 1 }`. */
  mix?: Partial<Record<PinOp, number>>
  pattern?: Pattern
  /** First page and number of pages that are used; all by default. */
  firstPfn?: number
  pages?: number
  /** Bind thread i to CPU i (modulo their number). */
  affinity?: boolean
}

/** A box for one race, made and closed by it. */
export interface RaceBox extends BehaviourOptions {
  scheme?: string | { readonly name: string }
  layout?: string | { readonly name: string }
  pages: number
  pageType?: PageType
  order?: number
  ledger?: boolean
}

/** Sampled latencies (1 in 256) of one operation, in nanoseconds. */
export interface Latency {
  readonly samples: number
  readonly min: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  /** Log-linear buckets that hold something: values below `upToNs`. */
  readonly buckets: readonly { readonly upToNs: number; readonly count: number }[]
}

/** What one operation did, in one thread or in all. */
export interface OpResult<Op extends string = PinOp> {
  readonly op: Op
  readonly ops: number
  readonly opsPerSecond: number
  readonly retries: number
  /** By errno or refusal: `{ EAGAIN: 3 }`. */
  readonly failures: Readonly<Record<string, number>>
  readonly latencyNs: Latency | null
}

/** What one thread of a race did. */
export interface ThreadResult<Op extends string = PinOp> {
  readonly thread: number
  /** CPU time in its operations, by the thread's own clock: no barrier, no setup, no audit. */
  readonly cpuSeconds: number
  readonly ops: readonly OpResult<Op>[]
}

/** What every race tells, whatever it ran on. */
export interface RaceRun<Op extends string> {
  /** What ended it. An aborted run still has its results. */
  readonly stoppedBy: 'time' | 'ops' | 'rounds' | 'abort' | 'audit' | 'livelock'
  readonly seconds: number
  readonly rounds: number
  readonly seed: bigint
  /** All threads together. */
  readonly ops: readonly OpResult<Op>[]
  readonly threads: readonly ThreadResult<Op>[]
  /** What the room analysis says against the scheme on the page types that were used. */
  readonly warnings: readonly string[]
}

/** What a race of pin operations did. */
export interface RaceResult extends RaceRun<PinOp> {
  readonly audit: AuditReport
}
