import { isDeepStrictEqual } from 'node:util'
import { PageboxError } from '../../errors.ts'
import { kernelRules, ruleSets } from '../../page/rules.ts'
import { explore } from '../scenario/exploreScenario.ts'
import { run } from '../scenario/runScenario.ts'
import { vocabulary } from '../scenario/vocabulary.ts'
import type { ExploreScenarioResult, RanOp, SeenOutcome, WrittenScenario } from '../scenario/scenarioTypes.ts'
import { neededRules } from './neededRules.ts'
import { keyOf, plain, plainOutcome } from './outcomeKey.ts'
import type { ConcurrentRecording, OutcomeResult, RecordedResult } from './types.ts'

/** How much of a scenario's schedules was explored. */
export type Extent = 'complete' | 'bounded' | 'sampled'

/** An outcome of the kernel's, or of an order of whole threads, that exploration did not find. */
export interface OutcomeMismatch {
  readonly file: string
  readonly scenario: string
  /** `seen`: the kernel gave it. `serial`: ours give it one after the other, and not at once. `setup`: before. */
  readonly what: 'seen' | 'serial' | 'setup'
  /** Orders of the threads that gave it. */
  readonly serial: readonly string[]
  /** In how many of the kernel's runs. */
  readonly count: number
  readonly expected: OutcomeResult
  /** The explored outcome that differs in the fewest results, and the token of a schedule; null: none was explored. */
  readonly nearest: OutcomeResult | null
  readonly token: string | null
  /**
   * Of the kernel's rules that are not here yet those that it takes: without what they decide it is one of the explored
   * outcomes. Empty: it is missing for another reason.
   */
  readonly needs: readonly string[]
}

/** What came of one scenario. */
export interface ScenarioOutcomes {
  readonly scenario: string
  readonly extent: Extent
  readonly schedules: number
  /** Of an exploration by preemptions: all schedules of at most so many. */
  readonly bound: number | null
  readonly rules: string
  readonly seen: number
  readonly explained: number
  /**
   * Of the explained ones those that no explored schedule gives: threads that ran one after the other on one processor
   * come to them here, and a thread of an exploration has a processor of its own.
   */
  readonly oneCpu: number
  /** Explored, and not seen: no fault. */
  readonly extra: number
  /** Schedules that did not come out clean, by how they ended. */
  readonly bad: Readonly<Record<string, number>>
  readonly mismatches: readonly OutcomeMismatch[]
  /** Operations that there are not: nothing was explored. */
  readonly unsupported: readonly string[]
}

export interface OutcomeSettings {
  readonly scheme?: string
  readonly layout?: string
  readonly rules?: string
  readonly quirks?: readonly string[]
  readonly hugePages?: boolean
  readonly signal?: AbortSignal | undefined
  /** Schedules of a scenario that is not complete before. */
  readonly samples: number
  /** Of each of the explorations of a scenario, at most so long: some give up far more schedules than they end. */
  readonly secondsEach: number
}

const version = (text: string): number[] => text.replace(/^v/, '').split('.').map(Number)
const isSince = (a: string, b: string): boolean => {
  const [left, right] = [version(a), version(b)]
  return (left[0] ?? 0) !== (right[0] ?? 0) ? (left[0] ?? 0) < (right[0] ?? 0) : (left[1] ?? 0) <= (right[1] ?? 0)
}

/**
 * A kernel's rules as far as they are here: `'v7.2~huge-migrates-whole'`.
 *
 * @throws PageboxError `ERR_PAGEBOX_RULES` for a kernel that there is not.
 */
export function rulesAtHand(kernel: string): string {
  const name = `v${kernel}`
  const set = ruleSets().find((each) => each.name === name)
  if (set === undefined) {
    const allowed = ruleSets()
      .map((each) => each.name.slice(1))
      .join(', ')
    throw new PageboxError('ERR_PAGEBOX_RULES', `kernel ${kernel}: no rules of it; there are ${allowed}`, {
      argument: 'kernel',
      given: kernel,
      allowed,
    })
  }
  if (set.missing === '') return name
  const absent = kernelRules().filter(({ since, afterExists }) => !afterExists && isSince(since, name))
  return [name, ...absent.map((rule) => rule.name)].join('~')
}

/** How many results differ. */
function distance(a: OutcomeResult, b: OutcomeResult): number {
  const all = ({ threads, after }: OutcomeResult): (RecordedResult | null)[] => [...threads.flat(), ...after].map(plain)
  const right = all(b)
  return all(a).reduce((sum, result, i) => sum + (isDeepStrictEqual(result, right[i]) ? 0 : 1), 0)
}

