import os from 'node:os'
import type { Command } from 'commander'
import type { RaceOptions } from '../../engine/raceTypes.ts'
import type { PageType } from '../../page/layout.ts'
import { argsOf, commandLine } from '../commandLine.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { Output } from '../output.ts'
import { UsageError } from '../failure.ts'
import { failureArguments, injectedFailure, withInjected } from '../injectedFailures.ts'
import { layoutArguments } from '../importedLayout.ts'
import type { Io } from '../io.ts'
import { toJson } from '../json.ts'
import {
  addLayoutOptions,
  addMachineOptions,
  behaviourFlags,
  behaviourOf,
  checkBehaved,
  type LayoutOptions,
  type MachineOptions,
  withLayout,
} from '../machine.ts'
import { integer, mix, pick, positive, share } from '../parse.ts'
import { isRandom } from '../../engine/scenario/isRandom.ts'
import type { InjectedFailure, Scenario } from '../../engine/scenario/scenarioTypes.ts'
import { scenarioArgument, scenarioNamed } from '../scenarioFile.ts'
import { stressJson } from '../../engine/stress/document.ts'
import { opRace } from '../../engine/stress/opRace.ts'
import { opScenarios } from '../../engine/scenario/builtin.ts'
import { type PinScenario, pinScenarios } from '../../engine/stress/scenarios.ts'
import { longestSlice, type StressOutcome, type StressPlan, stress } from '../../engine/stress/stress.ts'
import type { StressTotal } from '../../engine/stress/total.ts'
import { foreign } from '../text/foreign.ts'
import { stressText } from '../text/stress.ts'
import { addOwnOptions, type OwnOptions, ownArguments, withOwn } from '../own/own.ts'
import { addShardOption, refuseWith, type ShardOptions } from '../shards/option.ts'
import type { Context } from './context.ts'

interface Options extends LayoutOptions, MachineOptions, OwnOptions, ShardOptions {
  scheme: string
  type: string
  order: number
  pages: number
  threads: number
  seconds?: number
  hours?: number
  untilFail?: boolean
  seed: number
  mix?: Record<string, number>
  failing?: number
  fail?: readonly InjectedFailure[]
  pattern: string
  ledger: boolean
  affinity?: boolean
  html?: string
  json?: boolean
}

const examples = `
Examples:
  $ pagebox stress                                       ten seconds, all cores
  $ pagebox stress pins-against-reclaim --scheme lru-overlay --threads 4
  $ pagebox stress --mix 'pin=4,unpin=4,get+put=1' --pattern hot --hours 1
  $ pagebox stress --until-fail --pages 1 --threads 2 --scheme lru-overlay --quirks double-last-unpin

  $ pagebox stress mm --seconds 60                       address spaces, with a chaos thread
  $ pagebox stress devices --mix 'touch=2,device=1'      every thread draws from one mix
  $ pagebox stress mm --failing 30%                      more of them on what is not there
  $ pagebox stress devices --hours 8 --html night.html   rates, latencies and failures over time
  $ pagebox stress my-scenario.json                      a scenario from a file
  $ pagebox stress my-scenario.json --fail page:2        the second page that each thread wants is refused

A run is audited every ten seconds. Exit code 1: an audit was not clean, or an operation met
a word that no kernel would write; the seed and the
command that repeats it are printed; operations are audited after each round of a quarter of a
second. Runs beyond two minutes write a JSON line a minute to standard error. With --html a run
is cut into at least forty slices, and the page shows them over time. 130:
interrupted, 143: terminated; the results until then are printed.`

const longSeconds = 120
/** Of the page, at least; shorter slices than the second have no rate worth drawing. */
const fewestSlices = 40
const shortestSlice = 0.5
const lineEverySeconds = 60

/** What a run that is drawn is cut into. */
function sliceOf({ seconds, hours, untilFail }: Options): number {
  if (untilFail) return longestSlice
  const all = seconds ?? (hours === undefined ? 10 : hours * 3600)
  return Math.min(longestSlice, Math.max(shortestSlice, all / fewestSlices))
}

