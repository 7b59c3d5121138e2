import type { PageType } from '../page/layout.ts'
import type { Pattern } from './raceTypes.ts'

/**
 * What one sample repeats. `pin|unpin`: pins and unpins in random order, half of each; a pin is kept until an unpin
 * takes it, any of them. Of the hand-written loop alone: pagebox's own is {@link race} with `{ pin: 1, unpin: 1 }`.
 */
export type CostOp =
  | 'pin+unpin'
  | 'pin'
  | 'unpin'
  | 'maybe_pinned'
  | 'try_pin_speculative+unpin'
  | 'pin_referenced+unpin'
  | 'pin|unpin'

/** What is to be measured. */
export interface CostOptions {
  scheme: string | { readonly name: string }
  layout?: string | { readonly name: string }
  pageType?: PageType
  order?: number
  /** Descriptors in the working set, in pages. */
  pages: number
  pattern?: Pattern
  threads?: number
  op?: CostOp
  /**
   * `scheme`: pagebox's own batch loop. `limit`: the least that C++ can do for this scheme, written
   * by hand, over the same indices and with the same tail test. `none`: the index stream alone.
   */
  loop?: 'scheme' | 'limit' | 'none'
  ledger?: boolean
  seed?: number | bigint
  /** Huge pages behind the descriptors. */
  hugePages?: boolean
  /** Fetch descriptors ahead in the scheme's loop; true by default. */
  prefetch?: boolean
  /**
   * Draw the pages within what is timed, as a race does; false by default: they are drawn before. Not of `pin` and
   * `unpin` alone.
   */
  draws?: boolean
  /** Count what processor and system count as well (`CostSample.counted`); false by default. */
  counters?: boolean
}

/**
 * Counts of the timed loop, of all threads, by `perf_event_open(2)`: in user mode, faults and switches of the
 * system too. Null where the machine or the system does not give them.
 */
export interface Counted {
  readonly instructions: number | null
  readonly cycles: number | null
  /** Of the last level. */
  readonly cacheMisses: number | null
  /** Of loads. */
  readonly tlbMisses: number | null
  /** Retired loads with a lock prefix; on Intel's cores since Skylake. */
  readonly lockedOps: number | null
  /** Loads that found the line modified in another core's cache; on Intel's cores since Skylake. */
  readonly contendedLines: number | null
  readonly pageFaults: number | null
  readonly contextSwitches: number | null
}

/** What may differ between measurements on the same descriptors. */
export type CostBesideOptions = Partial<
  Pick<CostOptions, 'scheme' | 'pattern' | 'threads' | 'op' | 'loop' | 'seed' | 'prefetch' | 'draws' | 'counters'>
>

/** One measurement. */
export interface CostSample {
  /** Of one thread: its own CPU time where there is one, wall time where there are more. */
  readonly ns: number
  /** CPU time in the timed loops, of all threads together. */
  readonly cpuNs: number
  /** Operations of one thread. */
  readonly ops: number
  readonly retries: number
  /** Where counters were asked for. */
  readonly counted?: Counted
}

/** A prepared measurement: descriptors set up and touched, indices drawn. */
export interface CostSampler extends Disposable {
  /**
   * Runs `ops` operations in each thread, in one native call that holds the thread which asks: at most 2^27 of all
   * threads together, since longer measurements are several samples.
   */
  sample(ops: number): CostSample
  /**
   * Another measurement on the same descriptors, which need not be set up again: options that are
   * left out are as here. They take turns. Throws `ERR_PAGEBOX_NO_ROOM` for a scheme that needs a
   * descriptor of its own (`own-counter`).
   */
  beside(options: CostBesideOptions): CostSampler
  close(): void
}