function permutations(count: number): number[][] {
  if (count === 0) return [[]]
  return permutations(count - 1).flatMap((rest) =>
    Array.from({ length: count }, (_, at) => [...rest.slice(0, at), count - 1, ...rest.slice(at)]),
  )
}
/** More threads have more orders than anybody waits for. */
const mostOrdered = 4

type Explored = Map<string, { readonly result: OutcomeResult; readonly token: string | null }>

/**
 * Explores the scenario of a concurrent recording, completely if that takes no more than half of `samples`, else by
 * preemptions and by chance, and holds what the kernel gave against it.
 *
 * @throws PageboxError `ERR_PAGEBOX_RECORDING` for a scenario that cannot be read; that of the settings.
 */
export async function outcomesOf(
  file: string,
  recording: ConcurrentRecording,
  settings: OutcomeSettings,
): Promise<ScenarioOutcomes> {
  const { id, setup, threads, after, seen } = recording
  const { samples, secondsEach, signal, hugePages, rules: told, ...machine } = settings
  const rules = told ?? rulesAtHand(recording.kernel ?? '6.12')
  const known = vocabulary().ops
  const all = [...setup, ...threads.flatMap(({ ops }) => ops), ...after]
  const unsupported = [...new Set(all.map(({ op }) => op).filter((op) => !known.has(op)))]
  const facts = { scenario: id, rules, seen: seen.length, unsupported }
  if (unsupported.length > 0)
    return {
      ...facts,
      extent: 'sampled',
      schedules: 0,
      bound: null,
      explained: 0,
      oneCpu: 0,
      extra: 0,
      bad: {},
      mismatches: [],
    }
  const scenario: WrittenScenario = {
    name: id,
    setup,
    threads: threads.map(({ ops }, i) => ({ name: `${i}`, ops })),
    after,
    hugePages: hugePages ?? (recording.thp !== undefined && recording.thp !== 'never'),
  }
  const how = { ...machine, rules }
  const mismatches: OutcomeMismatch[] = []

  // One thread after the other, in each order: what must be possible besides.
  const serial = new Map<string, string[]>()
  const onOne = new Map<string, OutcomeResult>()
  const orders = threads.length <= mostOrdered ? permutations(threads.length) : [threads.map((_, i) => i)]
  for (const order of orders) {
    const ran = readable(file, id, () =>
      run({ ...scenario, threads: order.map((t) => scenario.threads[t] as (typeof scenario.threads)[number]) }, how),
    )
    const of = (name: string): RecordedResult[] =>
      ran.ran.filter((each) => each.thread === name).map((each) => each.result)
    const before = of('setup')
    if (mismatches.length === 0 && !isDeepStrictEqual(before.map(plain), recording.setup_results.map(plain)))
      mismatches.push({
        file,
        scenario: id,
        what: 'setup',
        serial: [],
        count: recording.runs ?? 0,
        expected: { threads: [], after: recording.setup_results },
        nearest: { threads: [], after: before },
        token: null,
        needs: [],
      })
    const key = keyOf({ threads: threads.map((_, t) => of(`${t}`)), after: of('after') })
    serial.set(key, [...(serial.get(key) ?? []), order.join('')])
    const together = onOneCpu(scenario, order, (all) => readable(file, id, () => run(all, how)).ran)
    if (together !== null) onOne.set(keyOf(together), together)
  }

  const explored: Explored = new Map()
  const bad: Record<string, number> = {}
  const isAll = (): boolean =>
    [...serial.keys()].every((key) => explored.get(key)?.token != null) &&
    seen.every(({ results, after }) => explored.has(keyOf({ threads: results, after })))
  let schedules = 0
  const step = async (options: object): Promise<ExploreScenarioResult | null> => {
    const late = AbortSignal.timeout(secondsEach * 1000)
    const found = await unlessLate(signal, late, (either) =>
      explore(scenario, { ...how, outcomes: true, findings: 0, signal: either, ...options }),
    )
    if (found === null) return null
    schedules += found.schedules
    for (const { result, token } of found.seen as readonly SeenOutcome[]) {
      const key = keyOf(result)
      if (explored.get(key)?.token == null) explored.set(key, { result, token })
    }
    for (const [outcome, count] of Object.entries(found.outcomes))
      if (outcome !== 'clean' && count > 0) bad[outcome] = (bad[outcome] ?? 0) + count
    return found
  }
  for (const [key, result] of onOne) explored.set(key, { result, token: null })
  let extent: Extent = 'sampled'
  let bound: number | null = null
  const first = await step({ strategy: 'dpor', samples: Math.ceil(samples / 2) })
  if (first?.complete) extent = 'complete'
  for (let most = 1; most <= 3 && extent !== 'complete' && !signal?.aborted && !(bound !== null && isAll()); most++) {
    const found = await step({ strategy: 'depth-first', bound: most, samples: Math.ceil(samples / 4) })
    if (found === null || (!found.complete && found.bound === null)) break
    bound = found.bound
    if (bound !== null && bound >= 1) extent = 'bounded'
    if (!found.complete) break
  }
  if (extent !== 'complete' && !signal?.aborted && !isAll())
    for (const strategy of ['pct', 'random'] as const)
      if (!isAll()) await step({ strategy, samples: Math.ceil(samples / 4) })

  const absent = rules.split('~').slice(1)
  const held = new Set<string>()
  let explained = 0
  let oneCpu = 0
  const miss = (what: 'seen' | 'serial', result: OutcomeResult, orders: readonly string[], count: number): void => {
    let nearest: { result: OutcomeResult; token: string | null } | undefined
    for (const each of explored.values())
      if (nearest === undefined || distance(each.result, result) < distance(nearest.result, result)) nearest = each
    mismatches.push({
      file,
      scenario: id,
      what,
      serial: orders,
      count,
      expected: plainOutcome(result),
      nearest: nearest === undefined ? null : plainOutcome(nearest.result),
      token: nearest?.token ?? null,
      needs: neededRules(
        result,
        [...explored.values()].map((each) => each.result),
        recording,
        absent,
      ),
    })
  }
  for (const outcome of seen) {
    const result = { threads: outcome.results, after: outcome.after }
    const key = keyOf(result)
    held.add(key)
    const found = explored.get(key)
    if (found !== undefined) {
      explained += 1
      if (found.token === null) oneCpu += 1
    } else miss('seen', result, outcome.serial ?? [], outcome.count)
  }
  for (const [key, orders] of serial)
    if (explored.get(key)?.token == null && !held.has(key)) miss('serial', JSON.parse(key) as OutcomeResult, orders, 0)
  const extra = [...explored].filter(([key, { token }]) => token !== null && !held.has(key)).length
  return { ...facts, extent, schedules, bound, explained, oneCpu, extra, bad, mismatches }
}

