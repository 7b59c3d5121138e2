import { integer, options, or, unsigned64 } from '../base/args.ts'
import type { ExploreLimit } from '../native/binding.ts'
import type { NativeFinding } from '../native/engineBinding.ts'
import { native } from '../native/load.ts'
import { created } from '../native/status.ts'
import { tables } from '../native/tables.ts'
import { layoutOf, layoutRef } from '../page/layouts.ts'
import { behaviourKeys, behaviourOf } from '../pins/behaviour.ts'
import { schemeOf, schemeRef } from '../pins/schemes.ts'
import { frozenRow } from './auditRow.ts'
import type { ExplorePinsOptions, ExploreResult, Violation } from './explorePinsTypes.ts'
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
  'workloadSeed',
  'memoryBytes',
  ...longCallKeys,
] as const

function violation({ run, scheduleHash, outcome, text, row, trace }: NativeFinding): Violation {
  const of = row === null ? null : frozenRow(row)
  return {
    run,
    scheduleHash,
    // An audit row is what is found after a clean end.
    end: outcome === 'violation' ? 'clean' : outcome,
    text,
    row: of,
    invariant: of?.invariant ?? '',
    pfn: of?.pfn ?? -1,
    expected: of?.expected ?? 0n,
    found: of?.found ?? 0n,
    trace,
  }
}

/**
 * A short form of `explore`: a random scenario of the mix `pins` on a few folios that are set up by pfn, a
 * program of its own in each schedule. Runs its operations as fibers under a scheduler that owns every atomic access and every lock, and
 * audits after each schedule. The schedules are a function of the seed.
 *
 * An aborted exploration resolves with the schedules that it has and `stoppedBy: 'abort'`; with none of
 * them it rejects with `ERR_PAGEBOX_ABORTED`.
 */
export async function explorePins(value: ExplorePinsOptions = {}): Promise<ExploreResult> {
  const given = options(value, 'options', known)
  const limits = tables().exploreLimits
  const count = (
    key: 'threads' | 'folios' | 'order' | 'ops' | 'schedules' | 'firstRun' | 'memoryBytes',
    limit: string,
  ): number => {
    const { min, max, otherwise } = limits[limit] as ExploreLimit
    return given[key] === undefined ? otherwise : integer(given[key], `options.${key}`, min, max)
  }
  const seed = given.seed === undefined ? 1n : unsigned64(given.seed, 'options.seed')
  const call = longCall<ExploreProgress>('explorePins', given)
  const schedules = given.schedules === undefined ? 10_000 : count('schedules', 'schedules')
  const scheme = schemeOf(or(given.scheme, 'refcount-bias'), 'options.scheme')
  const layout = layoutOf(or(given.layout, 'linux-6.12'), 'options.layout')
  const settings = {
    // One mix for all threads; neither address spaces nor their pages.
    what: 'random' as const,
    mixCount: 1,
    mixes: [{ mix: 0, op: 'pins', weight: 1 }],
    processes: 1,
    buffers: 1,
    pagesEach: 1,
    failing: 0,
    pages: 0,
    scheme: schemeRef(scheme),
    layout: layoutRef(layout),
    behaviour: behaviourOf(given, 'options', scheme, layout),
    threads: count('threads', 'pinThreads'),
    folios: count('folios', 'pinFolios'),
    order: count('order', 'pinOrder'),
    ops: count('ops', 'pinOps'),
    schedules,
    firstRun: count('firstRun', 'firstRun'),
    strategy: 'random',
    seed,
    workloadSeed: given.workloadSeed === undefined ? 1n : unsigned64(given.workloadSeed, 'options.workloadSeed'),
    schedulesEach: 1,
    memoryBytes: count('memoryBytes', 'memoryBytes'),
  }
  throwIfAborted(call)
  const run = created(native().startExplore(settings, null, null), 'options')
  const { found, aborted } = await pollExplore(run, call, schedules, (ended) => created(ended, 'options'))
  const { distinct, steps, hash, seconds } = found
  const stoppedBy = found.memoryFull ? 'memory' : aborted ? 'abort' : 'schedules'
  const result: ExploreResult = {
    stoppedBy,
    schedules: found.schedules,
    distinct,
    steps,
    violations: found.schedules - (found.outcomes.clean ?? 0),
    first: found.first.map(violation),
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
