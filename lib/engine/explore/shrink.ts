import { array, badArgument, integer, oneOf, options } from '../../base/args.ts'
import { PageboxError } from '../../errors.ts'
import type { NativeExploreResult, NativeFinding } from '../../native/engineBinding.ts'
import { longCall, longCallKeys, wasAborted } from '../poll.ts'
import { pollExplore } from '../pollEngines.ts'
import { checked } from '../scenario/settings.ts'
import { exploreMachine, startExploring } from '../scenario/exploreScenario.ts'
import { readScenario } from '../scenario/readScenario.ts'
import { isRandom } from '../scenario/isRandom.ts'
import type { ExploreProgress, ScenarioOp, WrittenScenario } from '../scenario/scenarioTypes.ts'
import { withText } from '../withText.ts'
import { oneSchedule, opsOf, replayKeys, resultOf, subjectOfToken } from './replay.ts'
import type { ShrinkOptions, ShrinkProgress, ShrinkResult } from './replayTypes.ts'
import { renumbered, sizeOf, smaller } from './smaller.ts'
import type { Subject } from './subject.ts'
import { timelineText } from './timelineText.ts'
import { readToken } from './token.ts'

const shrinkKeys = [...replayKeys, ...longCallKeys.filter((key) => key !== 'signal'), 'samples', 'without'] as const
const defaultSamples = 1000
const mostSamples = 1_000_000

/** A schedule that ends as badly. */
interface Bad {
  readonly subject: Subject
  readonly scenario: WrittenScenario
  readonly choices: readonly number[]
  /** Of its schedule. */
  readonly steps: number
}

const isSame = (a: NativeFinding, b: NativeFinding): boolean =>
  a.outcome === b.outcome && a.row?.invariant === b.row?.invariant && (a.outcome !== 'assertion' || a.text === b.text)

/** What random operations of one program were, as a scenario that is written down. Null: they cannot be. */
function written({ read, threads }: Subject, { setup, trace }: NativeFinding): WrittenScenario | null {
  if (!isRandom(read.source)) return read.source
  const lists = Array.from({ length: threads }, (): ScenarioOp[] => [])
  for (const line of trace) {
    const [, thread, op] = /^thread (\d+) begins (\{.*\})$/s.exec(line) ?? []
    if (op !== undefined) lists[Number(thread) - 1]?.push(JSON.parse(op) as ScenarioOp)
  }
  const { name, pages } = read.source
  const scenario: WrittenScenario = {
    name: `${name}, shrunk`,
    ...(pages !== undefined && { pages }),
    setup: setup.map((op) => JSON.parse(op) as ScenarioOp),
    threads: lists.map((ops, i) => ({ name: `thread ${i + 1}`, ops })),
  }
  try {
    readScenario(scenario)
    return scenario
  } catch (error) {
    if (error instanceof PageboxError) return null
    throw error
  }
}

function nth<T>(all: Iterable<T>, at: number): T | undefined {
  let left = at
  for (const each of all) if (left-- === 0) return each
  return undefined
}

class Shrinking {
  readonly #samples: number
  readonly #signal: AbortSignal | undefined
  readonly #wanted: NativeFinding
  readonly #without: readonly string[]
  tried = 0

  constructor(wanted: NativeFinding, samples: number, without: readonly string[], signal: AbortSignal | undefined) {
    this.#wanted = wanted
    this.#without = without
    this.#samples = samples
    this.#signal = signal
  }