/**
 * Threads that a kernel has put on one CPU, one after the other: they share its batches, so what one has just made is
 * found by the other's pageout. Each thread of an exploration has a CPU of its own. Null: their names do not go together.
 */
function onOneCpu(
  scenario: WrittenScenario,
  order: readonly number[],
  run: (all: WrittenScenario) => readonly RanOp[],
): OutcomeResult | null {
  const lists = order.map((t) => scenario.threads[t]?.ops ?? [])
  // A child is named by its thread: two of one name would be one.
  const children = lists.flatMap((ops) => ops.filter(({ op }) => op === 'fork').map((op) => op.child))
  if (new Set(children).size < children.length || lists.flat().some(({ op }) => op === 'barrier')) return null
  const ran = run({ ...scenario, threads: [{ name: '0', ops: lists.flat() }] })
  const results = ran.filter(({ thread }) => thread === '0').map(({ result }) => result)
  let from = 0
  const threads: RecordedResult[][] = []
  for (const [i, ops] of lists.entries()) {
    threads[order[i] as number] = results.slice(from, from + ops.length)
    from += ops.length
  }
  return { threads, after: ran.filter(({ thread }) => thread === 'after').map(({ result }) => result) }
}

/** What cannot be read of the scenario is the file's fault. */
function readable<T>(file: string, id: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof PageboxError) || error.code !== 'ERR_PAGEBOX_SCENARIO') throw error
    throw new PageboxError('ERR_PAGEBOX_RECORDING', `${file}, ${id}: ${error.message}`, {
      argument: 'file',
      cause: error,
    })
  }
}

/** Null: the time was up before there was a schedule. */
async function unlessLate<T>(
  signal: AbortSignal | undefined,
  late: AbortSignal,
  call: (either: AbortSignal) => Promise<T>,
): Promise<T | null> {
  try {
    return await call(signal === undefined ? late : AbortSignal.any([signal, late]))
  } catch (error) {
    const isLate = error instanceof PageboxError && error.code === 'ERR_PAGEBOX_ABORTED' && !signal?.aborted
    if (!isLate) throw error
    return null
  }
}
