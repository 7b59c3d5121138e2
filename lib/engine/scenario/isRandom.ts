import type { RandomScenario, Scenario } from './scenarioTypes.ts'

/** Whether its operations are drawn. As readScenario has it: a `mixes` of a module that is undefined is none. */
export const isRandom = (scenario: Scenario): scenario is RandomScenario =>
  (scenario as Partial<RandomScenario>).mixes !== undefined
