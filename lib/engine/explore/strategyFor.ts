import { isRandom } from '../scenario/isRandom.ts'
import type { Scenario, StrategyName } from '../scenario/scenarioTypes.ts'

/** What an exploration is told that only one strategy can mean. */
interface Told {
  readonly strategy?: unknown
  readonly bound?: unknown
  readonly depth?: unknown
  readonly shard?: unknown
  readonly firstRun?: unknown
}

/**
 * Which strategy an exploration has. One that is not told: a bound is depth-first's, a depth pct's, a part of what is to be
 * visited dpor's, and runs with numbers are random; otherwise all classes of a scenario that is written down, as far as the
 * samples go, and of random operations many programs, a schedule of each.
 */
export function strategyFor(scenario: Scenario, { strategy, bound, depth, shard, firstRun }: Told): StrategyName {
  if (strategy !== undefined) return strategy as StrategyName
  if (bound !== undefined) return 'depth-first'
  if (depth !== undefined) return 'pct'
  if (shard !== undefined) return 'dpor'
  return firstRun !== undefined || isRandom(scenario) ? 'random' : 'portfolio'
}
