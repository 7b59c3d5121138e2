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

/**
 * How closely results are compared. 1: everything but page flags. 2: also the flags that carry
 * meaning. 3: every flag.
 */
export type ConformLevel = 1 | 2 | 3
