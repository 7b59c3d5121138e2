import { badArgument, integer, options, or, unsigned64 } from '../base/args.ts'
import { native } from '../native/load.ts'
import { created } from '../native/status.ts'
import { layoutOf } from '../page/layouts.ts'
import { behaviourKeys, behaviourOf } from '../pins/behaviour.ts'
import { schemeOf } from '../pins/schemes.ts'
import type { ExplorePinsOptions, ExploreResult } from './explorePinsTypes.ts'
import { explorePinsText } from './findingText.ts'
import { longCall, longCallKeys, throwIfAborted } from './poll.ts'
import { pollExplore } from './pollEngines.ts'
import type { ExploreProgress } from './scenario/scenarioTypes.ts'
import { withText } from './withText.ts'

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
