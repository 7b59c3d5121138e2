import type { PageType } from '../page/layout.ts'
import type { Pattern } from './raceTypes.ts'

/** What one sample repeats. */
export type CostOp =
  | 'pin+unpin'
  | 'pin'
  | 'unpin'
  | 'maybe_pinned'
  | 'try_pin_speculative+unpin'
  | 'pin_referenced+unpin'

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
}

/** What may differ between measurements on the same descriptors. */
export type CostBesideOptions = Partial<
  Pick<CostOptions, 'scheme' | 'pattern' | 'threads' | 'op' | 'loop' | 'seed' | 'prefetch'>
>

/** One measurement. */
export interface CostSample {
  /** Of one thread: its own CPU time where there is one, wall time where there are more. */
  readonly ns: number
  /** Operations of one thread. */
  readonly ops: number
  readonly retries: number
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
