import { badArgument, boolean, integer, oneOf, options, or, positive, type Read, unsigned64 } from '../../base/args.ts'
import { counted } from '../../base/describe.ts'
import { PageboxError } from '../../errors.ts'
import type { ExploreLimit, NativeBehaviour, NativeFailure } from '../../native/binding.ts'
import type { NativeExploreOptions, NativeOpResult, NativeRandomOps, NativeSeen } from '../../native/engineBinding.ts'
import { native } from '../../native/load.ts'
import { created, errnoName, isFailure } from '../../native/status.ts'
import { tables } from '../../native/tables.ts'
import type { Layout } from '../../page/layout.ts'
import { layoutOf, layoutRef } from '../../page/layouts.ts'
import { behaviourKeys, behaviourOf } from '../../pins/behaviour.ts'
import type { Scheme } from '../../pins/scheme.ts'
import { schemeOf, schemeRef } from '../../pins/schemes.ts'
import type { RecordedResult } from '../recording/types.ts'
import { frozenRow, frozenRows } from '../auditRow.ts'
import { roomWarnings, typesOf } from '../collisions.ts'
import { exploreText, raceAuditText, rowsText } from '../findingText.ts'
import { type Subject, tokensOf } from '../explore/subject.ts'
import { longCall, longCallKeys, throwIfAborted } from '../poll.ts'
import { known, pollExplore, pollRace, raceTotal } from '../pollEngines.ts'
import type { RaceProgress } from '../raceTypes.ts'
import { withText } from '../withText.ts'
import { type ReadScenario, readScenario, wholeMillionths } from './readScenario.ts'
import type {
  ExploreOptions,
  ExploreProgress,
  ExploreScenarioResult,
  Outcome,
  OutcomeOptions,
  RaceScenarioOptions,
  RaceScenarioResult,
  RanOp,
  RunOptions,
  Scenario,
  ScenarioOpResult,
  ScenarioResult,
  SeenResult,
  StrategyName,
} from './scenarioTypes.ts'

const defaultPages = 2 ** 14
/** It cannot be interrupted, and its results are kept in memory. */
const mostRun = 1_000_000
const longestSeconds = 10 * 366 * 24 * 3600
const nothing = new Float64Array(0)

const machineKeys = ['scheme', 'layout', 'seed', ...behaviourKeys] as const
const raceKeys = [
  ...machineKeys,
  'threads',
  'seconds',
  'ops',
  'rounds',
  'affinity',
  'failing',
  ...longCallKeys,
] as const
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
  ...longCallKeys,
] as const

/** What the core checks itself: lists, and threads that would wait for each other forever. */
export function checked<Made extends object>(found: Made | NativeFailure, name: string): Made {
  if (isFailure(found) && ['EINVAL', 'EOVERFLOW'].includes(errnoName(found.status)))
    throw new PageboxError('ERR_PAGEBOX_SCENARIO', `scenario '${name}': ${found.reason}`, {
      argument: 'scenario',
      given: name,
      allowed: found.reason,
    })
  return created(found, 'settings')
}

/** What was read of a scenario, and not the scenario itself: a getter of it may say something else by now. */
const partsOf = ({ mixes, lists }: ReadScenario): object => ({
  mixes,
  setup: lists?.setup.ops.map(({ op }) => op),
  threads: lists?.threads.map(({ ops }) => ops.map(({ op }) => op)),
  after: lists?.after.ops.map(({ op }) => op),
})

/** What an engine needs of a written scenario beside its rows. */
const besideRows = ({ lists, hugePages }: ReadScenario): { after?: Float64Array; hugePages?: boolean } => ({
  ...(lists !== null && lists.after.rows.length > 0 && { after: lists.after.rows }),
  ...(hugePages && { hugePages }),
})

export const rowsOf = ({ lists }: ReadScenario): Float64Array[] | null =>
  lists === null ? null : lists.threads.map(({ rows }) => rows)

export function randomOps(read: ReadScenario, threads: number): NativeRandomOps {
  return {
    threads,
    mixCount: read.mixes.length,
    mixes: read.mixes.flatMap((mix, i) =>
      Object.entries(mix).map(([op, weight]) => ({ mix: i, op, weight: weight as number })),
    ),
    processes: read.processes,
    buffers: read.buffers,
    pagesEach: read.pagesEach,
    failing: Math.round(read.failing * 1e6),
  }
}

/** The scenario with the share of operations that fail which the options say, so that a token carries it. */
function withFailing(read: ReadScenario, failing: unknown): ReadScenario {
  if (failing === undefined) return read
  if (typeof failing !== 'number' || !(failing >= 0 && failing <= 1))
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.failing', failing, 'a share from 0 to 1')
  if (read.lists !== null)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.failing', failing, 'nothing: operations are written down')
  const share = wholeMillionths(failing)
  return { ...read, failing: share, source: { ...read.source, failing: share } as Scenario }
}

