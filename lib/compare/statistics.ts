import { median, quantileSorted, sampleWithReplacement } from './library.ts'
import type { Interval } from './interval.ts'

/** Resamples behind each interval. 400 put the ends within about 1 % of their limit. */
const resamples = 400

/** Seeded numbers in [0, 1), so that a document can be computed again from its samples. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * The median with its 95 % bootstrap interval (percentile method).
 *
 * @throws RangeError without samples: a missing measurement is no measurement of zero.
 */
export function medianInterval(samples: readonly number[], random: () => number): Interval {
  if (samples.length === 0) throw new RangeError('no samples')
  const medians: number[] = []
  for (let i = 0; i < resamples; i++) {
    medians.push(median(sampleWithReplacement([...samples], samples.length, random)))
  }
  medians.sort((a, b) => a - b)
  return {
    median: median([...samples]),
    low: quantileSorted(medians, 0.025),
    high: quantileSorted(medians, 0.975),
  }
}

/**
 * The ratio of two series that were measured in the same rounds. Pairing by
 * round takes out what slowed the whole machine for a moment.
 */
export function ratioInterval(
  numerator: readonly number[],
  denominator: readonly number[],
  random: () => number,
): Interval {
  const rounds = Math.min(numerator.length, denominator.length)
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const below = denominator[round] as number
    if (below > 0) ratios.push((numerator[round] as number) / below)
  }
  return medianInterval(ratios, random)
}

/**
 * The ratio of two medians that come from different runs, of which only the
 * intervals are left. The errors are independent and times are positive, so
 * they add as squares of logarithms.
 */
export function quotient(now: Interval, before: Interval): Interval {
  const ratio = now.median / before.median
  const log = (above: number, below: number): number => (below > 0 ? Math.log(above / below) : 0)
  return {
    median: ratio,
    low: ratio * Math.exp(-Math.hypot(log(now.median, now.low), log(before.high, before.median))),
    high: ratio * Math.exp(Math.hypot(log(now.high, now.median), log(before.median, before.low))),
  }
}
