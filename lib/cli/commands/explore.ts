import { type Command, Option } from 'commander'
import { isRandom } from '../../engine/scenario/isRandom.ts'
import type { ExploreOptions, ExploreProgress, InjectedFailure, Scenario } from '../../engine/scenario/scenarioTypes.ts'
import { strategyFor } from '../../engine/explore/strategyFor.ts'
import { scenarioText } from '../../engine/explore/scenarioText.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { UsageError } from '../failure.ts'
import type { ExploredWhole } from '../../engine/explore/exploring.ts'
import { layoutArguments } from '../importedLayout.ts'
import { injectedFailure, withInjected } from '../injectedFailures.ts'
import type { Io } from '../io.ts'
import { toJson } from '../json.ts'
import {
  addLayoutOptions,
  addMachineOptions,
  behaviourOf,
  type LayoutOptions,
  type MachineOptions,
  withLayout,
} from '../machine.ts'
import { Output } from '../output.ts'
import { addOwnOptions, type OwnOptions, ownArguments, withOwn } from '../own/own.ts'
import { integer, pick, share } from '../parse.ts'
import { scenarioArgument, scenarioNamed } from '../scenarioFile.ts'
import { foreign } from '../text/foreign.ts'
import { addShardOption, refuseWith, type ShardOptions } from '../shards/option.ts'
import type { Context } from './context.ts'

interface Options extends LayoutOptions, MachineOptions, OwnOptions, ShardOptions {
  scheme: string
  strategy?: string
  bound?: number
  depth?: number
  samples?: number
  seed?: number
  workloadSeed?: number
  threads?: number
  ops?: number
  failing?: number
  fail?: readonly InjectedFailure[]
  maxSteps?: number
  outcomes?: boolean
  memory: string
  shrink: boolean
  save?: string
  html?: string
  json?: boolean
}

const examples = `
Examples:
  $ pagebox explore pins-against-migration               random schedules of random operations
  $ pagebox explore my-scenario.ts --strategy depth-first --samples 100000
  $ pagebox explore my-scenario.json --quirks put-for-unpin --html found.html
  $ pagebox explore devices --samples 20000 --seed 7 --json
  $ pagebox explore my-scenario.json --fail page:2       the second page that a thread wants is refused

The first schedule of each kind that ends badly is made as short as it gets: operations are left
out, then threads, then switches between them. Its scenario, its timeline and a token are printed;
pagebox replay TOKEN repeats it on any machine. Exit code 1: a schedule did not come out clean.
130: interrupted, 143: terminated; what was found until then is printed.`

/** Files that are written at the end, opened before the work. */
interface Outputs {
  readonly html: Output | undefined
  readonly save: Output | undefined
}

function watching(io: Io) {
  const say = (text: string): void => {
    if (io.interactive) io.err(`\r\x1b[K${text}`)
  }
  return {
    signal: io.signal,
    exploring: ({ done, total, seconds, explored }: ExploreProgress): void =>
      say(
        `${done} of ${total} schedules  ${Math.round(done / Math.max(seconds, 0.001))}/s${explored === null ? '' : `  about ${Math.round(explored * 100)} % of all`}`,
      ),
    shrinking: (tried: number, ops: number): void => say(`making it shorter: ${ops} operations, ${tried} tried`),
    end: (): void => {
      if (io.interactive) io.err('\r\x1b[K')
    },
  }
}

/** Parts of the command line are of a portfolio too: which strategy it is does not depend on them. */
const strategyOf = (scenario: Scenario, { strategy, bound, depth }: Options): string =>
  strategyFor(scenario, { strategy, bound, depth })

/** What is asked for, as the API takes it; what is not asked for is the API's to choose. */
function exploreOptions(scenario: Scenario, options: Options): ExploreOptions {
  const { scheme, layout, bound, depth, samples, seed, workloadSeed, threads, ops, maxSteps } = options
  // Results of random operations are as many as there are schedules.
  const outcomes = options.outcomes === true && !isRandom(scenario) ? true : undefined
  const asked = {
    ...behaviourOf(options),
    strategy: strategyOf(scenario, options),
    bound,
    depth,
    samples,
    seed,
    workloadSeed,
    threads,
    ops,
    maxSteps,
    outcomes,
  }
  const given = Object.entries(asked).filter(([, value]) => value !== undefined)
  return { scheme, layout, ...Object.fromEntries(given) } as ExploreOptions
}

/** With the share of operations that fail which the options say: it is part of what a token is of. */
function withFailing(scenario: Scenario, { failing }: Options): Scenario {
  if (failing === undefined) return scenario
  if (!isRandom(scenario)) throw new UsageError('--failing is for random scenarios; this one has lists')
  return { ...scenario, failing }
}

/** What a file needs beside its token. */
const filesOf = (options: Options): string[] => [
  ...(options.btf === undefined ? [] : [layoutArguments(options)]),
  ...ownArguments(options),
]

async function writeFiles(
  { html, save }: Outputs,
  explored: ExploredWhole,
  facts: { scenario: string },
): Promise<void> {
  const shortest = explored.kinds.find((kind) => kind.shortest !== null)?.shortest
  if (save !== undefined && shortest !== undefined && shortest !== null) {
    const { rules, quirks } = shortest
    const behaviour = { ...(rules !== '' && { rules }), ...(quirks.length > 0 && { quirks }) }
    save.write(`${scenarioText({ ...shortest.scenario, ...behaviour })}\n`)
    save.commit()
  }
  if (html === undefined) return
  const { timelinePage } = await import('../../report/timeline.ts')
  const { replay } = await import('../../index.ts')
  const results = []
  for (const { finding, shortest: short } of explored.kinds)
    results.push(short ?? (await replay(finding.token, { scenario: explored.scenario })))
  html.write(timelinePage(`explore ${facts.scenario}`, results))
  html.commit()
}

