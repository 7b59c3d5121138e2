import type { CompareDocument, Machine, PureJsRow, SchemeEntry } from '../compare/document.ts'
import { contentionNote, machineWarnings, processorText } from '../compare/machine.ts'
import { mainOp, situationLabel } from '../compare/situation.ts'
import { bytes, count, range } from '../compare/format.ts'
import { html, type Markup } from './html.ts'
import { idOf, listTable, rowClasses } from './rows.ts'
import { ranks } from './schemes.ts'

export function machineFacts(machine: Machine): Markup {
  const warnings = machineWarnings(machine)
  const note = contentionNote(machine)
  const facts: [string, string][] = [
    ['Processor', `${processorText(machine)}, ${machine.arch}`],
    ...(machine.l2CacheBytes === undefined ? [] : [['L2 cache', bytes(machine.l2CacheBytes)] as [string, string]]),
    ['Last-level cache', bytes(machine.lastLevelCacheBytes)],
    ['Memory', bytes(machine.memoryBytes)],
    ['Kernel', machine.kernel],
    ['Node', machine.node],
    ...(machine.transparentHugePages
      ? [['Transparent huge pages', machine.transparentHugePages] as [string, string]]
      : []),
    ['Load at start', machine.loadAverage.toFixed(2)],
  ]
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>${warnings.map((text) => html`<p class="bad">${text}</p>`)}${note !== '' && html`<p class="note">${note}</p>`}`
}

function boundaryText(scheme: SchemeEntry): string {
  const places = new Map<string, { granted: string; refusal: string; where: string[] }>()
  for (const { granted, refusal, order, pageType } of scheme.boundaries) {
    const where = order === 0 ? pageType : `${pageType} of order ${order}`
    const same = places.get(`${granted} ${refusal}`)
    if (same) same.where.push(where)
    else places.set(`${granted} ${refusal}`, { granted: count(granted), refusal, where: [where] })
  }
  const texts = [...places.values()].map(
    ({ granted, refusal, where }) => `${granted} on ${where.join(' and ')}${refusal === '' ? '' : `, then ${refusal}`}`,
  )
  return texts.length === 0 ? 'not measured' : texts.join('; ')
}

export function limitsTable(document: CompareDocument): Markup {
  const classes = rowClasses(document)
  const rank = ranks(document)
  const heads = [
    'scheme',
    'where',
    'count bits',
    'answer',
    'largest count',
    'granted here',
    'bytes on every page',
    'false positives',
    'locks',
  ]
  const rows = document.schemes.map((scheme) => ({
    id: idOf('limit', scheme.name),
    name: scheme.name,
    classes: classes(scheme),
    style: rank(scheme),
    cells: [
      { content: scheme.where },
      { content: String(scheme.bits), number: true },
      { content: scheme.answer },
      { content: count(scheme.maxPins), number: true },
      { content: boundaryText(scheme) },
      { content: scheme.bytesPerPage === undefined ? '' : String(scheme.bytesPerPage), number: true },
      { content: scheme.falsePositives || 'none' },
      { content: scheme.locks || 'none' },
    ],
  }))
  return listTable(heads, rows, 'sortable')
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
  const classes = rowClasses(document)
  const rank = ranks(document)
  const rows = hot.map(({ scheme, rows: costs }) => ({
    id: idOf('operations', scheme.name),
    name: scheme.name,
    classes: classes(scheme),
    style: rank(scheme),
    cells: [
      ...ops.map((op) => {
        const row = costs.find((each) => each.op === op)
        return { content: row ? range(row.nsPerOp) : '', number: true }
      }),
      { content: ledgerCost(scheme), number: true },
    ],
  }))
  return listTable(['scheme', ...ops, 'pin+unpin with the ledger'], rows, 'sortable')
}

export function pureJsTable(rows: readonly PureJsRow[]): Markup {
  const heads = ['how', 'scheme', 'where', 'ns per pin and unpin', '× pure JavaScript']
  return listTable(
    heads,
    rows.map((row, at) => ({
      id: idOf('javascript', String(at)),
      name: row.variant,
      cells: [
        { content: row.scheme },
        { content: situationLabel({ ...row }) },
        { content: range(row.nsPerOp), number: true },
        { content: row.timesPureJs ? range(row.timesPureJs) : '', number: true },
      ],
    })),
  )
}