/** As the scenario says, unless the options say otherwise. */
function behaviourFor(read: ReadScenario, given: Behaved, scheme: Scheme, layout: Layout): NativeBehaviour {
  const own = read.behaviour as Behaved
  const told = behaviourKeys.some((key) => given[key] !== undefined)
  const both = Object.fromEntries(behaviourKeys.map((key) => [key, or(given[key], own[key])])) as Behaved
  return behaviourOf(both, told ? 'options' : 'scenario', scheme, layout)
}
/** What the options say, to repeat it. */
const toldOf = (given: Behaved): Record<string, unknown> =>
  Object.fromEntries(behaviourKeys.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]))
type Behaved = Read<(typeof behaviourKeys)[number]>

const seedOf = (seed: unknown): bigint => (seed === undefined ? 1n : unsigned64(seed, 'options.seed'))

/** Threads of a written scenario are its own. */
function threadsOf(read: ReadScenario, given: unknown, otherwise: number, most: number): number {
  if (read.lists === null) return given === undefined ? otherwise : integer(given, 'options.threads', 1, most)
  const own = read.lists.threads.length
  if (given !== undefined && given !== own)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.threads', given, `the threads of the scenario, ${own}`)
  if (own > most) throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'scenario.threads', own, `at most ${most} threads`)
  return own
}

/**
 * Executes a scenario in order on a fresh machine: the setup, then each thread up to its next
 * barrier, in turn. Same scenario and seed, same results.
 *
 * @throws PageboxError `ERR_PAGEBOX_SCENARIO` for a scenario that cannot be read, for one of more than
 * a million operations (nothing has run then) or more than 2^24 words of results, and for one of
 * random operations, which have no order.
 */
export function run(scenario: Scenario, value: RunOptions = {}): ScenarioResult {
  const given = options(value, 'options', machineKeys)
  const read = readScenario(scenario)
  const { lists } = read
  if (lists === null)
    throw new PageboxError('ERR_PAGEBOX_SCENARIO', `scenario '${read.name}' is random: race or explore it`, {
      argument: 'scenario',
      given: 'mixes',
      allowed: 'threads',
    })
  const layout = layoutOf(or(given.layout, 'linux-6.12'), 'options.layout')
  const scheme = schemeOf(or(given.scheme, 'refcount-bias'), 'options.scheme')
  const found = checked(
    native().runThreadsInOrder(
      {
        layout: layoutRef(layout),
        scheme: schemeRef(scheme),
        behaviour: behaviourFor(read, given, scheme, layout),
        pages: read.pages === 0 ? defaultPages : read.pages,
        limit: mostRun,
        seed: seedOf(given.seed),
        ...besideRows(read),
      },
      lists.setup.rows,
      rowsOf(read) as Float64Array[],
    ),
    read.name,
  )
  const all = [{ name: 'setup', ...lists.setup }, ...lists.threads, { name: 'after', ...lists.after }]
  const ran = found.ran.map(({ thread, index, result }): RanOp => {
    const list = all[thread] as (typeof all)[number]
    return { thread: list.name, op: list.ops[index]?.op as RanOp['op'], result: (result ?? {}) as RecordedResult }
  })
  const { leaks, livelocks } = found
  const audit = frozenRows(found.audit)
  const text = (): string =>
    audit.length === 0 && leaks === '' && livelocks.length === 0
      ? `clean: ${counted(ran.length, 'operation')} of '${read.name}'`
      : [`'${read.name}', seed ${seedOf(given.seed)}, run in order:`, ...rowsText(audit, leaks, livelocks)].join('\n')
  return withText({ ran, audit, leaks, livelocks }, text)
}

function opResult(found: NativeOpResult, seconds: number): ScenarioOpResult {
  const { op, ops, retries, latency } = found
  const failures = Object.fromEntries(found.failures.map(({ errno, count }) => [errno, count]))
  return { op, ops, opsPerSecond: seconds > 0 ? ops / seconds : 0, retries, failures, latencyNs: latency }
}