function planOf(scenario: PinScenario, options: Options): StressPlan {
  const { seconds, hours, untilFail, order, pages } = options
  if ([seconds, hours, untilFail].filter((each) => each !== undefined).length > 1) {
    throw new UsageError('--seconds, --hours and --until-fail exclude each other')
  }
  return {
    box: {
      scheme: options.scheme,
      layout: options.layout,
      pageType: options.type as PageType,
      order,
      pages,
      ledger: options.ledger,
      ...behaviourOf(options),
    },
    threads: options.threads,
    mix: (options.mix ?? scenario.mix) as StressPlan['mix'],
    pattern: options.pattern as NonNullable<RaceOptions['pattern']>,
    seconds: untilFail ? Number.POSITIVE_INFINITY : (seconds ?? (hours === undefined ? 10 : hours * 3600)),
    seed: options.seed,
    affinity: options.affinity === true,
    ...(options.html !== undefined && { sliceSeconds: sliceOf(options) }),
  }
}

/** The command that runs one slice again. */
function repeatCommand(scenario: PinScenario, options: Options, seed: number, seconds: number): string {
  const parts = ['pagebox stress', scenario.name]
  parts.push(`--scheme ${options.scheme}`, layoutArguments(options), `--type ${options.type}`)
  parts.push(`--order ${options.order}`, `--pages ${options.pages}`, `--threads ${options.threads}`)
  parts.push(`--pattern ${options.pattern}`, `--seconds ${seconds}`, `--seed ${seed}`)
  if (options.mix) {
    const weights = Object.entries(options.mix).map(([op, weight]) => `${op}=${weight}`)
    parts.push(`--mix '${weights.join(',')}'`)
  }
  parts.push(...behaviourFlags(options))
  if (!options.ledger) parts.push('--no-ledger')
  if (options.affinity) parts.push('--affinity')
  parts.push(...ownArguments(options))
  return parts.join(' ')
}

const millions = (count: number): string => `${(count / 1e6).toFixed(1)} M`

/** A live line for who looks on, a JSON line a minute for a log. */
function reporter(io: Io, plan: StressPlan) {
  let lastLine = 0
  return {
    onProgress(progress: { seconds: number; ops: number }, before: StressTotal): void {
      if (!io.interactive) return
      const seconds = before.seconds + progress.seconds
      const ops = before.ops + progress.ops
      const of = Number.isFinite(plan.seconds) ? ` of ${plan.seconds}` : ''
      io.err(`\r\x1b[K${seconds.toFixed(1)}${of} s  ${millions(ops)} operations  ${millions(ops / seconds)}/s`)
    },
    onSlice(total: StressTotal): void {
      if (io.interactive || plan.seconds <= longSeconds || total.seconds - lastLine < lineEverySeconds) return
      lastLine = total.seconds
      const line = {
        seconds: Math.round(total.seconds),
        ops: total.ops,
        failures: total.failures,
        useful: total.useful,
        audit: total.dirty === undefined ? 'clean' : 'dirty',
        residentBytes: process.memoryUsage.rss(),
      }
      io.err(`${toJson(line)}\n`)
    },
    end(): void {
      if (io.interactive) io.err('\r\x1b[K')
    },
  }
}

/** Options that only pins have. */
const pinOptions = ['type', 'order', 'pattern', 'ledger'] as const

/** A named scenario of operations, or one from a file; undefined: pins. */
async function opScenarioOf(name: string, options: Options, io: Io): Promise<Scenario | undefined> {
  const scenario = await scenarioNamed(name, opScenarios, io)
  const { mix, failing, fail } = options
  if (scenario === undefined) {
    const option = failing === undefined ? '--fail' : '--failing'
    if (failing !== undefined || fail !== undefined)
      throw new UsageError(`${option} is for scenarios of operations, not of pins`)
    return scenario
  }
  if (mix === undefined && failing === undefined) return withInjected(scenario, fail)
  if (!isRandom(scenario)) {
    const option = mix === undefined ? '--failing' : '--mix'
    throw new UsageError(`${option} is for random scenarios; the threads of this one have lists`)
  }
  const asked = {
    ...scenario,
    ...(mix !== undefined && { mixes: scenario.mixes.map(() => mix) }),
    ...(failing !== undefined && { failing }),
  }
  return withInjected(asked, fail)
}