  /** The scenario under the schedule that another one had, as far as it goes; else whatever is found. */
  async try(subject: Subject, scenario: WrittenScenario, choices: readonly number[]): Promise<Bad | undefined> {
    const bad = await this.#badOf(subject, scenario, choices)
    return bad === undefined || (await this.#endsSoAnyway(bad.subject)) ? undefined : bad
  }

  /** Then it does not show what the quirks do. */
  async #endsSoAnyway(subject: Subject): Promise<boolean> {
    if (this.#without.length === 0) return false
    const { behaviour } = subject
    const quirks = behaviour.quirks.filter((name) => !this.#without.includes(name))
    const { first } = await this.#search({ ...subject, behaviour: { ...behaviour, quirks } })
    return first.some((each) => isSame(each, this.#wanted))
  }

  async #badOf(subject: Subject, scenario: WrittenScenario, choices: readonly number[]): Promise<Bad | undefined> {
    this.tried++
    const found = { ...subject, read: readScenario(scenario), threads: scenario.threads.length }
    const guided = await oneSchedule('shrink', found, 0, choices, this.#signal)
    const badOf = ({ choices: now, steps }: NativeFinding): Bad => ({
      subject: found,
      scenario,
      choices: now,
      steps: steps.length,
    })
    if (isSame(guided, this.#wanted)) return badOf(guided)
    const { first } = await this.#search(found)
    const finding = first.find((each) => isSame(each, this.#wanted))
    if (finding === undefined) return undefined
    return badOf(await oneSchedule('shrink', found, 0, finding.choices, this.#signal))
  }

  async #search(subject: Subject): Promise<NativeExploreResult> {
    const { read } = subject
    const settings = {
      ...exploreMachine(subject),
      schedules: this.#samples,
      firstRun: 0,
      schedulesEach: 0,
      strategy: 'portfolio',
      seed: 1n,
      findings: 1,
    }
    const begun = startExploring(settings, read)
    const call = longCall<ExploreProgress>('shrink', {
      signal: this.#signal,
      onProgress: undefined,
      progressIntervalMs: undefined,
    })
    const { found } = await pollExplore(begun, call, this.#samples, (ended) => checked(ended, read.name))
    return found
  }
}

/** Too many operations, barriers that no longer meet, an abort: no scenario that is smaller. */
const isRefusal = (error: unknown): boolean =>
  error instanceof PageboxError && ['ERR_PAGEBOX_SCENARIO', 'ERR_PAGEBOX_ABORTED'].includes(error.code)

/**
 * Makes what a token repeats as short as it gets: operations are left out, then threads, then switches between
 * them, until no single change is left that ends as badly (the same outcome, of the same invariant). A function
 * of the token and of `samples` alone; nothing is decided by time.
 *
 * An aborted call resolves with the shortest that it has and `stoppedBy: 'abort'`.
 *
 * @throws PageboxError as `replay`; `ERR_PAGEBOX_ARG_RANGE` for a token of a schedule that is clean.
 */
export async function shrink(token: string, value: ShrinkOptions = {}): Promise<ShrinkResult> {
  const given = options(value, 'options', shrinkKeys)
  const call = longCall<ShrinkProgress>('shrink', given)
  const samples =
    given.samples === undefined ? defaultSamples : integer(given.samples, 'options.samples', 1, mostSamples)
  const parts = readToken(token, 'token')
  const without =
    given.without === undefined
      ? []
      : array(given.without, 'options.without', (quirk, where) => oneOf(quirk, where, parts.quirks))
  const { subject, forget } = subjectOfToken(parts, given as never)
  try {
    const begun = performance.now()
    const first = await oneSchedule('replay', subject, parts.program, parts.choices, call.signal)
    if (first.outcome === 'clean')
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'token', token, 'a token of a schedule that is not clean')
    const shrinking = new Shrinking(first, samples, without, call.signal)
    const scenario = written(subject, first)
    let best: Bad | undefined
    try {
      if (scenario !== null) best = await shrinking.try(subject, scenario, first.choices)
      // Where one was found, the search goes on from there; a round without any is the last.
      for (let at = 0, isLast = false; best !== undefined && !isLast; at = 0) {
        isLast = true
        for (;;) {
          const bad: Bad = best
          const next = nth(smaller(bad.scenario), at)
          if (next === undefined) break
          let found: Bad | undefined
          try {
            found = await shrinking.try(bad.subject, next, renumbered(bad.choices, bad.scenario, next))
          } catch (error) {
            if (!isRefusal(error) || wasAborted(call.signal)) throw error
          }
          call.onProgress?.({
            seconds: (performance.now() - begun) / 1000,
            done: shrinking.tried,
            total: null,
            ops: sizeOf(found?.scenario ?? bad.scenario),
          })
          // A setup with less in it leaves more to the threads.
          const isLonger = found !== undefined && opsOf(found.subject) === opsOf(bad.subject) && found.steps > bad.steps
          if (found === undefined || isLonger) at++
          else {
            best = found
            isLast = false
          }
        }
      }
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
    const aborted = wasAborted(call.signal)
    const of = best?.subject ?? subject
    const program = best === undefined ? parts.program : 0
    // What there is by now is told, whatever the signal says.
    const last = await oneSchedule(
      aborted ? 'replay' : 'shrink',
      of,
      program,
      best?.choices ?? first.choices,
      aborted ? undefined : call.signal,
    )
    const result: ShrinkResult = {
      ...resultOf(of, program, last),
      ops: opsOf(of),
      stoppedBy: aborted ? 'abort' : 'shortest',
      tried: shrinking.tried,
    }
    return withText(result, () => timelineText(result))
  } finally {
    forget()
  }
}