async function run(name: string, asked: Options, command: Command, { io, exit }: Context): Promise<void> {
  const options = await withLayout(asked, command)
  const { layouts, schemes } = await import('../../index.ts')
  const { tables } = await import('../../native/tables.ts')
  const { checkNames } = await import('../behaviourNames.ts')
  const { exploredScenarios } = await import('../../engine/explore/named.ts')
  pick([...schemes], options.scheme, 'scheme')
  pick([...layouts], options.layout, 'layout')
  checkNames(options)
  const strategies = tables().exploreStrategies
  if (options.strategy !== undefined)
    pick(
      strategies.map((each) => ({ name: each })),
      options.strategy,
      'strategy',
    )
  const found = (await scenarioNamed(name, exploredScenarios, io)) ?? pick(exploredScenarios, name, 'scenario')
  const scenario = await withInjected(withFailing(found, options), options.fail)
  if (options.shard !== undefined) {
    refuseWith(options, options, ['html', 'save'])
    const { runPart } = await import('../shards/run.ts')
    const asked = { ...exploreOptions(scenario, options), scenario, name, shrink: options.shrink }
    return runPart('explore', asked, options.shard, options, { io, exit })
  }
  const outputs: Outputs = {
    html: options.html === undefined ? undefined : new Output(options.html),
    save: options.save === undefined ? undefined : new Output(options.save),
  }
  const watch = watching(io)
  try {
    const { explored } = await import('../../engine/explore/exploring.ts')
    const { exploreDocument } = await import('../../engine/explore/document.ts')
    const { exploreText } = await import('../text/explore.ts')
    const found = await explored(
      scenario,
      exploreOptions(scenario, options),
      { shrink: options.shrink },
      watch,
    ).finally(watch.end)
    const { carriesScenario } = await import('../../engine/explore/token.ts')
    const facts = {
      scenario: name,
      scheme: options.scheme,
      layout: options.layout,
      strategy: strategyOf(scenario, options),
    }
    const repeat = (token: string, isShortest: boolean): string =>
      [
        'pagebox replay',
        token,
        ...(carriesScenario(token) ? [] : [isShortest ? (options.save ?? 'SHRUNK.json') : name]),
        ...filesOf(options),
      ].join(' ')
    if (options.json) io.out(`${toJson(exploreDocument(found, facts))}\n`)
    else io.out(exploreText(found, { ...facts, outcomes: options.outcomes === true, repeat }, io))
    if (found.kinds.length > 0) exit(exitCodes.finding)
    if (io.signal.aborted) exit(exitOfAbort(io.signal))
    // Printed before: a file that cannot be written loses nothing.
    await writeFiles(outputs, found, { scenario: foreign(name) })
  } finally {
    outputs.html?.discard()
    outputs.save?.discard()
  }
}

// How many at most says the API, which has it of the explorer.
const fromNone = integer(0, Number.MAX_SAFE_INTEGER)
const fromOne = integer(1, Number.MAX_SAFE_INTEGER)

export function addExplore(program: Command, context: Context): void {
  const command = addOwnOptions(program.command('explore'))
    .description('schedules of a scenario, each audited; what ends badly is made short and gets a token')
    .argument('<scenario>', scenarioArgument)
    .option('--scheme <name>', 'where pins are counted', 'refcount-bias')
  addMachineOptions(addLayoutOptions(command))
    .option(
      '--strategy <name>',
      'which schedules: portfolio (of written scenarios), dpor, depth-first, random (of random ones), pct, pos, urw, surw',
    )
    .option('--bound <n>', 'all schedules of so few preemptions, by depth-first', fromNone)
    .option('--depth <n>', 'how many ordered steps pct looks for', fromOne)
    .option('--samples <n>', 'schedules to run at most', fromOne)
    .option('--seed <n>', 'of the schedules', fromNone)
    .option('--workload-seed <n>', 'of random operations', fromNone)
    .option('--threads <n>', 'threads of a random scenario', fromOne)
    .option('--ops <n>', 'operations of each thread of a random scenario', fromOne)
    .option('--failing <share>', 'of random operations, drawn so that they fail (5%)', share)
    .option(
      '--fail <site>',
      'an allocation or copy that fails: page, table:2, copy:1:3@thread; may be repeated',
      injectedFailure,
    )
    .option('--max-steps <n>', 'steps after which a schedule is given up', fromOne)
    .option('--outcomes', 'how often schedules ended how; of written scenarios each distinct result, with a token')
    .addOption(
      new Option('--memory <model>', 'memory model: sc is sequentially consistent').choices(['sc']).default('sc'),
    )
    .option('--no-shrink', 'print what was found as it was found')
    .option('--save <file>', 'write the shortest scenario, as JSON')
    .option('--html <file>', 'write the timelines as one page with a step slider')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
  addShardOption(command).action((scenario: string, options: Options, command: Command) =>
    withOwn(options, context.io, () => run(scenario, options, command, context)),
  )
}
