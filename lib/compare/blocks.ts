import { mean, median, sampleVariance } from './library.ts'
import type { Interval } from './interval.ts'
import { medianInterval } from './statistics.ts'
import { student95 } from './student.ts'

// Rounds that follow each other share their memory, their threads and what else the machine was doing, so a hundred
// of them know little more than ten. What varies between two measurements varies between blocks of rounds: each on
// descriptors of its own, some time apart, or in processes of their own. Blocks are what is counted here.

/** Raw times of one measurement, in ns per operation: rounds, and how many of them make each block, in order. */
export interface Rounds {
  samples: number[]
  blocks: number[]
}

/** A variance and how many degrees of freedom it was estimated with. */
export interface Spread {
  variance: number
  freedom: number
}

const cut = (samples: readonly number[], blocks: readonly number[]): number[][] => {
  let at = 0
  return blocks
    .map((length) => {
      at += length
      return samples.slice(at - length, at)
    })
    .filter((block) => block.length > 0)
}

/** One number a block: the logarithm of its median. Logarithms, since what slows a loop slows it by a factor. */
export const unitsOf = ({ samples, blocks }: Rounds): number[] =>
  cut(samples.map(Math.log), blocks).map((block) => median(block))

/** The same of the ratio to a loop of the same rounds: what slowed both for a moment falls out. */
export function ratioUnits(own: Rounds, reference: readonly number[]): number[] {
  const ratios = own.samples.map((ns, round) => ns / (reference[round] as number))
  return unitsOf({ samples: ratios, blocks: own.blocks })
}

export function spreadOf(units: readonly number[]): Spread {
  if (units.length < 2) return { variance: 0, freedom: 0 }
  return { variance: sampleVariance([...units]), freedom: units.length - 1 }
}

/** What several spreads have in common, weighted by what each knows. */
export function pooled(spreads: readonly Spread[]): Spread {
  const freedom = spreads.reduce((sum, each) => sum + each.freedom, 0)
  const squares = spreads.reduce((sum, each) => sum + each.freedom * each.variance, 0)
  return { variance: freedom === 0 ? 0 : squares / freedom, freedom }
}

/** How much the neighbours say about the spread of one: as much as five blocks of its own. */
const neighbours = 4

/**
 * A spread of few blocks, moderated by that of its neighbours (the same situation, other schemes): three blocks that
 * happen to agree are no proof of precision.
 */
export function moderated(own: Spread, others: Spread): Spread {
  const weight = Math.min(neighbours, others.freedom)
  const freedom = own.freedom + weight
  if (freedom === 0) return { variance: 0, freedom: 0 }
  return { variance: (own.freedom * own.variance + weight * others.variance) / freedom, freedom }
}

/**
 * The median of the samples with its 95 % interval, from the variance between blocks; with a single block, from its
 * rounds by resampling.
 */
export function blockInterval(
  samples: readonly number[],
  units: readonly number[],
  others: Spread,
  random: () => number,
): Interval {
  const spread = moderated(spreadOf(units), others)
  if (units.length < 2 || spread.freedom === 0) return medianInterval(samples, random)
  const centre = median([...samples])
  const factor = Math.exp(student95(spread.freedom) * Math.sqrt(spread.variance / units.length))
  return { median: centre, low: centre / factor, high: centre * factor }
}

export const meanOf = (units: readonly number[]): number => mean([...units])
