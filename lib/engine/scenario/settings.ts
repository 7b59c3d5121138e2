import { badArgument, integer, or, type Read, unsigned64 } from '../../base/args.ts'
import { PageboxError } from '../../errors.ts'
import type { NativeBehaviour, NativeFailure } from '../../native/binding.ts'
import type { NativeRandomOps } from '../../native/engineBinding.ts'
import { created, errnoName, isFailure } from '../../native/status.ts'
import type { Layout } from '../../page/layout.ts'
import { layoutOf } from '../../page/layouts.ts'
import { behaviourKeys, behaviourOf } from '../../pins/behaviour.ts'
import type { Scheme } from '../../pins/scheme.ts'
import { schemeOf } from '../../pins/schemes.ts'
import { withFailures } from './failures.ts'
import { type ReadScenario, readScenario, wholeMillionths } from './readScenario.ts'
import type { Scenario } from './scenarioTypes.ts'

// What every engine reads of a scenario and of its options, in one form.

export const defaultPages = 2 ** 14

export const nothing = new Float64Array(0)

export const machineKeys = ['scheme', 'layout', 'seed', 'failures', ...behaviourKeys] as const

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
export const partsOf = ({ mixes, lists }: ReadScenario): object => ({
  mixes,
  setup: lists?.setup.ops.map(({ op }) => op),
  threads: lists?.threads.map(({ ops }) => ops.map(({ op }) => op)),
  after: lists?.after.ops.map(({ op }) => op),
})

/** What an engine needs of a written scenario beside its rows. */
export const besideRows = ({ lists, hugePages }: ReadScenario): { after?: Float64Array; hugePages?: boolean } => ({
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

/** The scenario with what the options make of its operations, so that a token carries it. */
export const readFor = (scenario: Scenario, { failures, failing }: Read<'failures' | 'failing'>): ReadScenario =>
  withFailing(withFailures(readScenario(scenario), failures), failing)

/** Where pins are counted, and what words mean. */
export const schemeAndLayout = ({ scheme, layout }: Read<'scheme' | 'layout'>): { scheme: Scheme; layout: Layout } => ({
  scheme: schemeOf(or(scheme, 'refcount-bias'), 'options.scheme'),
  layout: layoutOf(or(layout, 'linux-6.12'), 'options.layout'),
})

/** As the scenario says, unless the options say otherwise. */
export function behaviourFor(read: ReadScenario, given: Behaved, scheme: Scheme, layout: Layout): NativeBehaviour {
  const own = read.behaviour as Behaved
  const told = behaviourKeys.some((key) => given[key] !== undefined)
  const both = Object.fromEntries(behaviourKeys.map((key) => [key, or(given[key], own[key])])) as Behaved
  return behaviourOf(both, told ? 'options' : 'scenario', scheme, layout)
}

/** What the options say, to repeat it. */
export const toldOf = (given: Behaved): Record<string, unknown> =>
  Object.fromEntries(behaviourKeys.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]))
export type Behaved = Read<(typeof behaviourKeys)[number]>

export const seedOf = (seed: unknown): bigint => (seed === undefined ? 1n : unsigned64(seed, 'options.seed'))

/** Threads of a written scenario are its own. */
export function threadsOf(read: ReadScenario, given: unknown, otherwise: number, most: number): number {
  if (read.lists === null) return given === undefined ? otherwise : integer(given, 'options.threads', 1, most)
  const own = read.lists.threads.length
  if (given !== undefined && given !== own)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.threads', given, `the threads of the scenario, ${own}`)
  if (own > most) throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'scenario.threads', own, `at most ${most} threads`)
  return own
}
