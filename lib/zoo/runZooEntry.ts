import { options } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import { replay } from '../engine/explore/replay.ts'
import type { ShrinkResult } from '../engine/explore/replayTypes.ts'
import { shrink } from '../engine/explore/shrink.ts'
import { type LongCall, longCall, longCallKeys, throwIfAborted, wasAborted } from '../engine/poll.ts'
import { explore } from '../engine/scenario/exploreScenario.ts'
import type { ExploreScenarioResult, Scenario } from '../engine/scenario/scenarioTypes.ts'
import { zooEntry } from './entries.ts'
import type { ZooAbsence, ZooBudget, ZooEntry, ZooFound, ZooOptions, ZooProgress, ZooResult } from './zooTypes.ts'

type Call = LongCall<ZooProgress>
/** An outcome and what broke: of the same kind is the same bug. */
interface End {
  readonly outcome: string
  readonly invariant: string
}
const isSame = (a: End, b: End): boolean => a.outcome === b.outcome && a.invariant === b.invariant

/** Each phase counts for itself; the seconds are the call's. */
const telling =
  ({ onProgress, ...call }: Call, begun: number, phase: ZooProgress['phase']) =>
  (): {
    signal: AbortSignal | undefined
    progressIntervalMs: number
    onProgress?: (told: { done: number; total: number | null }) => void
  } => ({
    signal: call.signal,
    progressIntervalMs: call.progressIntervalMs,
    ...(onProgress !== undefined && {
      onProgress: ({ done, total }: { done: number; total: number | null }) =>
        onProgress({ phase, done, total, seconds: (performance.now() - begun) / 1000 }),
    }),
  })

const exploring = (
  scenario: Scenario,
  { scheme, layout }: ZooEntry,
  quirks: readonly string[],
  { strategy, seed, schedules, bound, maxSteps }: ZooBudget,
  told: ReturnType<ReturnType<typeof telling>>,
): Promise<ExploreScenarioResult> =>
  explore(scenario, {
    scheme,
    layout,
    quirks,
    strategy,
    seed,
    samples: schedules,
    ...(bound !== undefined && { bound }),
    ...(maxSteps !== undefined && { maxSteps }),
    ...told,
  })

async function find(entry: ZooEntry, told: ReturnType<ReturnType<typeof telling>>): Promise<ZooFound | null> {
  const { first, seconds } = await exploring(entry.scenario, entry, entry.quirks, entry.budget, told)
  // Not at its end by then is no bug: somebody waits in a loop that the schedule never lets go on.
  const finding = first.find((each) => each.outcome !== 'limit')
  if (finding === undefined) return null
  const { run, outcome, row, text, token } = finding
  return { runs: run + 1, seconds, outcome, invariant: row?.invariant ?? '', text, token }
}

async function absence(
  entry: ZooEntry,
  shortest: ShrinkResult,
  told: ReturnType<ReturnType<typeof telling>>,
): Promise<ZooAbsence> {
  const result = await exploring(shortest.scenario, entry, [], entry.absence, told)
  const ends = result.first.map(({ outcome, row }) => ({ outcome, invariant: row?.invariant ?? '' }))
  return {
    absent: !ends.some((end) => isSame(end, shortest)),
    complete: result.complete,
    bound: result.bound,
    classes: result.classes,
    schedules: result.schedules,
    seconds: result.seconds,
    others: [
      ...new Set(ends.filter((end) => !isSame(end, shortest)).map((end) => `${end.outcome} ${end.invariant}`.trim())),
    ],
    guarantee: result.guarantee,
  }
}

/**
 * Finds a historic bug with its quirks on, makes it as short as it gets, repeats it from its token, and explores the
 * shortest scenario with the quirks off.
 *
 * An aborted call resolves with what it has and `stoppedBy: 'abort'`; one that has nothing rejects.
 *
 * @throws PageboxError `ERR_PAGEBOX_ARG_RANGE` for a name that is none.
 */
export async function runZooEntry(id: string, value: ZooOptions = {}): Promise<ZooResult> {
  const entry = zooEntry(id)
  const call = longCall<ZooProgress>('runZooEntry', options(value, 'options', longCallKeys))
  throwIfAborted(call)
  const begun = performance.now()
  const phase = (name: ZooProgress['phase']) => telling(call, begun, name)()
  const found = await find(entry, phase('find'))
  let shortest: ShrinkResult | null = null
  let replayed: boolean | null = null
  let fixed: ZooAbsence | null = null
  try {
    if (found !== null) {
      throwIfAborted(call)
      shortest = await shrink(found.token, {
        scenario: entry.scenario,
        without: entry.quirks,
        ...(entry.shrinkSamples !== undefined && { samples: entry.shrinkSamples }),
        ...phase('shrink'),
      })
      throwIfAborted(call)
      const again = await replay(shortest.token, { scenario: shortest.scenario, signal: call.signal })
      replayed = isSame(again, found) && again.text === shortest.text
      throwIfAborted(call)
      fixed = await absence(entry, shortest, phase('fixed'))
    }
  } catch (error) {
    if (!(error instanceof PageboxError) || error.code !== 'ERR_PAGEBOX_ABORTED') throw error
  }
  const isAborted = wasAborted(call.signal)
  return {
    entry,
    found,
    shortest,
    replayed,
    fixed,
    holds: found !== null && replayed === true && fixed?.absent === true && !isAborted,
    seconds: (performance.now() - begun) / 1000,
    stoppedBy: isAborted ? 'abort' : 'done',
  }
}