interface Planned {
  plan: StressPlan
  /** As data: a scenario of operations with its machine; null: pins. */
  ops: { scenario: Scenario; machine: object } | null
  repeat(seed: number, seconds: number): string
  race: Parameters<typeof stress>[0]
  /** What the room analysis says against it, before it begins. */
  warnings: readonly string[]
}

/** Threads as asked for, or all cores, as far as the engine goes: one limit, which the addon has. */
function threadsOf(options: Options, given: boolean, most: number): number {
  if (!given) return Math.min(options.threads, most)
  if (options.threads <= most) return options.threads
  throw new UsageError(`--threads ${options.threads}: this scenario runs on 1 to ${most} threads`)
}

async function planPins(name: string, asked: Options, command: Command): Promise<Planned> {
  const scenario = pick([...pinScenarios, ...opScenarios], name, 'scenario') as PinScenario
  const { layouts, pageTypes, race, schemes } = await import('../../index.ts')
  const { roomWarnings, tables } = await import('../stress/engine.ts')
  const given = command.getOptionValueSource('threads') === 'cli'
  const options = { ...asked, threads: threadsOf(asked, given, tables().maxThreads) }
  pick([...schemes], options.scheme, 'scheme')
  pick([...layouts], options.layout, 'layout')
  pick(
    pageTypes.map((each) => ({ name: each })),
    options.type,
    'page type',
  )
  await checkBehaved(options)
  return {
    plan: planOf(scenario, options),
    ops: null,
    repeat: (seed, seconds) => repeatCommand(scenario, options, seed, seconds),
    race,
    warnings: roomWarnings(options.scheme, options.layout, [options.type as PageType], options.order),
  }
}

async function planOps(name: string, scenario: Scenario, options: Options, command: Command): Promise<Planned> {
  const given = (option: string): boolean => command.getOptionValueSource(option) === 'cli'
  for (const option of pinOptions) if (given(option)) throw new UsageError(`--${option} is for scenarios of pins`)
  const { layouts, race, readScenario, roomWarnings, schemes, tables, typesOf } = await import('../stress/engine.ts')
  pick([...schemes], options.scheme, 'scheme')
  pick([...layouts], options.layout, 'layout')
  await checkBehaved(options)
  const sized = given('pages') ? { ...scenario, pages: options.pages } : scenario
  const { lists, mixes } = readScenario(sized)
  if (lists !== null && given('threads')) throw new UsageError('--threads: the scenario has its own')
  const most = tables().maxScenarioThreads
  const threads =
    lists?.threads.length ?? (given('threads') ? threadsOf(options, true, most) : Math.max(2, mixes.length))
  const { scheme, layout } = options
  const plan = planOf({ name, summary: '', mix: {} }, { ...options, threads })
  const parts = ['pagebox stress', name, `--scheme ${scheme} ${layoutArguments(options)}`]
  if (lists === null) parts.push(`--threads ${threads}`)
  if (given('pages')) parts.push(`--pages ${options.pages}`)
  if (options.mix) {
    const weights = Object.entries(options.mix).map(([op, weight]) => `${op}=${weight}`)
    parts.push(`--mix '${weights.join(',')}'`)
  }
  if (options.failing !== undefined) parts.push(`--failing ${options.failing}`)
  parts.push(...failureArguments(options.fail))
  parts.push(...behaviourFlags(options))
  parts.push(...ownArguments(options))
  const machine = { scheme, layout, threads, ...behaviourOf(options) }
  return {
    plan: { ...plan, mix: (lists === null ? { ...mixes } : {}) as StressPlan['mix'] },
    ops: { scenario: sized, machine },
    repeat: (seed, seconds) => [...parts, `--seconds ${seconds} --seed ${seed}`].join(' '),
    race: opRace(race, sized, machine),
    warnings: roomWarnings(scheme, layout, typesOf(sized, layout)),
  }
}

