import { table } from '../../lib/cli/text/table.ts'
import { bytes, digits, range } from '../../lib/compare/format.ts'
import type { Interval } from '../../lib/compare/interval.ts'
import { describeMachine, machineWarnings, processorText } from '../../lib/compare/machine.ts'
import { pagebox } from '../../lib/compare/pagebox.ts'
import { nsPerAddition } from '../../lib/compare/steady.ts'
import { type BenchOptions, readOptions } from './options.ts'
import { judge, type Target, targetText } from './target.ts'

/** One thing measured, and what it was measured against in the same rounds. */
export interface Row {
  what: string
  /** In the unit of the group. */
  found: Interval
  /** Paired with `against` round by round. */
  ratio?: Interval
  against?: string
  target?: Target
  /** What the target is asked of, where that is not the ratio. */
  asked?: 'found'
}

/** Rows of one table. */
export interface Group {
  title: string
  unit: string
  rows: Row[]
}

/** Prints what a benchmark finds, as it finds it. */
export interface Report {
  group(group: Group): void
  /** What a reader must know of the numbers: what was left out, and why. */
  note(text: string): void
}

const verdictOf = (row: Row) => judge(row.asked === 'found' || !row.ratio ? row.found : row.ratio, row.target)

function groupText({ title, unit, rows }: Group): string {
  const right = 'right' as const
  const compared = rows.some((row) => row.ratio !== undefined)
  const asked = rows.some((row) => row.target !== undefined)
  const columns = [
    { head: title },
    { head: unit, align: right },
    ...(compared ? [{ head: 'times', align: right }, { head: 'of' }] : []),
    ...(asked ? [{ head: 'target' }, { head: '' }] : []),
  ]
  const cells = (row: Row): string[] => [
    row.what,
    range(row.found),
    ...(compared ? [row.ratio ? range(row.ratio) : '', row.against ?? ''] : []),
    ...(asked ? [targetText(row.target), verdictOf(row)] : []),
  ]
  return table(columns, rows.map(cells))
}

/**
 * Runs one benchmark: reads its options, prints facts and tables, or one JSON
 * document at the end. A missed target is a finding, not a failure.
 */
export async function bench(
  name: string,
  what: string,
  body: (report: Report, options: BenchOptions) => Promise<void>,
): Promise<void> {
  const options = readOptions(what)
  const machine = describeMachine()
  const groups: Group[] = []
  const notes: string[] = []
  const say = (text: string): void => {
    if (!options.json) console.log(text)
  }
  say(what)
  say(
    `${processorText(machine)}, ` +
      (machine.l2CacheBytes === undefined ? '' : `L2 ${bytes(machine.l2CacheBytes)}, `) +
      `last-level cache ${bytes(machine.lastLevelCacheBytes)}, ` +
      `memory ${bytes(machine.memoryBytes)}, ${machine.kernel}, Node ${machine.node}, huge pages ${machine.transparentHugePages ?? 'none'}, ` +
      `load ${digits(machine.loadAverage)}`,
  )
  say(`Medians (95 % intervals) of ${options.rounds} interleaved rounds of ${options.sampleMs} ms.\n`)
  const date = new Date().toISOString()
  const before = nsPerAddition(pagebox)
  const report: Report = {
    group(group) {
      groups.push(group)
      say(`${groupText(group)}\n`)
    },
    note(text) {
      notes.push(text)
      say(`${text}\n`)
    },
  }
  await body(report, options)
  const after = nsPerAddition(pagebox)
  if (before !== null && after !== null) machine.clockDrift = after / before
  for (const warning of machineWarnings(machine)) report.note(warning)
  if (!options.json) return
  const results = groups.map((group) => ({
    ...group,
    rows: group.rows.map((row) => ({ ...row, verdict: verdictOf(row) })),
  }))
  console.log(JSON.stringify({ benchmark: name, date, machine, options, groups: results, notes }))
}
