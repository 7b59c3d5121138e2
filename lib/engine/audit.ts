import { counted } from '../base/describe.ts'
import { guardThis } from '../base/guardThis.ts'
import { PageboxError } from '../errors.ts'
import type { NativeAudit } from '../native/binding.ts'
import { type AuditRow, frozenRows, rowText } from './auditRow.ts'

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
  /** The rows as text, one a line. */
  toString(): string
}

class Report implements AuditReport {
  readonly clean: boolean
  readonly rows: readonly AuditRow[]
  readonly rowsTotal: number
  readonly pages: number
  readonly unknown: readonly string[]
  /** What led to it, where there is more to say than the rows. */
  readonly #after: string

  constructor(found: NativeAudit, after: string) {
    this.#after = after
    this.rows = frozenRows(found.rows)
    this.rowsTotal = found.rowsTotal
    this.pages = found.pages
    this.unknown = Object.freeze(found.unknown)
    this.clean = found.rowsTotal === 0
  }

  assertClean(): void {
    if (this.clean) return
    const given = `${this.rowsTotal} difference${this.rowsTotal === 1 ? '' : 's'}`
    throw new PageboxError('ERR_PAGEBOX_AUDIT', `the audit found ${given}\n${this}`, {
      given,
      allowed: 'every descriptor as the ledger, the lists and the page setups ask',
    })
  }

  toString(): string {
    if (this.clean) return `clean: ${counted(this.pages, 'page')}`
    const shown = this.rows.map(rowText)
    if (this.rowsTotal > shown.length) shown.push(`and ${this.rowsTotal - shown.length} more`)
    if (this.#after !== '') shown.push(this.#after)
    return shown.join('\n')
  }

  static {
    guardThis(
      Report,
      (value) => typeof value === 'object' && value !== null && #after in value,
      'the report of an audit',
    )
  }
}

/**
 * The report of an audit that was made in native code.
 *
 * @param after What its text ends with unless it is clean: the seed, and how to repeat it.
 */
export const auditReport = (found: NativeAudit, after = ''): AuditReport => Object.freeze(new Report(found, after))
