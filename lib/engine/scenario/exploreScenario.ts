import { badArgument, integer, oneOf, options, unsigned64 } from '../../base/args.ts'
import type { ExploreLimit } from '../../native/binding.ts'
import type { NativeDrawn, NativeExploreOptions, NativeRandomOps } from '../../native/engineBinding.ts'
import { native } from '../../native/load.ts'
import { created } from '../../native/status.ts'
import { tables } from '../../native/tables.ts'
import { layoutRef } from '../../page/layouts.ts'
import { schemeRef } from '../../pins/schemes.ts'
import { frozenRow } from '../auditRow.ts'
import { inOrder } from '../explore/seen.ts'
import { exploreText } from '../findingText.ts'
import { strategyFor } from '../explore/strategyFor.ts'
import { type Subject, tokensOf } from '../explore/subject.ts'
import { longCall, longCallKeys, throwIfAborted } from '../poll.ts'
import { known, pollExplore } from '../pollEngines.ts'
import { withText } from '../withText.ts'
import type { ReadScenario } from './readScenario.ts'
import type {
  ExploreOptions,
  ExploreProgress,
  ExploreScenarioResult,
  Outcome,
  Scenario,
  StrategyName,
} from './scenarioTypes.ts'
import {
  nothing,
  machineKeys,
  checked,
  besideRows,
  rowsOf,
  randomOps,
  readFor,
  schemeAndLayout,
  behaviourFor,
  toldOf,
  seedOf,
  threadsOf,
} from './settings.ts'
import { outcomesOf, fieldsOf } from './exploreOutcomes.ts'

const exploreKeys = [
  ...machineKeys,
  'samples',
  'samplesEach',
  'firstRun',
  'workloadSeed',
  'strategy',
  'bound',
  'depth',
  'threads',
  'ops',
  'failing',
  'maxSteps',
  'findings',
  'memoryBytes',
  'outcomes',
  'shard',
  ...longCallKeys,
] as const

/** What the model's machine is made of and does. */
export const exploreMachine = ({
  read,
  scheme,
  layout,
  behaviour,
  threads,
  ops,
  workloadSeed,
  maxSteps,
}: Subject): Pick<
  NativeExploreOptions,
  keyof NativeRandomOps | 'what' | 'scheme' | 'layout' | 'behaviour' | 'pages' | 'ops' | 'workloadSeed' | 'maxSteps'
> => ({
  ...randomOps(read, threads),
  what: read.lists === null ? 'random' : 'scenario',
  // Few pages, or threads would never meet in a few operations.
  pagesEach: Math.min(read.pagesEach, 2),
  scheme: schemeRef(scheme),
  layout: layoutRef(layout),
  behaviour,
  pages: read.pages,
  ...besideRows(read),
  ops,
  workloadSeed,
  ...(maxSteps > 0 && { maxSteps }),
})

/** Begins; the settings are checked. */
export const startExploring = (settings: NativeExploreOptions, read: ReadScenario) =>
  created(native().startExplore(settings, read.lists?.setup.rows ?? nothing, rowsOf(read)), 'options')

/** Which part of a complete exploration; nothing: all of it. */
function shardOf(given: unknown): { shard?: number; shards?: number } {
  if (given === undefined) return {}
  const { index, of } = options(given as object, 'options.shard', ['index', 'of'] as const)
  const { max } = tables().exploreLimits.shards as ExploreLimit
  const shards = integer(of, 'options.shard.of', 1, max)
  return { shard: integer(index, 'options.shard.index', 1, shards), shards }
}

/** Random operations are drawn anew for each schedule, a list's open pages are not. */
function samplesEach(given: unknown, read: ReadScenario, strategy: unknown): number {
  if (given !== undefined) return integer(given, 'options.samplesEach', 0, Number.MAX_SAFE_INTEGER)
  return read.lists === null && strategy === 'random' ? 1 : 0
}

/**
 * Explores schedules of a scenario: its threads are fibers under a scheduler that owns every atomic
 * access and every lock. After each schedule the machine is audited, with everybody alive and when
 * all have exited. The schedules are a function of the seed, what the threads do is one of the
 * scenario and of the workload seed.
 *
 * An aborted exploration resolves with the schedules that it has and `stoppedBy: 'abort'`; with none of
 * them it rejects with `ERR_PAGEBOX_ABORTED`.
 */
export async function explore(scenario: Scenario, value: ExploreOptions = {}): Promise<ExploreScenarioResult> {
  return (await exploreTelling(scenario, value, false)).result
}

/** A result with what joins it to others. */
export interface JoinableResult {
  readonly result: ExploreScenarioResult
  readonly worth: NativeDrawn
  /** Of different schedules, sorted; none unless they were asked for. */
  readonly hashes: readonly bigint[]
}

