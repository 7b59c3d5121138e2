import { scenarioText } from '../../engine/explore/scenarioText.ts'
import { timelineText } from '../../engine/explore/timelineText.ts'
import type { ZooRow } from '../../zoo/document.ts'
import type { ZooEntry, ZooOmission, ZooResult } from '../../zoo/zooTypes.ts'
import type { Io } from '../io.ts'
import { foreignLines } from './foreign.ts'
import { table, wrap } from './table.ts'

const number = (value: number): string => value.toLocaleString('en')
const counted = (count: number, what: string): string =>
  `${number(count)} ${what}${count === 1 ? '' : what.endsWith('ch') || what.endsWith('ss') ? 'es' : 's'}`

function absentWords({ absentWhenFixed, complete, classesWhenFixed, bound, schedulesWhenFixed }: ZooRow): string {
  if (absentWhenFixed === null) return '-'
  if (!absentWhenFixed) return 'NO'
  if (complete === true) return counted(classesWhenFixed ?? 0, 'class')
  const schedules = number(schedulesWhenFixed ?? 0)
  return bound === null ? `${schedules} of more` : `${schedules}, ≤ ${bound} preemptions`
}

const orDash = (value: number | null): string => (value === null ? '-' : number(value))

/** All of them, a line each. */
export function zooTable(entries: readonly ZooRow[], asked: number, io: Io): string {
  const rows = entries.map((entry) => [
    entry.id,
    String(entry.year),
    entry.runs === null ? 'NO' : number(entry.runs),
    entry.seconds.toFixed(1),
    orDash(entry.shortestOps),
    orDash(entry.shortestSteps),
    orDash(entry.shortestSwitches),
    absentWords(entry),
  ])
  const right = (head: string): { head: string; align: 'right' } => ({ head, align: 'right' })
  const columns = [{ head: 'bug' }, ...['year', 'runs', 's', 'ops', 'steps', 'sw'].map(right), { head: 'absent in' }]
  const hold = entries.filter(({ holds }) => holds).length
  const lines = [
    table(columns, rows, { columns: Math.min(io.columns, 100) }),
    '',
    wrap(
      'runs: schedules until it was found. ops, steps, sw: operations of threads, steps and switches of the shortest form. ' +
        'absent in: classes of schedules of that form without the bug, all of them; with a bound all schedules of so few preemptions.',
      io.columns,
    ),
    `${hold} of ${asked} found, repeated and absent without the bug${entries.length < asked ? `; ${asked - entries.length} not run` : ''}`,
  ]
  return `${lines.join('\n')}\n`
}

const aboutText = (entry: ZooEntry, io: Io): string[] => [
  io.colours.bold(`${entry.title} (${entry.year})`),
  '',
  wrap(entry.explanation, io.columns),
  '',
  wrap(`What breaks: ${entry.invariant}.`, io.columns),
  wrap(`Fix: ${entry.fix}.`, io.columns),
  wrap(`Here: ${entry.scheme} on ${entry.layout} with ${entry.quirks.join(', ')}.`, io.columns),
  ...(entry.remains === undefined ? [] : [wrap(`What remains without it: ${entry.remains}.`, io.columns)]),
]

/** What there is, and what is not. */
export function zooListText(entries: readonly ZooEntry[], omissions: readonly ZooOmission[], io: Io): string {
  const columns = Math.min(io.columns, 100)
  const lines = [
    table(
      [{ head: 'bug' }, { head: 'year' }, { head: 'what it is' }, { head: 'fixed' }],
      entries.map(({ id, year, title, fix }) => [id, String(year), title, fix]),
      { columns },
    ),
  ]
  if (omissions.length > 0)
    lines.push(
      '',
      'Not here, and why:',
      table(
        [{ head: 'bug' }, { head: 'year' }, { head: 'why not' }],
        omissions.map(({ title, year, reason }) => [title, String(year), reason]),
        { columns },
      ),
    )
  return `${lines.join('\n')}\n`
}

/** One of them, for a reader. */
export async function zooEntryText(result: ZooResult, saved: string | undefined, io: Io): Promise<string> {
  const { entry, found, shortest, replayed, fixed, stoppedBy } = result
  const { bold, red, green } = io.colours
  const lines = [...aboutText(entry, io), '']
  if (found === null) lines.push(red(`not found in ${counted(entry.budget.schedules, 'schedule')}`))
  else
    lines.push(
      wrap(
        `Found by ${entry.budget.strategy} in schedule ${number(found.runs)}: ${found.outcome}: ${found.text}`,
        io.columns,
      ),
    )
  if (found !== null && shortest !== null) {
    const { carriesScenario } = await import('../../engine/explore/token.ts')
    const sizes = `${counted(shortest.ops, 'operation')}, ${counted(shortest.switches, 'switch')}`
    const file = carriesScenario(shortest.token) ? '' : ` ${saved ?? 'SHRUNK.json'}`
    lines.push(
      '',
      bold(`The shortest form, ${sizes}:`),
      foreignLines(scenarioText(shortest.scenario)),
      '',
      foreignLines(timelineText(shortest, { columns: io.columns })),
      '',
      bold('To repeat it:'),
      `  pagebox replay ${shortest.token}${file}`,
      ...(replayed === false ? [red('repeated, it came to another end')] : []),
    )
  }
  if (fixed !== null)
    lines.push(
      '',
      (fixed.absent ? green : red)(
        wrap(
          fixed.absent
            ? `Without ${entry.quirks.join(', ')}: absent. ${fixed.guarantee}`
            : `Without ${entry.quirks.join(', ')} it is there as well.`,
          io.columns,
        ),
      ),
      ...(fixed.others.length === 0 ? [] : [wrap(`What else came: ${fixed.others.join(', ')}.`, io.columns)]),
    )
  if (stoppedBy === 'abort') lines.push('', 'stopped before all of it was done')
  return `${lines.join('\n')}\n`
}
