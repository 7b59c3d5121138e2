import type { Command } from 'commander'
import type { ZooEntry, ZooProgress, ZooResult } from '../../zoo/zooTypes.ts'
import { PageboxError } from '../../errors.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import type { Io } from '../io.ts'
import { toJson } from '../json.ts'
import { Output } from '../output.ts'
import { pick } from '../parse.ts'
import { addShardOption, refuseWith, type ShardOptions } from '../shards/option.ts'
import type { Context } from './context.ts'

interface Options extends ShardOptions {
  list?: boolean
  save?: string
  html?: string
  json?: boolean
}

const examples = `
Examples:
  $ pagebox zoo                                   runs them all: about half a minute
  $ pagebox zoo --list                            what there is, and what cannot be shown
  $ pagebox zoo dirty-cow                         one of them: what happened, and how, step by step
  $ pagebox zoo dirty-cow --html dirty-cow.html   the same schedule as a page with a step slider

Each bug is switched on, found, made as short as it gets and repeated from its token; then the
shortest scenario is explored without it. Exit code 1: one was not found, or not absent.
130: interrupted, 143: terminated; what was done until then is printed.`

const says = {
  find: 'looking',
  shrink: 'making it shorter',
  replay: 'repeating it',
  fixed: 'exploring without the bug',
}

/** Null: stopped before it had anything. */
async function ran(entry: ZooEntry, io: Io): Promise<ZooResult | null> {
  const { runZooEntry } = await import('../../index.ts')
  const onProgress = ({ phase, done }: ZooProgress): void => {
    if (io.interactive) io.err(`\r\x1b[K${entry.id}: ${says[phase]}, ${done}`)
  }
  try {
    return await runZooEntry(entry.id, { signal: io.signal, onProgress })
  } catch (error) {
    if (error instanceof PageboxError && error.code === 'ERR_PAGEBOX_ABORTED') return null
    throw error
  } finally {
    if (io.interactive) io.err('\r\x1b[K')
  }
}

async function run(id: string | undefined, options: Options, { io, exit }: Context): Promise<void> {
  const { zoo, zooOmissions } = await import('../../index.ts')
  const { zooDocument, zooListDocument } = await import('../../zoo/document.ts')
  const { zooEntryText, zooListText, zooTable } = await import('../text/zoo.ts')
  const entries = id === undefined ? zoo() : [zoo().find((each) => each.id === pick(named(zoo()), id, 'entry').name)]
  const wanted = entries.filter((entry) => entry !== undefined)
  if (options.list === true) {
    io.out(
      options.json === true
        ? `${toJson(zooListDocument(wanted, zooOmissions()))}\n`
        : zooListText(wanted, id === undefined ? zooOmissions() : [], io),
    )
    return
  }
  if (options.shard !== undefined) {
    refuseWith(options, options, ['html', 'save'])
    const { runPart } = await import('../shards/run.ts')
    return runPart('zoo', { entries: wanted.map((entry) => entry.id) }, options.shard, options, { io, exit })
  }
  const html = options.html === undefined ? undefined : new Output(options.html)
  const save = options.save === undefined ? undefined : new Output(options.save)
  try {
    const results: ZooResult[] = []
    for (const entry of wanted) {
      if (io.signal.aborted) break
      const result = await ran(entry, io)
      if (result !== null) results.push(result)
    }
    if (options.json === true) io.out(`${toJson(zooDocument(results))}\n`)
    else if (id === undefined) io.out(zooTable(zooDocument(results).entries, wanted.length, io))
    else for (const result of results) io.out(await zooEntryText(result, options.save, io))
    if (results.some(({ holds, stoppedBy }) => !holds && stoppedBy === 'done')) exit(exitCodes.finding)
    if (io.signal.aborted) exit(exitOfAbort(io.signal))
    // Printed before: a file that cannot be written loses nothing.
    await write(results, save, html)
  } finally {
    html?.discard()
    save?.discard()
  }
}

const named = (all: readonly ZooEntry[]): { name: string }[] => all.map(({ id }) => ({ name: id }))

async function write(results: readonly ZooResult[], save: Output | undefined, html: Output | undefined): Promise<void> {
  const shortest = results.flatMap((result) => (result.shortest === null ? [] : [result.shortest]))
  const [only] = shortest
  if (save !== undefined && only !== undefined) {
    const { scenarioText } = await import('../../engine/explore/scenarioText.ts')
    save.write(`${scenarioText({ ...only.scenario, quirks: [...only.quirks] })}\n`)
    save.commit()
  }
  if (html === undefined || shortest.length === 0) return
  const { timelinePage } = await import('../../report/timeline.ts')
  html.write(timelinePage(results.length === 1 ? (results[0]?.entry.title ?? 'zoo') : 'historic bugs', shortest))
  html.commit()
}

export function addZoo(program: Command, context: Context): void {
  const command = program
    .command('zoo')
    .description('historic bugs of the kernel: each found, made short, repeated, and absent once it is fixed')
    .argument('[entry]', 'one of them; --list has their names')
    .option('--list', 'what there is, without running it')
    .option('--save <file>', 'write the shortest scenario of the entry, as JSON')
    .option('--html <file>', 'write the timelines as one page with a step slider')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
  addShardOption(command).action((entry: string | undefined, options: Options) => run(entry, options, context))
}
