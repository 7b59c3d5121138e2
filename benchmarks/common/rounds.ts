import type { Interval } from '../../lib/compare/interval.ts'
import { interleave, type Series } from '../../lib/compare/rounds.ts'
import { medianInterval, ratioInterval, seededRandom } from '../../lib/compare/statistics.ts'
import type { CostSampler } from '../../lib/index.ts'
import { cpuNs } from './clock.ts'
import type { BenchOptions } from './options.ts'

export type { Series } from '../../lib/compare/rounds.ts'

/** What series have cost, in ns per operation. */
export interface Measured<Name extends string> {
  time(name: Name): Interval
  /** Paired by round. */
  ratio(name: Name, against: Name): Interval
  difference(name: Name, against: Name): Interval
}

/** Times named series in interleaved rounds. */
export async function measure<Name extends string>(
  series: Record<Name, Series>,
  options: BenchOptions,
): Promise<Measured<Name>> {
  const names = Object.keys(series) as Name[]
  const times = await interleave(Object.values<Series>(series), {
    rounds: options.rounds,
    sampleMs: options.sampleMs,
    signal: undefined,
  })
  const random = seededRandom(options.seed)
  const of = (name: Name): number[] => times[names.indexOf(name)] as number[]
  return {
    time: (name) => medianInterval(of(name), random),
    ratio: (name, against) => ratioInterval(of(name), of(against), random),
    difference(name, against) {
      const below = of(against)
      return medianInterval(
        of(name).map((ns, round) => ns - (below[round] as number)),
        random,
      )
    },
  }
}

/** JavaScript that does `ops` operations, as a series of CPU times. */
export const timed = (body: (ops: number) => void): Series => ({
  // Enough for the compiler.
  warmUpOps: 2 ** 17,
  maxOps: Number.MAX_SAFE_INTEGER,
  sample(ops) {
    const begin = cpuNs()
    body(ops)
    return { ns: cpuNs() - begin, ops }
  },
})

/** A loop in native code. */
export const native = (sampler: CostSampler, warmUpOps = 4096): Series => ({
  warmUpOps,
  maxOps: Number.MAX_SAFE_INTEGER,
  sample: (ops) => sampler.sample(ops),
})

/** Medians of numbers that were not taken by `measure`. */
export const summary = (samples: readonly number[], options: BenchOptions): Interval =>
  medianInterval(samples, seededRandom(options.seed))
