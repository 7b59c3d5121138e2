import { isDeepStrictEqual } from 'node:util'
import { rowText } from '../../engine/auditRow.ts'
import type { ConformReport, Mismatch } from '../../engine/recording/conform.ts'
import { atLevel } from '../../engine/recording/same.ts'
import type { ConformLevel, RecordedResult, Recording } from '../../engine/recording/types.ts'
import type { Io } from '../io.ts'
import { foreign } from './foreign.ts'
import { table } from './table.ts'

const percent = (part: number, all: number): string => (all === 0 ? '-' : `${((100 * part) / all).toFixed(2)} %`)

/** What was compared, and how much of it agrees. */
export function conformText(report: ConformReport, level: ConformLevel, { colours, columns }: Io): string {
  const { operations, matched, mismatched, explained, unsupported } = report
  const rows = [
    ['matched', String(matched), percent(matched, operations)],
    ['mismatched', String(mismatched), percent(mismatched, operations)],
    ['explained by the scheme', String(explained), percent(explained, operations)],
    ['unsupported', String(unsupported), percent(unsupported, operations)],
  ]
  const lines = [
    `${report.scenarios} scenarios, ${operations} operations, level ${level}; ` +
      `${report.scenariosMatched} scenarios agree in every operation.`,
    '',
    table([{ head: '' }, { head: 'operations', align: 'right' }, { head: '', align: 'right' }], rows, { columns }),
  ]
  const because = Object.entries(report.explainedBy)
  if (because.length > 0)
    lines.push('', `Explained by: ${because.map(([effect, count]) => `${effect} (${count})`).join(', ')}`)
  const missing = Object.entries(report.unsupportedOps)
  if (missing.length > 0)
    lines.push('', `Not here yet: ${missing.map(([op, count]) => `${foreign(op)} (${count})`).join(', ')}`)
  for (const { scenario, rows: found } of report.dirty)
    lines.push('', colours.red(`audit of ${foreign(scenario)}:`), ...found.map((row) => `  ${foreign(rowText(row))}`))
  return `${lines.join('\n')}\n`
}

/** One mismatch as a diff, with the scenario up to it. */
export function mismatchText(mismatch: Mismatch, recording: Recording, level: ConformLevel, { colours }: Io): string {
  const before = recording.ops.slice(0, mismatch.index).map((op, i) => `   ${i}  ${foreign(JSON.stringify(op))}`)
  const lines = [
    '',
    colours.bold(foreign(`${mismatch.scenario}, operation ${mismatch.index} (${mismatch.op.op})`)),
    ...before,
    ` > ${mismatch.index}  ${foreign(JSON.stringify(mismatch.op))}`,
    ...diffLines(atLevel(mismatch.expected, level), atLevel(mismatch.actual ?? {}, level)).map(([sign, text]) => {
      const line = foreign(text)
      return sign === '-' ? colours.red(`- ${line}`) : sign === '+' ? colours.green(`+ ${line}`) : `  ${line}`
    }),
  ]
  return `${lines.join('\n')}\n`
}

/** Key by key; a list page by page, the equal ones left out. `-` is the kernel's, `+` ours. */
function diffLines(expected: RecordedResult, actual: RecordedResult): ['-' | '+', string][] {
  const lines: ['-' | '+', string][] = []
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const [theirs, ours] = [expected[key], actual[key]]
    if (isDeepStrictEqual(theirs, ours)) continue
    if (Array.isArray(theirs) && Array.isArray(ours)) {
      for (let i = 0; i < Math.max(theirs.length, ours.length); i++) {
        if (isDeepStrictEqual(theirs[i], ours[i])) continue
        lines.push(
          ['-', `${key}[${i}]: ${JSON.stringify(theirs[i])}`],
          ['+', `${key}[${i}]: ${JSON.stringify(ours[i])}`],
        )
      }
    } else {
      lines.push(['-', `${key}: ${JSON.stringify(theirs)}`], ['+', `${key}: ${JSON.stringify(ours)}`])
    }
  }
  return lines
}
