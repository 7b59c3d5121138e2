import { baselineSummary, type BaselineReport } from '../compare/baseline.ts'
import { digits, range } from '../compare/format.ts'
import { situationLabel } from '../compare/situation.ts'
import { html, type Markup } from './html.ts'
import { idOf, listTable } from './rows.ts'

/** What changed against an earlier document: first what is reported, then everything. */
export function baselineSection(report: BaselineReport): Markup {
  const heads = ['scheme', 'where', 'operation', 'ns then', 'ns now', 'by its loop, now/then', 'verdict']
  const rows = report.differences.map((each, at) => ({
    id: idOf('baseline', each.scheme, String(at)),
    name: each.scheme,
    changed: each.verdict !== 'same',
    cells: [
      { content: situationLabel({ ...each.row }) },
      { content: each.ledger ? `${each.row.op}, with the ledger` : each.row.op },
      { content: digits(each.before.nsPerOp.median), number: true },
      { content: digits(each.row.nsPerOp.median), number: true },
      { content: range(each.ratio), number: true },
      { content: each.verdict === 'slower' ? html`<span class="bad">slower</span>` : each.verdict },
    ],
  }))
  const changed = rows.filter((row) => row.changed)
  const same = rows.filter((row) => !row.changed)
  const rooms = report.roomChanges.map(
    (each) =>
      html`<li${each.before === 'fits' && html` class="bad"`}>${each.scheme} in ${each.layout} on ${each.pageType}, order ${each.order}: ${each.before} then, ${each.now} now</li>`,
  )
  return html`${report.machineDiffers.map(
    ({ fact, before, now }) =>
      html`<p class="bad">The machine differs in ${fact}: ${before} then, ${now} now. Times do not compare.</p>`,
  )}${report.warnings.map((text) => html`<p class="bad">${text}</p>`)}
<p>${baselineSummary(report)}</p>
${report.onlyNow.length > 0 && html`<p>Only now: ${report.onlyNow.join(', ')}.</p>`}
${report.onlyBefore.length > 0 && html`<p>Only then: ${report.onlyBefore.join(', ')}.</p>`}
${rooms.length > 0 && html`<ul>${rooms}</ul>`}
${changed.length > 0 && listTable(heads, changed)}
${same.length > 0 && html`<details><summary>Costs that are the same (${same.length})</summary>${listTable(heads, same)}</details>`}`
}
