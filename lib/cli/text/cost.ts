import type { CompareDocument, CostRow, SchemeEntry } from '../../compare/document.ts'
import { bytes, count, digits } from '../../compare/format.ts'
import { contentionNote } from '../../compare/machine.ts'
import { costAt, isHot, mainOp, type Situation, situations } from '../../compare/situation.ts'
import { workingSetsText } from '../../compare/workingSets.ts'
import type { Io } from '../io.ts'
import { table, wrap } from './table.ts'

/** Narrow enough for six situations in 100 columns. */
const heading = (at: Situation): string => {
  const place = isHot(at) ? 'hot line' : `${bytes(at.workingSetBytes).replace(' ', '')} ${at.pattern.slice(0, 3)}`
  return at.threads === 1 ? place : `${place} x${at.threads}`
}

const mostColumns = 6

/** What random order costs is asked more than what sequential does; contention is asked in any case. */
function mostAsked(all: Situation[]): Situation[] {
  const asked = all.length <= mostColumns ? all : all.filter(({ pattern }) => pattern !== 'sequential')
  return asked.slice(0, mostColumns)
}

const costText = (row: CostRow | undefined): string => {
  if (row === undefined) return ''
  const ns = digits(row.nsPerOp.median)
  return row.timesLimit === null ? ns : `${ns} ${digits(row.timesLimit.median)}x`
}

/** Of a nanosecond or two, its ratio says little; it stands in the document. */
const queryText = (row: CostRow | undefined): string => (row === undefined ? '' : digits(row.nsPerOp.median))

export function costTable(document: CompareDocument, io: Io): string {
  const shown = mostAsked(situations(document))
  if (shown.length === 0) return 'No costs were measured.'
  if (document.schemes.every(({ cost }) => cost.length === 0))
    return wrap(
      `No costs were measured: no scheme has room on anon pages of ${document.settings.costLayout}.`,
      io.columns,
    )
  const query = shown.find(isHot)
  const { settings } = document
  return [
    io.colours.bold(
      wrap(
        `Cost in ns of a pin and its unpin, x times the hand-written loop; ${settings.costLayout}, anon pages`,
        io.columns,
      ),
    ),
    table(
      [
        { head: 'scheme', width: 18 },
        { head: 'B/page', align: 'right' as const },
        ...shown.map((at) => ({ head: heading(at), align: 'right' as const })),
        { head: 'query', align: 'right' as const },
      ],
      document.schemes
        .filter((scheme) => scheme.cost.length > 0)
        .map((scheme) => [
          scheme.name,
          memoryText(scheme),
          ...shown.map((at) => costText(costAt(scheme.cost, at, mainOp))),
          queryText(query && costAt(scheme.cost, query, 'maybe_pinned')),
        ]),
      { columns: io.columns },
    ),
    wrap(memoryNotes(document), io.columns),
    wrap(workingSetsText(document), io.columns),
    wrap(contentionNote(document.machine), io.columns),
    javascriptText(document, io.columns),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

const memoryText = ({ bytesPerPage }: SchemeEntry): string => (bytesPerPage === undefined ? '' : `${bytesPerPage}`)

/** Where the bytes on every page are. */
function memoryNotes(document: CompareDocument): string {
  const notes = document.schemes.filter(({ memory }) => memory).map(({ name, memory }) => `${name}: ${memory}`)
  return notes.length === 0 ? '' : `B/page: bytes on every page, pinned or not. ${notes.join('; ')}.`
}

function javascriptText(document: CompareDocument, columns: number): string {
  if (document.pureJs.length === 0) return ''
  const rows = document.pureJs.map((row) => [
    row.variant,
    isHot({ ...row }) ? 'hot line' : `${bytes(row.workingSetBytes)} ${row.pattern}`,
    digits(row.nsPerOp.median),
    row.timesPureJs === null ? '' : `${digits(row.timesPureJs.median)} x`,
  ])
  return `\n${table(
    [
      { head: 'from JavaScript' },
      { head: 'where' },
      { head: 'ns', align: 'right' },
      { head: 'of pure JS', align: 'right' },
    ],
    rows,
    { columns },
  )}`
}

const seenAt = (scheme: SchemeEntry): string => {
  const first = scheme.falsePositivesSeen.find((row) => row.maybePinned)
  if (scheme.falsePositivesSeen.length === 0) return ''
  if (first?.afterPins !== undefined) return `after ${first.afterPins} pins`
  return first === undefined ? 'none seen' : `from ${first.references} refs`
}

const boundaryText = (scheme: SchemeEntry): string => {
  const row = scheme.boundaries.find((each) => each.order === 0)
  return row === undefined ? '' : count(row.granted)
}

export function limitsText(document: CompareDocument, io: Io): string {
  const ledger = (scheme: SchemeEntry): string => {
    const row = scheme.ledger.find((each) => each.op === mainOp)
    return row === undefined ? '' : digits(row.nsPerOp.median)
  }
  return [
    io.colours.bold('Limits'),
    table(
      [
        { head: 'scheme', width: 18 },
        { head: 'bits', align: 'right' },
        { head: 'answer' },
        { head: 'largest', align: 'right' },
        { head: 'granted', align: 'right' },
        { head: 'false yes' },
        { head: 'ledger ns', align: 'right' },
        { head: 'locks' },
      ],
      document.schemes.map((scheme) => [
        scheme.name,
        String(scheme.bits),
        scheme.answer,
        count(scheme.maxPins),
        boundaryText(scheme),
        seenAt(scheme),
        ledger(scheme),
        wrap(scheme.locks || 'none', 24),
      ]),
      { columns: io.columns },
    ),
  ].join('\n')
}
