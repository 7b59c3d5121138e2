import { baselineSummary, type BaselineReport } from '../../compare/baseline.ts'
import { digits, range } from '../../compare/format.ts'
import { situationLabel } from '../../compare/situation.ts'
import type { Io } from '../io.ts'
import { foreign } from './foreign.ts'
import { table, wrap } from './table.ts'

/** What changed against an earlier document. */
export function baselineText(report: BaselineReport, io: Io): string {
  const { bold, yellow, red } = io.colours
  const fold = (text: string): string => wrap(foreign(text), io.columns)
  const lines: string[] = [bold('Against the baseline')]
  for (const { fact, before, now } of report.machineDiffers) {
    lines.push(yellow(fold(`The machine differs in ${fact}: ${before} then, ${now} now. Times do not compare.`)))
  }
  for (const warning of report.warnings) lines.push(yellow(fold(warning)))
  if (report.onlyNow.length > 0) lines.push(fold(`Only now: ${report.onlyNow.join(', ')}.`))
  if (report.onlyBefore.length > 0) lines.push(fold(`Only then: ${report.onlyBefore.join(', ')}.`))
  for (const change of report.roomChanges) {
    const text = fold(
      `${change.scheme}, ${change.layout}, ${change.pageType} order ${change.order}: ${change.before} then, ${change.now} now.`,
    )
    lines.push(change.before === 'fits' ? red(text) : text)
  }
  lines.push(fold(baselineSummary(report)))
  const changed = report.differences.filter((each) => each.verdict !== 'same')
  if (changed.length > 0) {
    lines.push(
      table(
        [
          { head: 'scheme' },
          { head: 'where' },
          { head: 'op' },
          { head: 'then ns', align: 'right' },
          { head: 'now ns', align: 'right' },
          { head: 'by its loop, now/then (95 %)' },
        ],
        changed.map(({ scheme, row, ledger, before, ratio, verdict }) => [
          foreign(scheme),
          situationLabel({ ...row }),
          ledger ? `${row.op}, ledger` : row.op,
          digits(before.nsPerOp.median),
          digits(row.nsPerOp.median),
          verdict === 'slower' ? red(range(ratio)) : range(ratio),
        ]),
        { columns: io.columns },
      ),
    )
  }
  return `${lines.join('\n')}\n`
}
