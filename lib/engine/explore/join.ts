import { native } from '../../native/load.ts'
import { created } from '../../native/status.ts'
import type { NativeDrawn } from '../../native/engineBinding.ts'
import type { ExploreScenarioResult, Finding, Outcome, SeenOutcome } from '../scenario/scenarioTypes.ts'
import { inOrder, resultKey } from './seen.ts'
import { readToken } from './token.ts'

/** One of several explorations of the same scenario, and what joins it to the others. */
export interface Joinable {
  readonly result: ExploreScenarioResult
  readonly worth: NativeDrawn
  /** Of different schedules, sorted; null: they were too many to be told. */
  readonly hashes: readonly bigint[] | null
}

export interface JoinSettings {
  /** Depth-first with a bound on preemptions. */
  readonly bounded: boolean
  /** Of pct; 0: each in turn. */
  readonly depth: number
  /** Schedules of one are none of another: subtrees of one search. */
  readonly apart: boolean
  /** Each has programs of its own. */
  readonly ownPrograms: boolean
  /** Schedules that are told, beside the first of each other kind. */
  readonly findings: number
}

/** Schedules beyond these are not told apart, as in one exploration. */
const mostTold = 2 ** 22

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0)
/** Null where one of them is. */
const all = (values: readonly (number | null)[]): number[] | null =>
  values.includes(null) ? null : (values as readonly number[]).slice()

function distinctOf(parts: readonly Joinable[], apart: boolean): number {
  const own = parts.map(({ result }) => result.distinct)
  if (apart) return Math.min(mostTold, sum(own))
  const lists = parts.map(({ hashes }) => hashes)
  if (lists.some((each) => each === null)) return Math.max(...own)
  const different = new Set<bigint>()
  for (const each of lists)
    for (const hash of each as readonly bigint[]) if (different.size < mostTold) different.add(hash)
  return different.size
}

/** As one exploration would have kept it: the one of the fewest choices, of several the first in order. */
function betterSchedule(a: string, b: string): string {
  if (a === b) return a
  const [one, other] = [readToken(a, 'token'), readToken(b, 'token')]
  const lengths = one.choices.length - other.choices.length
  if (lengths !== 0) return lengths < 0 ? a : b
  const at = one.choices.findIndex((choice, i) => choice !== other.choices[i])
  if (at >= 0) return (one.choices[at] as number) < (other.choices[at] as number) ? a : b
  return one.program <= other.program ? a : b
}

function joinedSeen(parts: readonly Joinable[]): SeenOutcome[] | null {
  const known = new Map<string, SeenOutcome>()
  for (const { result } of parts) {
    if (result.seen === null) return null
    for (const each of result.seen) {
      const key = resultKey(each.result)
      const before = known.get(key)
      known.set(
        key,
        before === undefined
          ? each
          : { ...before, count: before.count + each.count, token: betterSchedule(before.token, each.token) },
      )
    }
  }
  return inOrder([...known.values()])
}

/** In the order of their runs, as many as one exploration tells. */
function joinedFirst(parts: readonly Joinable[], most: number): Finding[] {
  const found = parts.flatMap(({ result }) => result.first).sort((a, b) => a.run - b.run)
  const kinds = new Set<string>()
  const first: Finding[] = []
  for (const finding of found) {
    const kind = `${finding.outcome} ${finding.row?.invariant ?? ''}`
    if (first.length < most || !kinds.has(kind)) first.push(finding)
    kinds.add(kind)
  }
  return first
}

function drawnOf(parts: readonly Joinable[]): Record<string, number> {
  const drawn: Record<string, number> = {}
  for (const { worth } of parts)
    for (const [name, count] of Object.entries(worth.drawn)) drawn[name] = (drawn[name] ?? 0) + count
  return drawn
}

/**
 * Explorations of one scenario as one: counts are added, outcomes and results by what they are, and what it is worth
 * is said of all. `complete`: whether that is so of all of them, if their parts are.
 */
export function joinedExplorations(
  parts: readonly Joinable[],
  { bounded, depth, apart, ownPrograms, findings }: JoinSettings,
  complete = parts.every(({ result }) => result.complete),
): Joinable {
  const results = parts.map(({ result }) => result)
  const total = (key: 'schedules' | 'abandoned' | 'classes' | 'steps' | 'ops' | 'seconds'): number =>
    sum(results.map((each) => each[key]))
  const [first] = results as [ExploreScenarioResult]
  const [schedules, classes] = [total('schedules'), total('classes')]
  const estimates = all(results.map(({ estimate }) => estimate))
  const isDone = complete || results.every(({ explored }) => explored === 1)
  const systematic = estimates !== null && !bounded
  const estimate = isDone ? classes : systematic ? sum(estimates) : null
  const bounds = all(results.map(({ bound }) => bound))
  const bound = bounds === null ? null : Math.min(...bounds)
  const worth: NativeDrawn = {
    drawn: drawnOf(parts),
    fibers: Math.max(...parts.map((each) => each.worth.fibers)),
    steps: Math.max(...parts.map((each) => each.worth.steps)),
    programs: ownPrograms
      ? sum(parts.map((each) => each.worth.programs))
      : Math.max(...parts.map((each) => each.worth.programs)),
  }
  const said = created(
    native().exploreGuarantee({
      ...worth,
      schedules,
      classes,
      complete,
      estimate: estimate ?? -1,
      ...(bound !== null && { boundDone: bound }),
      bounded,
      depth,
    }),
    'worth',
  )
  const stopped = (why: ExploreScenarioResult['stoppedBy']): boolean =>
    results.some(({ stoppedBy }) => stoppedBy === why)
  const outcomes = Object.fromEntries(
    Object.keys(first.outcomes).map((outcome) => [
      outcome,
      sum(results.map((each) => each.outcomes[outcome as Outcome] ?? 0)),
    ]),
  ) as Record<Outcome, number>
  const result: ExploreScenarioResult = {
    stoppedBy: (['gave-up', 'memory', 'abort'] as const).find(stopped) ?? (complete ? 'complete' : 'schedules'),
    schedules,
    abandoned: total('abandoned'),
    complete,
    classes,
    estimate,
    explored: isDone ? 1 : systematic && sum(estimates) > 0 ? classes / sum(estimates) : null,
    bound,
    guarantee: said.guarantee,
    missedAtMost: said.missedAtMost < 0 ? null : said.missedAtMost,
    distinct: distinctOf(parts, apart),
    steps: total('steps'),
    ops: total('ops'),
    outcomes,
    seen: joinedSeen(parts),
    seenFull: results.some(({ seenFull }) => seenFull),
    first: joinedFirst(parts, findings),
    hash: BigInt.asUintN(
      64,
      results.reduce((hash, each) => hash + each.hash, 0n),
    ),
    seconds: total('seconds'),
    seed: first.seed,
    gaveUp: results.some(({ gaveUp }) => gaveUp),
  }
  const lists = parts.map(({ hashes }) => hashes)
  const hashes = lists.includes(null) ? null : [...new Set((lists as (readonly bigint[])[]).flat())]
  return { result, worth, hashes }
}
