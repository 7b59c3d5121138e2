import { rowText } from '../../engine/auditRow.ts'
import type { Reached } from '../../engine/scenario/scenarioTypes.ts'
import type { StressOutcome } from '../../engine/stress/stress.ts'
import type { Io } from '../io.ts'
import { foreign } from './foreign.ts'
import { table, wrap } from './table.ts'

const rate = (perSecond: number): string =>
  perSecond >= 1e6 ? `${(perSecond / 1e6).toFixed(1)} M/s` : `${(perSecond / 1e3).toFixed(1)} k/s`

const failuresText = (failures: Record<string, number>): string =>
  Object.entries(failures)
    .map(([errno, count]) => `${errno} ${count}`)
    .join(', ')

const auditRows = 10
const widestText = 100

function reachedText(reached: readonly Reached[], columns: number): string[] {
  const groups = [...new Set(reached.map(({ group }) => group))]
  const count = (of: readonly Reached[]): string => `${of.filter((each) => each.count > 0).length} of ${of.length}`
  const never = reached.filter((each) => each.count === 0).map(({ group, name }) => `${group} ${name}`)
  const lines = [
    `reached: ${groups.map((group) => `${group} ${count(reached.filter((each) => each.group === group))}`).join(', ')}`,
    ...(never.length === 0 ? [] : [`never: ${never.join(', ')}`]),
  ]
  return lines.map((line) => wrap(line, Math.min(columns, widestText)))
}

export function stressText({ total, failed }: StressOutcome, repeat: string, io: Io): string {
  const { bold, red, green } = io.colours
  const lines = [
    table(
      [
        { head: 'operation' },
        { head: 'operations', align: 'right' },
        { head: 'rate', align: 'right' },
        ...['p50', 'p90', 'p99', 'p99.9', 'max'].map((head) => ({ head: `${head} ns`, align: 'right' as const })),
        { head: 'failures' },
      ],
      total.byOp.map((op) => {
        const at = op.latencyNs
        const times =
          at === null ? ['', '', '', '', ''] : [at.p50, at.p90, at.p99, at.p999, at.max].map((ns) => ns.toFixed(0))
        return [op.op, op.ops.toLocaleString('en'), rate(op.opsPerSecond), ...times, failuresText(op.failures)]
      }),
      { columns: io.columns },
    ),
    '',
  ]
  if (total.useful !== null)
    lines.push(`useful: ${(100 * total.useful).toFixed(1)} % of ${total.ops.toLocaleString('en')} operations`)
  if (total.reached.length > 0) lines.push(...reachedText(total.reached, io.columns))
  const again = (): void => {
    lines.push('', bold(`seed ${failed?.seed}; to repeat it:`), `  ${foreign(repeat)}`)
  }
  if (total.dirty === undefined && total.corrupt > 0) {
    const met = total.corrupt === 1 ? 'one operation' : `${total.corrupt.toLocaleString('en')} operations`
    lines.push(red(`${met} met a word that no kernel would write (CORRUPT), where a kernel's assertion fires`))
    again()
  } else if (total.dirty === undefined) {
    // A race of operations audits its whole machine after each round and counts no descriptors.
    const what = total.pagesAudited === 0 ? '' : `: ${total.pagesAudited.toLocaleString('en')} descriptors`
    lines.push(green(`audit clean${what} after ${total.slices} slices, ${total.seconds.toFixed(1)} s`))
  } else {
    lines.push(
      red(
        `audit: ${total.dirty.rowsTotal === 1 ? 'one descriptor does' : `${total.dirty.rowsTotal} descriptors do`} not hold what ${total.dirty.rowsTotal === 1 ? 'it' : 'they'} must`,
      ),
    )
    for (const row of total.dirty.rows.slice(0, auditRows)) {
      lines.push(foreign(`  ${rowText(row)}`))
    }
    again()
  }
  return `${lines.join('\n')}\n`
}
