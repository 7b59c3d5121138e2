/** One descriptor that does not hold what it must. */
export interface AuditRow {
  /** The rule that is broken; the same identifier in code, report and docs. */
  readonly invariant: string
  readonly pfn: number
  readonly field: string
  readonly expected: bigint
  readonly found: bigint
  /** Who accounts for what was expected: pins handed out, lists, page setup. */
  readonly explanation: string
}

/** What the audit of a box found. */
export interface AuditReport {
  readonly clean: boolean
  readonly rows: readonly AuditRow[]
  /** Rows found in all; `rows` holds the first of them. */
  readonly rowsTotal: number
  /** Descriptors looked at: the touched ones. */
  readonly pages: number
  /** Facts that this box cannot know: without a ledger, who pinned what. */
  readonly unknown: readonly string[]
  /** Throws `ERR_PAGEBOX_AUDIT` with the first rows in its message, unless clean. */
  assertClean(): void
  toString(): string
}