async function run(name: string, asked: Options, command: Command, { io, exit }: Context): Promise<void> {
  const options = await withLayout(asked, command)
  const scenario = await opScenarioOf(name, options, io)
  const planned =
    scenario === undefined ? await planPins(name, options, command) : await planOps(name, scenario, options, command)
  for (const warning of planned.warnings) io.err(`pagebox: warning: ${foreign(warning)}\n`)
  if (options.shard !== undefined) {
    refuseWith(options, options, ['html', 'untilFail'])
    const { runPart } = await import('../shards/run.ts')
    const { plan, warnings, ops, repeat } = planned
    // Marks that stand for what only a slice has; its numbers are not these.
    const command = repeat(-1, -2).replace('--seconds -2', '--seconds {seconds}').replace('--seed -1', '--seed {seed}')
    return runPart('stress', { name, plan, warnings, ops, repeat: command }, options.shard, options, { io, exit })
  }
  const report = reporter(io, planned.plan)
  const page = options.html === undefined ? undefined : new Output(options.html)
  try {
    const { failed } = await stressed(name, planned, options, page, command, { io, exit }, report)
    if (failed !== undefined) exit(exitCodes.finding)
    else if (io.signal.aborted) exit(exitOfAbort(io.signal))
  } finally {
    page?.discard()
  }
}

async function stressed(
  name: string,
  planned: Planned,
  options: Options,
  page: Output | undefined,
  command: Command,
  { io }: Context,
  report: ReturnType<typeof reporter>,
): Promise<StressOutcome> {
  const outcome = await stress(planned.race, planned.plan, { ...report, signal: io.signal }).finally(() => report.end())
  const { failed } = outcome
  const repeat = failed === undefined ? '' : planned.repeat(failed.seed, failed.seconds)
  const { plan, warnings } = planned
  if (options.json)
    io.out(`${toJson(stressJson({ name, plan, warnings, complete: !io.signal.aborted, repeat }, outcome))}\n`)
  else io.out(stressText(outcome, repeat, io))
  // Printed before: a file that cannot be written loses nothing.
  if (page !== undefined) {
    const { stressDocument } = await import('../stress/page.ts')
    const { stressPage } = await import('../../report/stress.ts')
    page.write(stressPage(stressDocument(name, planned.plan, outcome, commandLine(argsOf(command)))))
    page.commit()
  }
  return outcome
}

export function addStress(program: Command, context: Context): void {
  const stressed = program
    .command('stress')
    .description('native threads against each other at full speed: pins, address spaces, devices; then an audit')
    .argument('[scenario]', `what the threads do: ${scenarioArgument}`, 'pins')
    .option('--scheme <name>', 'where pins are counted', 'refcount-bias')
  addLayoutOptions(addOwnOptions(stressed))
    .option('--type <type>', 'page type', 'anon')
    .option('--order <n>', 'order of the compound pages, 0 for single ones', integer(0, 10), 0)
    .option('--pages <n>', 'pages that the threads choose from', integer(1, 2 ** 28), 4096)
    .option('--threads <n>', 'native threads', integer(1, Number.MAX_SAFE_INTEGER), os.availableParallelism())
    .option('--seconds <n>', 'how long (10)', positive)
    .option('--hours <n>', 'how long', positive)
    .option('--until-fail', 'until something is found')
    .option('--seed <n>', 'of the choices of all threads', integer(0, 2 ** 32 - 1), 1)
    .option('--mix <weights>', 'operations and their weights, instead of the scenario’s', mix)
    .option('--failing <share>', 'of the operations, drawn so that they fail (5%)', share)
    .option(
      '--fail <site>',
      'an allocation or copy that fails, counted for each thread and in each round alone: page, table:2, copy:1:3@thread; may be repeated',
      injectedFailure,
    )
    .option('--pattern <name>', 'how pages are chosen: sequential, random, zipf, hot', 'random')
  addMachineOptions(stressed)
    .option('--no-ledger', 'without the account of who pinned what; the audit then knows less')
    .option('--affinity', 'bind each thread to a CPU')
    .option('--html <file>', 'a page of its own: rates, latencies and failures over time')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
  addShardOption(stressed).action((scenario: string, options: Options, command: Command) =>
    withOwn(options, context.io, () => run(scenario, options, command, context)),
  )
}
