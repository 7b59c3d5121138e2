import { counted } from '../base/describe.ts'
import { quoted } from '../base/quoted.ts'
import type { ExploreResult } from './explorePinsTypes.ts'
import { type AuditRow, rowText } from './auditRow.ts'
import { failureText } from './scenario/failureText.ts'
import type { ExploreScenarioResult, InjectedFailure, Livelock, RaceScenarioResult } from './scenario/scenarioTypes.ts'

/** Rows and schedules that a text shows. */
const most = 16

const more = (all: readonly unknown[]): string[] => (all.length > most ? [`  and ${all.length - most} more`] : [])

/** Who gave up, and what it waited for. */
const livelockWords = ({ op, waitsFor }: Livelock): readonly [who: string, what: string] => [
  op ?? 'the audit or an exit',
  `waited in vain for ${waitsFor}`,
]

function livelockText(livelock: Livelock): string {
  const { page, expected, found } = livelock
  const [who, what] = livelockWords(livelock)
  const words = expected === undefined ? '' : `: expected ${expected}, found ${found}`
  return `  livelock of ${who}: ${what}${page === null ? '' : ` at ${page}`}${words}`
}

/** An operation that gave up, as a row of the audit. */
export function livelockRow(livelock: Livelock): AuditRow {
  const { page, expected = 0, found = 0, thread } = livelock
  const [who, what] = livelockWords(livelock)
  return {
    invariant: 'livelock',
    place: page === null ? { kind: 'nowhere' } : { kind: 'page', pfn: page },
    pfn: page ?? -1,
    field: '',
    expected: BigInt(expected),
    found: BigInt(found),
    explanation: `${thread === null ? '' : `thread ${thread}: `}${who} ${what}`,
  }
}

/** Rows of an audit of a machine, one a line, and the waits that were given up. */
export const rowsText = (rows: readonly AuditRow[], leaks: string, livelocks: readonly Livelock[]): string[] => [
  ...livelocks.slice(0, most).map(livelockText),
  ...more(livelocks),
  ...rows.slice(0, most).map((row) => `  ${rowText(row)}`),
  ...more(rows),
  ...(leaks === '' ? [] : [`  when all had exited: ${leaks}`]),
]

/** An option as JavaScript writes it. */
const option = ([key, value]: readonly [string, unknown]): string => `${key}: ${literal(value)}`

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  if (typeof value === 'object' && value !== null) return `{ ${Object.entries(value).map(option).join(', ')} }`
  return typeof value === 'bigint' ? `${value}n` : String(value)
}

/** A call that does the same again. */
export const callText = (call: string, subject: string, settings: Record<string, unknown>): string =>
  `await ${call}(${subject}, { ${Object.entries(settings).map(option).join(', ')} })`

/** The audit of a race of operations: rows, seed, round, and how to repeat it. */
export function raceAuditText(
  name: string,
  { audit, seed, rounds }: Pick<RaceScenarioResult, 'audit' | 'seed' | 'rounds'>,
  settings: Record<string, unknown>,
): string {
  if (audit.clean) return `clean: ${counted(rounds, 'round')} of '${name}', seed ${seed}`
  const round = audit.round ?? 0
  const seconds = Math.max(10, round)
  const { scheme, layout, rules, quirks, failures = [] } = settings
  const flags = [
    ...(rules === undefined ? [] : [`--rules ${String(rules)}`]),
    ...(Array.isArray(quirks) && quirks.length > 0 ? [`--quirks ${quirks.join(',')}`] : []),
    ...(failures as readonly InjectedFailure[]).map((each) => `--fail ${quoted(failureText(each))}`),
  ]
  return [
    `'${name}', seed ${seed}, round ${round}: ${counted(audit.rows.length, 'difference')}${audit.livelocks.length === 0 ? '' : `, ${counted(audit.livelocks.length, 'livelock')}`}${audit.leaks === '' ? '' : ', and a leak'}`,
    ...rowsText(audit.rows, audit.leaks, audit.livelocks),
    `to repeat it: ${callText('race', 'scenario', { ...settings, seed, rounds: round + 1 })}`,
    `or, with JSON.stringify(scenario) in a file: pagebox stress FILE.json --scheme ${String(scheme)} --layout ${String(layout)} ${[...flags, `--seed ${seed}`].join(' ')} --seconds ${seconds}`,
  ].join('\n')
}

/** An exploration of a scenario: which schedules came out how, and how to repeat the first. */
export function exploreText(
  name: string,
  {
    outcomes,
    first,
    schedules,
    seed,
    guarantee,
  }: Pick<ExploreScenarioResult, 'outcomes' | 'first' | 'schedules' | 'seed' | 'guarantee'>,
  settings: Record<string, unknown>,
): string {
  const bad = Object.entries(outcomes).filter(([outcome, count]) => outcome !== 'clean' && count > 0)
  if (bad.length === 0) return `clean: ${counted(schedules, 'schedule')} of '${name}', seed ${seed}; ${guarantee}`
  const [found] = first
  const sampled = found !== undefined && found.strategy !== 'dpor' && found.strategy !== 'depth-first'
  return [
    `'${name}', seed ${seed}: of ${counted(schedules, 'schedule')} ${bad.map(([outcome, count]) => `${count} ended in ${outcome}`).join(', ')}`,
    ...first.slice(0, most).map(({ run, outcome, text }) => `  schedule ${run}: ${outcome}: ${text}`),
    ...more(first),
    ...(found === undefined
      ? []
      : [
          `to repeat the first: ${callText('explore', 'scenario', { ...settings, ...(sampled ? { seed, firstRun: found.run, samples: 1 } : { strategy: found.strategy, seed, samples: found.run + 1 }) })}`,
        ]),
  ].join('\n')
}

/** The same of pins. */
export function explorePinsText(
  { violations, first, schedules, seed }: Pick<ExploreResult, 'violations' | 'first' | 'schedules' | 'seed'>,
  settings: Record<string, unknown>,
): string {
  if (violations === 0) return `clean: ${counted(schedules, 'schedule')} of pins, seed ${seed}`
  const [found] = first
  const all = Object.entries({ ...settings, seed, firstRun: found?.run ?? 0, schedules: 1 })
  return [
    `seed ${seed}: ${violations} of ${schedules} schedules of pins ended badly`,
    ...first.slice(0, most).map(({ run, end, text }) => `  schedule ${run}: ${end}${text === '' ? '' : `, ${text}`}`),
    ...more(first),
    ...(found === undefined ? [] : [`to repeat the first: await explorePins({ ${all.map(option).join(', ')} })`]),
  ].join('\n')
}
