import { badArgument, oneOf } from '../base/args.ts'
import { counted, describe } from '../base/describe.ts'
import { explore } from '../engine/scenario/exploreScenario.ts'
import { isScenario } from '../engine/scenario/readScenario.ts'
import { scenarioText } from '../engine/explore/scenarioText.ts'
import { shrink } from '../engine/explore/shrink.ts'
import { timelineText } from '../engine/explore/timelineText.ts'
import { carriesScenario } from '../engine/explore/token.ts'
import { outcomeNames } from '../engine/scenario/outcome.ts'
import { tables } from '../native/tables.ts'
import type {
  ExploreOptions,
  ExploreScenarioResult,
  Finding,
  Outcome,
  Scenario,
} from '../engine/scenario/scenarioTypes.ts'
import type { MatcherResult } from './matcherResult.ts'

/** What an exploration of a test takes; seeds and samples are the environment's where they are not given. */
export type ExplorationOptions = Omit<ExploreOptions, 'signal' | 'onProgress' | 'progressIntervalMs'>

/** A nightly run explores more, and other schedules, without a change of the tests. */
const fromEnvironment = {
  seed: 'PAGEBOX_SEED',
  workloadSeed: 'PAGEBOX_WORKLOAD_SEED',
  samples: 'PAGEBOX_SAMPLES',
} as const

function environment(): ExplorationOptions {
  const found: Record<string, bigint | number> = {}
  for (const [option, name] of Object.entries(fromEnvironment)) {
    const text = process.env[name]
    if (text === undefined || text === '') continue
    if (!/^\d{1,20}$/.test(text)) throw badArgument('ERR_PAGEBOX_ARG_RANGE', name, text, 'a whole number')
    found[option] = option === 'samples' ? Number(text) : BigInt(text)
  }
  return found
}

/** Seeds of the environment are another night's; what a test asks for is its own. */
const optionsOf = (given: unknown): ExplorationOptions => {
  if (given !== undefined && (typeof given !== 'object' || given === null))
    throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'options', given, 'options of explore()')
  return { ...environment(), ...(given as ExplorationOptions | undefined) }
}

function scenarioOf(received: unknown, matcher: string): Scenario {
  if (isScenario(received)) return received
  throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'received', received, `a scenario: expect(scenario).${matcher}()`)
}

/** Everything that one needs to see what happened, and to see it again. */
async function failureText(finding: Finding, scenario: Scenario): Promise<string> {
  const shortest = await shrink(finding.token, { scenario })
  const command = carriesScenario(shortest.token)
    ? `npx pagebox replay ${shortest.token}`
    : `npx pagebox replay ${shortest.token} SCENARIO.json   (with the scenario above in that file)`
  return [
    `the shortest scenario that ends so (${counted(shortest.ops, 'operation')}, ${shortest.switches} switch${shortest.switches === 1 ? '' : 'es'}):`,
    scenarioText(shortest.scenario),
    '',
    timelineText(shortest),
    '',
    `token: ${shortest.token}`,
    `to repeat it: ${command}`,
  ].join('\n')
}

const worthOf = ({ guarantee, schedules, seed }: ExploreScenarioResult): string =>
  `${schedules} schedules, seed ${seed}; ${guarantee}`

/**
 * Passes if every schedule that is explored comes out clean. A failure prints the shortest scenario, its timeline,
 * a token and the command that repeats it.
 */
export async function toSurviveExploration(received: unknown, options?: ExplorationOptions): Promise<MatcherResult> {
  const scenario = scenarioOf(received, 'toSurviveExploration')
  const result = await explore(scenario, optionsOf(options))
  const [finding] = result.first
  if (finding === undefined)
    return {
      pass: true,
      message: () => `expected a schedule of '${scenario.name}' to end badly; none did: ${worthOf(result)}`,
    }
  const text = `expected '${scenario.name}' to survive; it did not:\n${String(result)}\n\n${await failureText(finding, scenario)}`
  return { pass: false, message: () => text, expected: 'clean', actual: finding.outcome }
}

/** How a schedule can come out, and which invariants can break. */
type Reached = Outcome | (string & {})

interface Reaching {
  readonly result: ExploreScenarioResult
  readonly scenario: Scenario
  readonly outcome: string
  readonly finding: Finding | undefined
  readonly reached: boolean
}

async function reach(received: unknown, outcome: unknown, options: unknown, matcher: string): Promise<Reaching> {
  const scenario = scenarioOf(received, matcher)
  const invariants = tables().invariants.map(({ name: each }) => each)
  const name = oneOf(outcome, 'outcome', [...outcomeNames, ...invariants])
  const result = await explore(scenario, optionsOf(options))
  const finding = result.first.find((each) => each.outcome === name || each.row?.invariant === name)
  const counts: Readonly<Record<string, number>> = result.outcomes
  const reached = finding !== undefined || (counts[name] ?? 0) > 0
  return { result, scenario, outcome: name, finding, reached }
}

/** Passes if a schedule comes out so: `'violation'`, `'deadlock'`, or with this invariant broken: `'pincount-exact'`. */
export async function toReach(
  received: unknown,
  outcome: Reached,
  options?: ExplorationOptions,
): Promise<MatcherResult> {
  const { result, scenario, outcome: name, finding, reached } = await reach(received, outcome, options, 'toReach')
  const text = finding === undefined ? '' : `\n\n${await failureText(finding, scenario)}`
  return {
    pass: reached,
    message: () =>
      reached
        ? `expected '${scenario.name}' not to reach ${describe(name)}; it does${text}`
        : `expected '${scenario.name}' to reach ${describe(name)}; it did not: ${worthOf(result)}`,
    expected: name,
    actual: Object.entries(result.outcomes).flatMap(([each, count]) => (count > 0 ? [each] : [])),
  }
}

/** Passes if no schedule that is explored comes out so. */
export async function toNeverReach(
  received: unknown,
  outcome: Reached,
  options?: ExplorationOptions,
): Promise<MatcherResult> {
  const { result, scenario, outcome: name, finding, reached } = await reach(received, outcome, options, 'toNeverReach')
  const text = finding === undefined ? '' : `\n\n${await failureText(finding, scenario)}`
  return {
    pass: !reached,
    message: () =>
      reached
        ? `expected '${scenario.name}' never to reach ${describe(name)}; it does${text}`
        : `expected '${scenario.name}' to reach ${describe(name)}; it did not: ${worthOf(result)}`,
    expected: `never ${name}`,
    actual: Object.entries(result.outcomes).flatMap(([each, count]) => (count > 0 ? [each] : [])),
  }
}
