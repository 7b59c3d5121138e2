import type { BaselineReport } from '../../compare/baseline.ts'
import type { CompareDocument } from '../../compare/document.ts'
import { bytes, digits, range } from '../../compare/format.ts'
import { loadWarning } from '../../compare/machine.ts'
import { situationLabel } from '../../compare/situation.ts'
import type { Io } from '../io.ts'
import { costTable, limitsText } from './cost.ts'
import { roomText } from './room.ts'
import { foreign } from './foreign.ts'
import { table, wrap } from './table.ts'

function disagreementsText(document: CompareDocument, io: Io): string {
  if (document.disagreements.length === 0) return ''
  return [
    io.colours.red(`Table and probe differ in ${document.disagreements.length} cells, which is a bug of pagebox:`),
    ...document.disagreements
      .slice(0, 20)
      .flatMap((each) => [
        `  ${each.scheme}, ${each.layout}, ${each.pageType} order ${each.order}`,
        `    table:  ${each.table}`,
        `    probe:  ${each.probe}`,
      ]),
  ].join('\n')
}

/** Layouts that are shown cell by cell: the thread's start and today's, or those asked for. */
export function detailedLayouts(document: CompareDocument, asked: boolean): string[] {
  const all = document.layouts.map((layout) => layout.name)
  return asked ? all : all.filter((name) => name === 'linux-4.20' || name === 'linux-6.12')
}

/** The comparison for a terminal of 100 columns. */
export function compareText(document: CompareDocument, detailed: readonly string[], io: Io): string {
  const { machine } = document
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, ${bytes(machine.lastLevelCacheBytes)} last-level cache, ${machine.kernel}, Node ${machine.node}`,
    io.colours.yellow(wrap(loadWarning(machine), io.columns)),
    roomText(document, detailed, io),
    disagreementsText(document, io),
    costTable(document, io),
    limitsText(document, io),
    document.complete ? '' : io.colours.yellow('Interrupted: this is what was measured until then.'),
    wrap(document.answer, Math.min(io.columns, 100)),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

export function baselineText(report: BaselineReport, io: Io): string {
  const { bold, yellow } = io.colours
  const lines: string[] = [bold('Against the baseline')]
  for (const { fact, before, now } of report.machineDiffers) {
    lines.push(
      yellow(`The machine differs in ${fact}: ${foreign(before)} then, ${foreign(now)} now. Times do not compare.`),
    )
  }
  if (report.onlyNow.length > 0) lines.push(wrap(`Only now: ${report.onlyNow.join(', ')}.`, io.columns))
  if (report.onlyBefore.length > 0) lines.push(wrap(foreign(`Only then: ${report.onlyBefore.join(', ')}.`), io.columns))
  for (const change of report.roomChanges) {
    lines.push(
      `${change.scheme}, ${change.layout}, ${change.pageType} order ${change.order}: ${change.before} then, ${change.now} now.`,
    )
  }
  const changed = report.differences.filter((each) => each.verdict !== 'same')
  lines.push(`${report.differences.length} costs compared, ${changed.length} changed.`)
  if (changed.length > 0) {
    lines.push(
      table(
        [
          { head: 'scheme' },
          { head: 'where' },
          { head: 'op' },
          { head: 'then ns', align: 'right' },
          { head: 'now ns', align: 'right' },
          { head: 'now/then (95 %)' },
        ],
        changed.map(({ scheme, row, before, ratio }) => [
          scheme,
          situationLabel({ ...row }),
          row.op,
          digits(before.nsPerOp.median),
          digits(row.nsPerOp.median),
          range(ratio),
        ]),
      ),
    )
  }
  return `${lines.join('\n')}\n`
}
