import { badArgument, options, type Read } from '../../base/args.ts'
import { PageboxError } from '../../errors.ts'
import type { NativeFinding } from '../../native/engineBinding.ts'
import type { Layout } from '../../page/layout.ts'
import { layoutOf } from '../../page/layouts.ts'
import { rulesText } from '../../page/rules.ts'
import { behaviourKeys, behaviourOf } from '../../pins/behaviour.ts'
import type { Scheme } from '../../pins/scheme.ts'
import { forgetScheme, schemeOf } from '../../pins/schemes.ts'
import { longCall, signalOf, throwIfAborted } from '../poll.ts'
import { pollExplore } from '../pollEngines.ts'
import { checked } from '../scenario/settings.ts'
import { exploreMachine, startExploring } from '../scenario/exploreScenario.ts'
import { type ReadScenario, readScenario } from '../scenario/readScenario.ts'
import type { ExploreProgress, Outcome } from '../scenario/scenarioTypes.ts'
import { withText } from '../withText.ts'
import type { ReplayOptions, ReplayResult } from './replayTypes.ts'
import {
  layoutHash,
  layoutOfToken,
  namedScenario,
  scenarioHash,
  schemeHash,
  schemeOfToken,
  type Subject,
  tokenOf,
} from './subject.ts'
import { timelineText } from './timelineText.ts'
import { brokeAt, pageIn, tell } from './timelineModel.ts'
import { differs, readToken, type TokenParts } from './token.ts'

export const replayKeys = ['scenario', 'scheme', 'layout', 'signal', ...behaviourKeys] as const
type Given = Read<(typeof replayKeys)[number]>

/** One native call of a schedule, by its choices. */
export async function oneSchedule(
  task: 'replay' | 'shrink',
  subject: Subject,
  program: number,
  choices: readonly number[],
  signal: AbortSignal | undefined,
): Promise<NativeFinding> {
  const { read } = subject
  const settings = {
    ...exploreMachine(subject),
    schedules: 1,
    firstRun: program,
    schedulesEach: 1,
    strategy: 'random',
    seed: 1n,
    task,
    choices: Float64Array.from(choices),
  }
  const call = longCall<ExploreProgress>(task, { signal, onProgress: undefined, progressIntervalMs: undefined })
  throwIfAborted(call)
  const begun = startExploring(settings, read)
  const { found } = await pollExplore(begun, call, 1, (ended) => checked(ended, read.name))
  const [finding] = found.first
  if (finding === undefined) throw new PageboxError('ERR_PAGEBOX_INTERNAL', `${task}: no schedule came back`)
  return finding
}

const threadNames = ({ read, threads }: Subject): string[] =>
  read.lists?.threads.map(({ name }) => name) ?? Array.from({ length: threads }, (_, i) => `thread ${i + 1}`)

/** Operations as they are written, bodies of repeats among them. */
export const opsOf = ({ read, threads, ops }: Subject): number =>
  read.lists === null ? threads * ops : read.lists.threads.reduce((sum, list) => sum + list.ops.length, 0)

/** What a schedule that came back says, for people. */
export function resultOf(subject: Subject, program: number, finding: NativeFinding): ReplayResult {
  const { read, scheme, layout, behaviour } = subject
  const told = tell(finding, threadNames(subject))
  const outcome = finding.outcome as Outcome
  const page = pageIn(finding.text)
  const result: ReplayResult = {
    outcome,
    text: finding.text,
    invariant: finding.row?.invariant ?? '',
    page,
    broke: brokeAt({ outcome, page, text: finding.text }, told.steps),
    scenario: read.source,
    scheme: scheme.name,
    layout: layout.name,
    rules: behaviour.rules,
    quirks: behaviour.quirks,
    ...told,
    ops: opsOf(subject),
    switches: finding.switches,
    skipped: finding.skipped,
    token: tokenOf(subject, program, finding.choices),
  }
  return withText(result, () => timelineText(result))
}

/** What was given has to be what the token says. */
function readGiven(given: Given, parts: TokenParts, differences: string[]): ReadScenario | undefined {
  if (given.scheme !== undefined) {
    const scheme = schemeOf(given.scheme, 'options.scheme')
    if (scheme.name !== parts.scheme.name || schemeHash(scheme) !== parts.scheme.hash)
      differences.push(`scheme: '${parts.scheme.name}' in the token, '${scheme.name}' given`)
  }
  if (given.layout !== undefined) {
    const layout = layoutOf(given.layout, 'options.layout')
    if (layoutHash(layout) !== parts.layout.hash)
      differences.push(`layout: '${parts.layout.name}' in the token, '${layout.name}' given`)
  }
  if (given.scenario === undefined) return undefined
  const scenario = readScenario(given.scenario)
  if (scenarioHash(scenario) !== parts.scenario.hash)
    differences.push(`scenario: '${parts.scenario.name}' in the token; '${scenario.name}' does something else`)
  return scenario
}

