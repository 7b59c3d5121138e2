import { scenarioText } from '../../engine/explore/scenarioText.ts'
import type { RecordedResult } from '../../engine/recording/types.ts'
import type { ExploreScenarioResult } from '../../engine/scenario/scenarioTypes.ts'
import { timelineText } from '../../engine/explore/timelineText.ts'
import { outcomesOf } from '../../engine/explore/document.ts'
import type { ExploredWhole, WholeKind } from '../../engine/explore/exploring.ts'
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

function kindText({ finding, shortest }: WholeKind, facts: ExploreFacts, io: Io): string[] {
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

/** `ret ok`, `v 7,8`: the fields of a result, without what says only that it is one. */
const fieldsText = (result: RecordedResult | null): string =>
  result === null
    ? 'unsupported'
    : Object.entries(result)
        .map(([key, value]) => `${key} ${Array.isArray(value) ? value.map(valueText).join(',') : valueText(value)}`)
        .join(' ') || 'done'
const valueText = (value: unknown): string =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value)
        .map(([key, each]) => `${key}=${String(each)}`)
        .join('/')
    : String(value)

/** Each distinct outcome, and what repeats it. */
function seenText({ seen, seenFull }: ExploreScenarioResult, facts: ExploreFacts, io: Io): string[] {
  if (seen === null) return []
  const rows = seen.map(({ result, count }, i) => {
    const threads = result.threads.map((each, t) => `${t + 1}: ${each.map(fieldsText).join('; ')}`)
    const after = result.after.length === 0 ? [] : [`after: ${result.after.map(fieldsText).join('; ')}`]
    return [`${i + 1}`, foreign([...threads, ...after].join(' | ')), number(count)]
  })
  const heads = [{ head: '', align: 'right' }, { head: 'results' }, { head: 'schedules', align: 'right' }] as const
  return [
    table([...heads], rows, { columns: io.columns }),
    ...(seenFull ? ['There are more, which there was no room for.'] : []),
    '',
    ...(seen.length === 0 ? [] : [io.colours.bold('To repeat one:')]),
    ...seen.map(({ token }, i) => `  ${i + 1}  ${foreign(facts.repeat(token, false))}`),
    '',
  ]
}

/** An exploration for a reader: what was explored, what came of it, what that is worth. */
export function exploreText(explored: ExploredWhole, facts: ExploreFacts, io: Io): string {
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
  if (facts.outcomes && result.seen !== null) lines.push(...seenText(result, facts, io))
  for (const kind of kinds) lines.push(...kindText(kind, facts, io))
  if (kinds.length === 0) lines.push(green('clean'))
  lines.push(wrap(result.guarantee, io.columns))
  return `${lines.join('\n')}\n`
}
