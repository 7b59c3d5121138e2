import { badArgument, integer, options, or, unsigned64 } from '../base/args.ts'
import { native } from '../native/load.ts'
import { created } from '../native/status.ts'
import { layoutOf } from '../page/layouts.ts'
import { type BehaviourOptions, behaviourKeys, behaviourOf } from '../pins/behaviour.ts'
import { schemeOf } from '../pins/schemes.ts'
import { explorePinsText } from './findingText.ts'
import { longCall, longCallKeys, type LongCallOptions, throwIfAborted } from './poll.ts'
import { pollExplore } from './pollEngines.ts'
import type { ExploreProgress } from './scenario/scenarioTypes.ts'
import { withText } from './withText.ts'

/** What is to be explored: random pin operations under random schedules. */
export interface ExplorePinsOptions extends BehaviourOptions, LongCallOptions<ExploreProgress> {
  /** A built-in scheme; `'refcount-bias'`. */
  scheme?: string | { readonly name: string }
  /** A built-in layout; `'linux-6.12'`. */
  layout?: string | { readonly name: string }
  /** Fibers that run the operations: 2 or 3; 2. */
  threads?: number
  /** Folios that the threads pin: 1 to 8; 2. */
  folios?: number
  /** Of each folio; 0: single pages. */
  order?: number
  /** Operations of each thread in one schedule; 3. */
  ops?: number
  /** Schedules to run; 10 000. */
  schedules?: number
  /** Number of the first: with the seed it names a schedule. */
  firstRun?: number
  seed?: number | bigint
}

/** A schedule that ended badly. Run it again with its `run` as `firstRun` and the same seed. */
export interface Violation {
  readonly run: number
  readonly scheduleHash: bigint
  /** How it ended: `'clean'` (but for the audit), `'deadlock'`, `'data race'`. */
  readonly end: string
  /** Of the first audit row; empty: none. */
  readonly invariant: string
  readonly pfn: number
  readonly expected: bigint
  readonly found: bigint
}

/** What an exploration did. Sequentially consistent: weaker orders are not explored. */
export interface ExploreResult {
  /** What ended it: all schedules that were asked for, or the signal. */
  readonly stoppedBy: 'schedules' | 'abort'
  readonly schedules: number
  /** Different schedules among the first 2^22. */
  readonly distinct: number
  /** Scheduling points of all schedules. */
  readonly steps: number
  readonly violations: number
  /** The first of them. */
  readonly first: readonly Violation[]
  /** Of every schedule and of the words after it: the same seed gives the same hash. */
  readonly hash: bigint
  readonly seconds: number
  readonly seed: bigint
}

const known = [
  'scheme',
  'layout',
  ...behaviourKeys,
  'threads',
  'folios',
  'order',
  'ops',
  'schedules',
  'firstRun',
  'seed',
  ...longCallKeys,
] as const

/** The model environment knows what was compiled into it. */
function builtin<Named extends { name: string; builtin: boolean }>(found: Named, argument: string): string {
  if (found.builtin) return found.name
  throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, found.name, 'a built-in one')
}

/**
 * Runs pin operations as fibers under a scheduler that owns every atomic access and every lock, and
 * audits after each schedule. The schedules are a function of the seed.
 *
 * An aborted exploration resolves with the schedules that it has and `stoppedBy: 'abort'`; with none of
 * them it rejects with `ERR_PAGEBOX_ABORTED`.
 */
export async function explorePins(value: ExplorePinsOptions = {}): Promise<ExploreResult> {
  const given = options(value, 'options', known)
  const count = (key: 'threads' | 'folios' | 'order' | 'ops', min: number, max: number, otherwise: number): number =>
    given[key] === undefined ? otherwise : integer(given[key], `options.${key}`, min, max)
  const seed = given.seed === undefined ? 1n : unsigned64(given.seed, 'options.seed')
  const call = longCall<ExploreProgress>('explorePins', given)
  const schedules =
    given.schedules === undefined ? 10_000 : integer(given.schedules, 'options.schedules', 1, Number.MAX_SAFE_INTEGER)
  const scheme = schemeOf(or(given.scheme, 'refcount-bias'), 'options.scheme')
  const layout = layoutOf(or(given.layout, 'linux-6.12'), 'options.layout')
  const settings = {
    scheme: builtin(scheme, 'options.scheme'),
    layout: builtin(layout, 'options.layout'),
    behaviour: behaviourOf(given, 'options', scheme, layout),
    threads: count('threads', 2, 3, 2),
    folios: count('folios', 1, 8, 2),
    order: count('order', 0, 9, 0),
    ops: count('ops', 1, 1000, 3),
    schedules,
    firstRun:
      given.firstRun === undefined ? 0 : integer(given.firstRun, 'options.firstRun', 0, Number.MAX_SAFE_INTEGER),
    seed,
  }
  throwIfAborted(call)
  const run = created(native().startExplore(settings), 'options')
  const { found, aborted } = await pollExplore(run, call, schedules, (ended) => created(ended, 'options'))
  const { distinct, steps, violations, first, hash, seconds } = found
  const stoppedBy = aborted ? 'abort' : 'schedules'
  const result: ExploreResult = {
    stoppedBy,
    schedules: found.schedules,
    distinct,
    steps,
    violations,
    first,
    hash,
    seconds,
    seed,
  }
  return withText(result, () =>
    explorePinsText(result, {
      scheme: scheme.name,
      ...Object.fromEntries(behaviourKeys.filter((key) => given[key] !== undefined).map((key) => [key, given[key]])),
      threads: settings.threads,
    }),
  )
}
