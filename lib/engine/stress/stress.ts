import type { RaceBox, RaceOptions, RaceProgress, RaceResult } from '../raceTypes.ts'
import { PageboxError } from '../../errors.ts'
import { StressSeries } from './series.ts'
import { StressTotal } from './total.ts'

export interface StressPlan {
  box: RaceBox
  threads: number
  mix: NonNullable<RaceOptions['mix']>
  pattern: NonNullable<RaceOptions['pattern']>
  /** Infinity: until something is found. */
  seconds: number
  seed: number
  affinity: boolean
  /** At most so long is a slice, ten seconds unless told. */
  sliceSeconds?: number
  /** Of a run that is shared: which of its slices, of `sliceSeconds` each, are run here. */
  slices?: { from: number; to: number }
}

export interface StressOutcome {
  total: StressTotal
  /** The same over time. */
  series: StressSeries
  /** Seed and length of the slice whose audit was not clean, or in which an operation met what no kernel writes. */
  failed: { seed: number; seconds: number } | undefined
}

type Race = (box: RaceBox, options: RaceOptions) => Promise<RaceResult>

export interface StressHooks {
  signal: AbortSignal
  onProgress(progress: RaceProgress, before: StressTotal): void
  onSlice(total: StressTotal): void
}

/** Operations that met a word which no kernel would write: what the kernel has assertions for. */
const corruptOf = (result: RaceResult): number => result.ops.reduce((sum, op) => sum + (op.failures.CORRUPT ?? 0), 0)

/** Undefined: it was stopped before there was a result; what earlier slices have found stays. */
async function unlessAborted(signal: AbortSignal, result: Promise<RaceResult>): Promise<RaceResult | undefined> {
  try {
    return await result
  } catch (error) {
    if (signal.aborted && error instanceof PageboxError && error.code === 'ERR_PAGEBOX_ABORTED') return undefined
    throw error
  }
}

/** A slice ends in an audit of all pages; this is how long a fault can stay unseen. */
export const longestSlice = 10

/**
 * Races in slices until time is up, the signal aborts or an audit is not
 * clean. Each slice starts from fresh pages and has a seed of its own, so a
 * fault of the third hour is repeated in seconds.
 */
export async function stress(race: Race, plan: StressPlan, hooks: StressHooks): Promise<StressOutcome> {
  const total = new StressTotal()
  const series = new StressSeries()
  const sliceSeconds = plan.sliceSeconds ?? longestSlice
  const { from, to } = plan.slices ?? { from: 0, to: Number.POSITIVE_INFINITY }
  for (let slice = from; slice < to && !hooks.signal.aborted; slice++) {
    const seconds = plan.slices === undefined ? Math.min(sliceSeconds, plan.seconds - total.seconds) : sliceSeconds
    if (plan.slices === undefined && seconds <= 0.01 && slice > 0) break
    const seed = (plan.seed + slice) >>> 0
    const result = await unlessAborted(
      hooks.signal,
      race(plan.box, {
        threads: plan.threads,
        mix: plan.mix,
        pattern: plan.pattern,
        affinity: plan.affinity,
        seconds,
        seed,
        signal: hooks.signal,
        onProgress: (progress) => hooks.onProgress(progress, total),
      }),
    )
    if (result === undefined) break
    total.add(result)
    series.add(result, process.memoryUsage.rss())
    hooks.onSlice(total)
    if (!result.audit.clean || corruptOf(result) > 0) return { total, series, failed: { seed, seconds } }
  }
  return { total, series, failed: undefined }
}
