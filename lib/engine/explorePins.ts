import { badArgument, integer, options, or, unsigned64 } from '../base/args.ts'
import { native } from '../native/load.ts'
import { created } from '../native/status.ts'
import { layoutOf } from '../page/layouts.ts'
import { quirksOf, schemeOf } from '../pins/schemes.ts'
import { explorePinsText } from './findingText.ts'
import { poll, signalOf } from './poll.ts'
import { withText } from './withText.ts'

/** What is to be explored: random pin operations under random schedules. */
export interface ExplorePinsOptions {
  /** A built-in scheme; `'refcount-bias'`. */
  scheme?: string | { readonly name: string }
  /** A built-in layout; `'linux-6.12'`. */
  layout?: string | { readonly name: string }
  quirks?: readonly string[]
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
  signal?: AbortSignal
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
  'quirks',
  'threads',
  'folios',
  'order',
  'ops',
  'schedules',
  'firstRun',
  'seed',
  'signal',
] as const

/** The model environment knows what was compiled into it. */
function builtin<Named extends { name: string; builtin: boolean }>(found: Named, argument: string): string {
  if (found.builtin) return found.name
  throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, found.name, 'a built-in one')
}

/**
 * Runs pin operations as fibers under a scheduler that owns every atomic access and every lock, and
 * audits after each schedule. The schedules are a function of the seed.
 */
export async function explorePins(value: ExplorePinsOptions = {}): Promise<ExploreResult> {
  const given = options(value, 'options', known)
  const count = (key: 'threads' | 'folios' | 'order' | 'ops', min: number, max: number, otherwise: number): number =>
    given[key] === undefined ? otherwise : integer(given[key], `options.${key}`, min, max)
  const seed = given.seed === undefined ? 1n : unsigned64(given.seed, 'options.seed')
  const signal = signalOf(given.signal, 'options.signal')
  const scheme = schemeOf(or(given.scheme, 'refcount-bias'), 'options.scheme')
  const run = created(
    native().startExplore({
      scheme: builtin(scheme, 'options.scheme'),
      layout: builtin(layoutOf(or(given.layout, 'linux-6.12'), 'options.layout'), 'options.layout'),
      quirks: quirksOf(given.quirks, 'options.quirks', scheme),
      threads: count('threads', 2, 3, 2),
      folios: count('folios', 1, 8, 2),
      order: count('order', 0, 9, 0),
      ops: count('ops', 1, 1000, 3),
      schedules:
        given.schedules === undefined
          ? 10_000
          : integer(given.schedules, 'options.schedules', 1, Number.MAX_SAFE_INTEGER),
      firstRun:
        given.firstRun === undefined ? 0 : integer(given.firstRun, 'options.firstRun', 0, Number.MAX_SAFE_INTEGER),
      seed,
    }),
    'options',
  )
  const found = created(
    await poll({ isDone: run.done, stop: run.stop, result: run.result }, signal, undefined),
    'options',
  )
  const { schedules, distinct, steps, violations, first, hash, seconds } = found
  const result = { schedules, distinct, steps, violations, first, hash, seconds, seed }
  return withText(result, () => explorePinsText(result, { scheme: scheme.name, threads: count('threads', 2, 3, 2) }))
}
