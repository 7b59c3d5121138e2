import type { CompareDocument, Machine, PureJsRow, SchemeEntry } from '../compare/document.ts'
import { loadWarning } from '../compare/machine.ts'
import { mainOp, situationLabel } from '../compare/situation.ts'
import { bytes, count, range } from '../compare/format.ts'
import { html, type Markup } from './html.ts'

export function machineFacts(machine: Machine): Markup {
  const warning = loadWarning(machine)
  const facts: [string, string][] = [
    ['Processor', `${machine.cpu}, ${machine.cores} cores, ${machine.arch}`],
    ['Last-level cache', bytes(machine.lastLevelCacheBytes)],
    ['Memory', bytes(machine.memoryBytes)],
    ['Kernel', machine.kernel],
    ['Node', machine.node],
    ['Load at start', machine.loadAverage.toFixed(2)],
  ]
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>${warning !== '' && html`<p class="bad">${warning}</p>`}`
}

function boundaryText(scheme: SchemeEntry): string {
  const texts = scheme.boundaries.map((row) => {
    const where = row.order === 0 ? row.pageType : `${row.pageType} of order ${row.order}`
    return `${count(row.granted)} on ${where}${row.refusal === '' ? '' : `, then ${row.refusal}`}`
  })
  return texts.length === 0 ? 'not measured' : texts.join('; ')
}

export function limitsTable(document: CompareDocument): Markup {
  return html`<div class="scroll"><table class="list"><thead><tr><th>scheme</th><th>where</th><th>count bits</th>
<th>answer</th><th>largest count</th><th>granted here</th><th>false positives</th><th>locks</th></tr></thead>
<tbody>${document.schemes.map(
    (
      scheme,
    ) => html`<tr><th scope="row">${scheme.name}</th><td>${scheme.where}</td><td class="number">${scheme.bits}</td>
<td>${scheme.answer}</td><td class="number">${count(scheme.maxPins)}</td><td>${boundaryText(scheme)}</td>
<td>${scheme.falsePositives || 'none'}</td><td>${scheme.locks || 'none'}</td></tr>`,
  )}</tbody></table></div>`
}

const ledgerCost = (scheme: SchemeEntry): string => {
  const row = scheme.ledger.find((each) => each.op === mainOp)
  return row === undefined ? '' : range(row.nsPerOp)
}

export function operationsTable(document: CompareDocument): Markup {
  const hot = document.schemes.map((scheme) => ({
    scheme,
    rows: scheme.cost.filter(
      (row) => row.pattern === 'hot' && row.threads === 1 && row.order === 0 && row.pageType === 'anon',
    ),
  }))
  const ops = [...new Set(hot.flatMap((each) => each.rows.map((row) => row.op)))]
  return html`<div class="scroll"><table class="list"><thead><tr><th>scheme</th>${ops.map((op) => html`<th>${op}</th>`)}
<th>pin+unpin with the ledger</th></tr></thead><tbody>${hot.map(
    ({ scheme, rows }) =>
      html`<tr><th scope="row">${scheme.name}</th>${ops.map((op) => {
        const row = rows.find((each) => each.op === op)
        return html`<td class="number">${row ? range(row.nsPerOp) : ''}</td>`
      })}<td class="number">${ledgerCost(scheme)}</td></tr>`,
  )}</tbody></table></div>`
}

export function pureJsTable(rows: readonly PureJsRow[]): Markup {
  return html`<div class="scroll"><table class="list"><thead><tr><th>how</th><th>scheme</th><th>where</th>
<th>ns per pin and unpin</th><th>× pure JavaScript</th></tr></thead><tbody>${rows.map(
    (row) => html`<tr><th scope="row">${row.variant}</th><td>${row.scheme}</td>
<td>${situationLabel({ ...row })}</td><td class="number">${range(row.nsPerOp)}</td>
<td class="number">${row.timesPureJs ? range(row.timesPureJs) : ''}</td></tr>`,
  )}</tbody></table></div>`
}
