/** One operation of a scenario: its name in `op`, its fields as `vectors/README.md` names them. */
export interface RecordedOp {
  readonly op: string
  readonly [field: string]: unknown
}

/** What an operation did: `ret`, and what else the operation returns. */
export type RecordedResult = Readonly<Record<string, unknown>>

/** One line of a recording: a scenario, and what a kernel (or pagebox) did. */
export interface Recording {
  readonly name: string
  readonly note?: string
  readonly profile?: string
  /** The kernel that it was recorded on: `'7.2'`; without it, 6.12. */
  readonly kernel?: string
  readonly ops: readonly RecordedOp[]
  readonly results: readonly RecordedResult[]
  /** First kernel warning that was logged while it ran; for people. */
  readonly kwarn?: string
}

/** One outcome that a kernel was seen to give. */
export interface RecordedOutcome {
  /** Of how many runs. */
  readonly count: number
  /** Orders of the threads, one after the other, that gave it: `'01'`. */
  readonly serial?: readonly string[]
  /** By thread. */
  readonly results: readonly (readonly RecordedResult[])[]
  readonly after: readonly RecordedResult[]
}

/** One line of a concurrent recording: a scenario with threads, and each outcome that was seen. */
export interface ConcurrentRecording {
  readonly id: string
  readonly kind: 'outcomes'
  readonly kernel?: string
  /** `'never'` where it is absent. */
  readonly thp?: string
  readonly kwarn?: string
  readonly setup: readonly RecordedOp[]
  readonly setup_results: readonly RecordedResult[]
  readonly threads: readonly { readonly proc?: string; readonly ops: readonly RecordedOp[] }[]
  readonly after: readonly RecordedOp[]
  readonly recordings?: number
  readonly runs?: number
  readonly dropped?: number
  readonly crashes?: number
  readonly seen: readonly RecordedOutcome[]
}

export const isConcurrent = (line: Recording | ConcurrentRecording): line is ConcurrentRecording => 'kind' in line

/**
 * How closely results are compared. 1: everything but page flags. 2: also the flags that carry
 * meaning. 3: every flag.
 */
export type ConformLevel = 1 | 2 | 3

/** What an outcome is: the results of each thread, and what came after. */
export interface OutcomeResult {
  readonly threads: readonly (readonly (RecordedResult | null)[])[]
  readonly after: readonly (RecordedResult | null)[]
}
