import { scenarioText } from '../../engine/explore/scenarioText.ts'
import { timelineText } from '../../engine/explore/timelineText.ts'
import { outcomesOf } from '../explore/document.ts'
import type { Explored, Kind } from '../explore/exploring.ts'
import type { Io } from '../io.ts'
import { foreign, foreignLines } from './foreign.ts'
import { table, wrap } from './table.ts'

export interface ExploreFacts {
  readonly scenario: string
  readonly scheme: string
  readonly layout: string
  readonly strategy: string
  /** Told by `--outcomes`. */
  readonly outcomes: boolean
  /** The command that repeats a token. */
  repeat(token: string, isShortest: boolean): string
}

const number = (value: number): string => value.toLocaleString('en')

function kindText({ finding, shortest }: Kind, facts: ExploreFacts, io: Io): string[] {
  const { bold, red } = io.colours
  const lines = [red(foreign(wrap(`${finding.outcome}: ${finding.text}`, io.columns)).replaceAll('\\x0a', '\n'))]
  if (shortest === null) {
    lines.push('', ...finding.trace.map((line) => `  ${foreign(line)}`))
  } else {
    const { ops, switches, tried, stoppedBy } = shortest
    const sizes = `${ops} operation${ops === 1 ? '' : 's'}, ${switches} switch${switches === 1 ? '' : 'es'}`
    lines.push(
      bold(
        stoppedBy === 'shortest'
          ? `The shortest form, ${sizes} (${tried} scenarios tried):`
          : `Stopped while it was made shorter; until then ${sizes}:`,
      ),
      foreignLines(scenarioText(shortest.scenario)),
      '',
      foreignLines(timelineText(shortest, { columns: io.columns })),
    )
  }
  const token = shortest?.token ?? finding.token
  lines.push('', bold('To repeat it:'), `  ${foreign(facts.repeat(token, shortest !== null))}`, '')
  return lines
}

/** An exploration for a reader: what was explored, what came of it, what that is worth. */
export function exploreText(explored: Explored, facts: ExploreFacts, io: Io): string {
  const { result, kinds } = explored
  const { green } = io.colours
  const { schedules, distinct, steps, seconds, stoppedBy } = result
  const rate = seconds > 0 ? `, ${number(Math.round(schedules / seconds))}/s` : ''
  const lines = [
    wrap(
      foreign(`'${facts.scenario}' with ${facts.scheme} on ${facts.layout}, ${facts.strategy}, seed ${result.seed}`),
      io.columns,
    ),
    wrap(
      `${number(schedules)} schedules (${number(distinct)} different), ${number(steps)} steps, ${seconds.toFixed(2)} s${rate}`,
      io.columns,
    ),
    ...(stoppedBy === 'abort' ? ['stopped before all of them were run; what was found until then follows'] : []),
    ...(stoppedBy === 'gave-up' ? ['given up: too many schedules ended where each keeps its machine'] : []),
    ...(stoppedBy === 'memory' ? ['ended where it would have remembered more than it may'] : []),
    '',
  ]
  if (facts.outcomes || kinds.length > 0) {
    const rows = outcomesOf(explored).map(({ result: outcome, count }) => [outcome, number(count)])
    lines.push(table([{ head: 'outcome' }, { head: 'schedules', align: 'right' }], rows, { columns: io.columns }), '')
  }
  for (const kind of kinds) lines.push(...kindText(kind, facts, io))
  if (kinds.length === 0) lines.push(green('clean'))
  lines.push(wrap(result.guarantee, io.columns))
  return `${lines.join('\n')}\n`
}