function compareBehaviour(
  given: Given,
  { rules, quirks, options }: TokenParts,
  scheme: Scheme,
  layout: Layout,
): string[] {
  const told = behaviourKeys.some((key) => given[key] !== undefined)
  if (!told) return []
  // Other rules may not fit the layout: that they are others is what is to be said.
  const otherRules = given.rules === undefined ? rules : rulesText(given.rules, 'options.rules')
  const asked = { ...given, ...(otherRules !== rules && { rules: undefined }) } as Given
  const wanted = behaviourOf(asked, 'options', scheme, layout)
  const words = (list: readonly string[]): string => (list.length === 0 ? 'none' : list.join(', '))
  return [
    ...(otherRules !== rules
      ? [`rules: ${rules === '' ? "the layout's" : rules} in the token, ${otherRules} given`]
      : []),
    ...(given.quirks !== undefined && [...wanted.quirks].sort().join() !== [...quirks].sort().join()
      ? [`quirks: ${words(quirks)} in the token, ${words(wanted.quirks)} given`]
      : []),
    ...(behaviourKeys.some((key) => key !== 'rules' && key !== 'quirks' && given[key] !== undefined) &&
    [...wanted.options].sort().join() !== [...options].sort().join()
      ? [`options: ${words(options)} in the token, ${words(wanted.options)} given`]
      : []),
  ]
}

function scenarioOfToken({ scenario }: TokenParts): ReadScenario | string | undefined {
  const { name, from, carried } = scenario
  if (from === 'given') return carried === undefined ? undefined : readScenario(carried)
  const named = namedScenario(name)
  if (named === undefined) return `scenario: there is no '${name}' here`
  return scenarioHash(named) === scenario.hash ? named : `scenario: '${name}' does something else here`
}

/** What a token is of, with what is given beside it. `forget` takes back a scheme that it carried. */
export function subjectOfToken(parts: TokenParts, given: Given): { subject: Subject; forget: () => void } {
  const differences: string[] = []
  const scenario = readGiven(given, parts, differences)
  const own = scenario ?? scenarioOfToken(parts)
  if (typeof own === 'string') differences.push(own)
  const layout = layoutOfToken(parts)
  if (typeof layout === 'string') differences.push(layout)
  const found = schemeOfToken(parts)
  if (typeof found === 'string') differences.push(found)
  const forget = (): void => {
    if (typeof found !== 'string' && found.carried) forgetScheme(found.scheme.name)
  }
  try {
    if (own === undefined)
      throw badArgument(
        'ERR_PAGEBOX_REPLAY_DIFFERS',
        'options.scenario',
        undefined,
        `the scenario '${parts.scenario.name}', of which the token has a hash alone`,
      )
    if (typeof own === 'string' || typeof layout === 'string' || typeof found === 'string')
      throw differs('token', differences, parts.scenario.name)
    const { scheme } = found
    const flags = Object.fromEntries(parts.options.map((name) => [name, true]))
    const { rules, quirks } = parts
    const asked = { ...(rules !== '' && { rules }), quirks, ...flags } as unknown as Given
    const behaviour = behaviourOf(asked, 'token', scheme, layout)
    differences.push(...compareBehaviour(given, parts, scheme, layout))
    if (differences.length > 0) throw differs('token', differences, parts.scenario.name)
    const { random, workloadSeed, maxSteps } = parts
    const sizes = { threads: random?.threads ?? own.lists?.threads.length ?? 0, ops: random?.ops ?? 1 }
    return { subject: { read: own, scheme, layout, behaviour, ...sizes, workloadSeed, maxSteps }, forget }
  } catch (error) {
    forget()
    throw error
  }
}

/**
 * Repeats one schedule, step by step: the same on every machine and with every version of Node. The text of
 * the result is its timeline.
 *
 * @throws PageboxError `ERR_PAGEBOX_REPLAY_TOKEN` for what is no token, `ERR_PAGEBOX_REPLAY_VERSION` for one of
 * another version, `ERR_PAGEBOX_REPLAY_DIFFERS` where scenario, scheme, layout, rules or quirks are others.
 */
export async function replay(token: string, value: ReplayOptions = {}): Promise<ReplayResult> {
  const given = options(value, 'options', replayKeys)
  const parts = readToken(token, 'token')
  const { subject, forget } = subjectOfToken(parts, given)
  try {
    const finding = await oneSchedule(
      'replay',
      subject,
      parts.program,
      parts.choices,
      signalOf(given.signal, 'options.signal'),
    )
    if (finding.differs)
      throw differs('token', ['the schedule: threads cannot go on as its choices say'], parts.scenario.name)
    return resultOf(subject, parts.program, finding)
  } finally {
    forget()
  }
}
