import type { Scenario, StrategyName } from '../scenario/scenarioTypes.ts'

/**
 * Which strategy an exploration has that is not told: all classes of a scenario that is written down, as far as
 * the samples go; of random operations many programs, a schedule of each.
 */
export const strategyFor = (scenario: Scenario): StrategyName => ('mixes' in scenario ? 'random' : 'portfolio')
