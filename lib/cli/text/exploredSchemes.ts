import type { ExploreSchemesResult, SchemeExploration } from '../../engine/explore/exploreSchemesTypes.ts'
import { counted } from '../../base/describe.ts'
import type { Io } from '../io.ts'
import { table } from './table.ts'

const claimsOf = ({ claims }: SchemeExploration): string =>
  claims.falsePositives === '' ? claims.answer : `${claims.answer}: ${claims.falsePositives}`

const place = ({ layout, order }: SchemeExploration): string =>
  order === 0 ? layout : `${layout}, folio of ${2 ** order}`

const secondsOf = (seconds: number): string => seconds.toFixed(seconds < 10 ? 2 : 0)

function cells(row: SchemeExploration): string[] {
  if (row.verdict === 'refused') return [row.scheme, place(row), '', '', '', '', '', '', `refused: ${row.reason}`, '']
  const { programs, allPrograms, complete } = row
  const all = programs === allPrograms ? `${allPrograms}` : `${programs} of ${allPrograms}`
  return [
    row.scheme,
    place(row),
    `${row.threads} × ${row.ops}`,
    complete === programs ? all : `${all}, ${complete} complete`,
    `${row.classes}`,
    `${row.schedules}`,
    `${row.largest}`,
    secondsOf(row.seconds),
    row.verdict === 'violated' ? `violated by ${row.violated}` : row.verdict,
    claimsOf(row),
  ]
}

const heads = ['scheme', 'on', 'threads × ops', 'programs', 'classes', 'schedules', 'largest', 's', 'verdict', 'claims']

/** Of each row that was violated its first finding, with the command that repeats it. */
function findingText(row: SchemeExploration, repeat: (token: string) => string): string {
  const [first] = row.first
  if (first === undefined) return ''
  return [
    `${row.scheme} on ${place(row)}: ${first.outcome}: ${first.text}`,
    ...first.threads.map((ops, i) => `  thread ${i + 1}: ${ops.join(', ')}`),
    `  ${repeat(first.token)}`,
  ].join('\n')
}

const ends: Readonly<Record<ExploreSchemesResult['stoppedBy'], string>> = {
  complete: 'every program in every class',
  samples: 'as far as the schedules went',
  seconds: 'as far as the seconds went',
  memory: 'as far as the memory went',
  abort: 'interrupted: what there was until then',
}

export function exploredSchemesText(result: ExploreSchemesResult, repeat: (token: string) => string, io: Io): string {
  const { rows, schedules, classes, seconds, stoppedBy } = result
  const right = new Set(['classes', 'schedules', 'largest', 's'])
  const columns = heads.map((head) => ({ head, ...(right.has(head) && { align: 'right' as const }) }))
  const violated = rows.filter(({ verdict }) => verdict === 'violated')
  const sum = `${counted(rows.length, 'row')}, ${classes} classes, ${schedules} schedules, ${secondsOf(seconds)} s: ${ends[stoppedBy]}; ${
    violated.length === 0 ? 'none violates' : `${violated.length} violated`
  }`
  return `${[table(columns, rows.map(cells), { columns: io.columns }), sum, ...violated.map((row) => findingText(row, repeat))].join('\n\n')}\n`
}