/** As {@link explore}. `hashes`: schedules can be told from those of another result. */
export async function exploreTelling(
  scenario: Scenario,
  value: ExploreOptions,
  tellHashes: boolean,
): Promise<JoinableResult> {
  const given = options(value, 'options', exploreKeys)
  const read = readFor(scenario, given)
  const seed = seedOf(given.seed)
  const call = longCall<ExploreProgress>('explore', given)
  const limits = tables().exploreLimits
  const limitOf = (name: string): ExploreLimit => limits[name] as ExploreLimit
  const count = (
    key: 'ops' | 'samples' | 'firstRun' | 'maxSteps' | 'findings' | 'memoryBytes',
    limit: string,
  ): number => {
    const { min, max, otherwise } = limitOf(limit)
    return given[key] === undefined ? otherwise : integer(given[key], `options.${key}`, min, max)
  }
  /** Of one strategy alone; 0: it is not told. */
  const only = (key: 'bound' | 'depth', of: StrategyName): number => {
    if (given[key] === undefined) return 0
    const { min, max } = limitOf(key)
    const value = integer(given[key], `options.${key}`, min, max)
    if (strategy !== of)
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', `options.${key}`, value, `nothing, unless strategy is '${of}'`)
    return value
  }
  const { scheme, layout } = schemeAndLayout(given)
  const strategy = oneOf(strategyFor(read.source, given), 'options.strategy', tables().exploreStrategies)
  const subject: Subject = {
    read,
    scheme,
    layout,
    behaviour: behaviourFor(read, given, scheme, layout),
    threads: threadsOf(read, given.threads, limitOf('threads').otherwise, limitOf('threads').max),
    ops: count('ops', 'ops'),
    workloadSeed: given.workloadSeed === undefined ? 1n : unsigned64(given.workloadSeed, 'options.workloadSeed'),
    maxSteps: given.maxSteps === undefined ? 0 : count('maxSteps', 'maxSteps'),
  }
  const settings = {
    ...exploreMachine(subject),
    ...outcomesOf(given.outcomes, read, layout),
    findings: count('findings', 'findings'),
    schedules: count('samples', 'schedules'),
    firstRun: count('firstRun', 'firstRun'),
    strategy,
    bounded: given.bound !== undefined,
    bound: only('bound', 'depth-first'),
    depth: only('depth', 'pct'),
    seed,
    schedulesEach: samplesEach(given.samplesEach, read, strategy),
    ...shardOf(given.shard),
    tellHashes,
    memoryBytes: count('memoryBytes', 'memoryBytes'),
  }
  const tokenOf = tokensOf(subject)
  throwIfAborted(call)
  const sampled = startExploring(settings, read)
  const { found, aborted } = await pollExplore(sampled, call, settings.schedules, (ended) => checked(ended, read.name))
  const { schedules, abandoned, distinct, steps, ops, hash, seconds, gaveUp, memoryFull, complete } = found
  const result: ExploreScenarioResult = {
    stoppedBy: gaveUp ? 'gave-up' : memoryFull ? 'memory' : aborted ? 'abort' : complete ? 'complete' : 'schedules',
    schedules,
    abandoned,
    complete,
    classes: found.classes,
    estimate: known(found.estimate),
    explored: known(found.explored),
    bound: known(found.bound),
    guarantee: found.guarantee,
    missedAtMost: known(found.missedAtMost),
    distinct,
    steps,
    ops,
    outcomes: found.outcomes as Record<Outcome, number>,
    seen:
      settings.outcomes === 0
        ? null
        : inOrder(
            found.seen.map(({ threads, after, fields, count, program, choices }) => ({
              result: { threads, after, fields: fieldsOf(fields, settings.fields) },
              count,
              token: tokenOf(program, choices),
            })),
          ),
    seenFull: found.seenFull,
    first: found.first.map(({ run, program, scheduleHash, outcome, strategy, text, row, trace, choices }) => ({
      run,
      program,
      scheduleHash,
      outcome: outcome as Outcome,
      strategy: strategy as StrategyName,
      text,
      row: row === null ? null : frozenRow(row),
      trace,
      token: tokenOf(program, choices),
    })),
    hash,
    seconds,
    seed,
    gaveUp,
  }
  const shown = {
    scheme: scheme.name,
    layout: layout.name,
    ...toldOf(given),
    ...(read.injected !== undefined && { failures: read.injected }),
    ...Object.fromEntries(
      (['ops', 'threads', 'workloadSeed', 'samplesEach', 'strategy', 'bound', 'depth'] as const)
        .filter((key) => given[key] !== undefined)
        .map((key) => [key, given[key]]),
    ),
  }
  const { worth, hashes } = found
  return { result: withText(result, () => exploreText(read.name, result, shown)), worth, hashes }
}