/** As `race` on pins: native threads at full speed; each round a fresh machine, audited. */
export async function raceScenario(scenario: Scenario, value: RaceScenarioOptions = {}): Promise<RaceScenarioResult> {
  const given = options(value, 'options', raceKeys)
  const read = withFailing(readScenario(scenario), given.failing)
  const count = (key: 'ops' | 'rounds'): number =>
    given[key] === undefined ? 0 : integer(given[key], `options.${key}`, 1, Number.MAX_SAFE_INTEGER)
  const seed = seedOf(given.seed)
  const call = longCall<RaceProgress>('race', given)
  const scheme = schemeOf(or(given.scheme, 'refcount-bias'), 'options.scheme')
  const layout = layoutOf(or(given.layout, 'linux-6.12'), 'options.layout')
  const settings = {
    ...randomOps(read, threadsOf(read, given.threads, Math.max(2, read.mixes.length), tables().maxScenarioThreads)),
    layout: layoutRef(layout),
    scheme: schemeRef(scheme),
    behaviour: behaviourFor(read, given, scheme, layout),
    pages: read.pages === 0 ? defaultPages : read.pages,
    seconds: given.seconds === undefined ? 0 : positive(given.seconds, 'options.seconds', longestSeconds),
    ops: count('ops'),
    rounds: count('rounds'),
    seed,
    ...besideRows(read),
    affinity: given.affinity === undefined ? false : boolean(given.affinity, 'options.affinity'),
  }
  throwIfAborted(call)
  const warnings = Object.freeze(roomWarnings(scheme, layout, typesOf(partsOf(read), layout)))
  const race = created(native().startRaceOps(settings, read.lists?.setup.rows ?? nothing, rowsOf(read)), 'options')
  const found = await pollRace(race, call, raceTotal(settings, settings.threads), 'options', (ended) =>
    checked(ended, read.name),
  )
  const { livelocks } = found
  const clean = found.audit.length === 0 && found.leaks === '' && livelocks.length === 0
  const audit = {
    clean,
    rows: frozenRows(found.audit),
    leaks: found.leaks,
    livelocks,
    round: clean ? null : found.dirtyRound,
  }
  const shown = {
    scheme: scheme.name,
    layout: layout.name,
    ...toldOf(given),
    ...(read.lists === null && { threads: found.threads.length }),
    ...(given.ops !== undefined && { ops: count('ops') }),
  }
  const text = (): string => raceAuditText(read.name, { audit, seed, rounds: found.rounds }, shown)
  const result = {
    stoppedBy: found.stoppedBy as RaceScenarioResult['stoppedBy'],
    seconds: found.seconds,
    rounds: found.rounds,
    seed,
    ops: found.ops.map((each) => opResult(each, found.seconds)),
    threads: found.threads.map((each, thread) => ({ thread, ops: each.map((op) => opResult(op, found.seconds)) })),
    reached: Object.freeze(found.reached.map((each) => Object.freeze(each))),
    audit: withText(audit, text, true),
    warnings,
  }
  return withText(result, text)
}

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

/** Bits, as OutcomesOf in explore_messages.h has them, 0: none; and names of fields. */
function outcomesOf(given: unknown, read: ReadScenario, layout: Layout): { outcomes: number; fields: string[] } {
  if (given === undefined || given === false) return { outcomes: 0, fields: [] }
  if (read.lists === null)
    throw badArgument(
      'ERR_PAGEBOX_ARG_RANGE',
      'options.outcomes',
      given,
      'nothing, unless the scenario is written down',
    )
  const told = given === true ? {} : options(given as OutcomeOptions, 'options.outcomes', ['of', 'flags', 'fields'])
  const { of, flags, fields } = told as Read<'of' | 'flags' | 'fields'>
  const which = oneOf(or(of, 'all'), 'options.outcomes.of', ['all', 'threads', 'after'])
  const all = oneOf(or(flags, 'kind'), 'options.outcomes.flags', ['kind', 'all']) === 'all'
  const bits = (which === 'after' ? 0 : 1) | (which === 'threads' ? 0 : 2) | (all ? 4 : 0)
  return { outcomes: bits, fields: fields === undefined ? [] : fieldNames(fields, layout) }
}

const mostFields = 64

function fieldNames(given: unknown, layout: Layout): string[] {
  const names = [...new Set(layout.fields.map(({ name }) => name))]
  if (!Array.isArray(given) || given.length > mostFields)
    throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'options.outcomes.fields', given, `up to ${mostFields} names of fields`)
  return Array.from(given as unknown[], (each, i) => oneOf(each, `options.outcomes.fields[${i}]`, names))
}

/** By page and name. */
const fieldsOf = (found: NativeSeen['fields'], names: readonly string[]): SeenResult['fields'] =>
  Object.fromEntries(
    found.map(({ place, values, signed }) => [
      place,
      Object.fromEntries(
        names.map((name, i) => {
          const value = values[i] ?? null
          return [name, value !== null && signed[i] ? BigInt.asIntN(64, value) : value]
        }),
      ),
    ]),
  )

/** Begins; the settings are checked. */
export const startExploring = (settings: NativeExploreOptions, read: ReadScenario) =>
  created(native().startExplore(settings, read.lists?.setup.rows ?? nothing, rowsOf(read)), 'options')

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
  const given = options(value, 'options', exploreKeys)
  const read = withFailing(readScenario(scenario), given.failing)
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
  const scheme = schemeOf(or(given.scheme, 'refcount-bias'), 'options.scheme')
  const layout = layoutOf(or(given.layout, 'linux-6.12'), 'options.layout')
  const strategy = oneOf(or(given.strategy, 'random'), 'options.strategy', tables().exploreStrategies)
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
        : found.seen.map(({ threads, after, fields, count, program, choices }) => ({
            result: { threads, after, fields: fieldsOf(fields, settings.fields) },
            count,
            token: tokenOf(program, choices),
          })),
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
    ...Object.fromEntries(
      (['ops', 'threads', 'workloadSeed', 'samplesEach', 'strategy', 'bound', 'depth'] as const)
        .filter((key) => given[key] !== undefined)
        .map((key) => [key, given[key]]),
    ),
  }
  return withText(result, () => exploreText(read.name, result, shown))
}
