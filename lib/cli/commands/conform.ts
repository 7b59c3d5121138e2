import type { Command } from 'commander'
import type { ConformResult } from '../../engine/recording/conformFiles.ts'
import type { ConformLevel } from '../../engine/recording/types.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { toJson } from '../json.ts'
import { Output } from '../output.ts'
import { integer, names } from '../parse.ts'
import { conformText, mismatchText } from '../text/conform.ts'
import { outcomeMismatchText, outcomesText } from '../text/outcomes.ts'
import { foreign } from '../text/foreign.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import { addShardOption, refuseWith, type ShardOptions } from '../shards/option.ts'
import type { Context } from './context.ts'

interface Options extends OwnOptions, ShardOptions {
  scheme: string
  layout: string
  rules?: string
  quirks?: string[]
  level: number
  only?: string
  show: number
  results?: string
  samples?: number
  json?: boolean
}

const examples = `
Examples:
  $ pagebox conform recordings/*.jsonl.gz
  $ pagebox conform handwritten.jsonl --only fork-pinned --level 3
  $ pagebox conform random.jsonl.gz --results ours.jsonl
  $ pagebox conform concurrent-A.jsonl.gz --samples 20000

Levels: 1 everything but page flags, 2 also the flags that carry meaning, 3 every flag.
Concurrent recordings (kind: outcomes) are explored: every outcome that the kernel gave must
be among those found, and every order of whole threads; more than that is no fault.
Exit code 1: an operation differs, an outcome is missing, or an audit was not clean. Operations that pagebox does
not have are counted and named.`

const kept = 1000

async function run(files: string[], options: Options, { io, exit }: Context): Promise<void> {
  const { checkNames } = await import('../behaviourNames.ts')
  checkNames(options)
  if (options.shard !== undefined) {
    refuseWith(options, options, ['results'])
    const { runPart } = await import('../shards/run.ts')
    const { scheme, layout, rules, quirks, only, samples } = options
    const asked = { files, scheme, layout, level: options.level, keep: kept, rules, quirks, only, samples }
    return runPart('conform', asked, options.shard, { json: options.json, recordings: files }, { io, exit })
  }
  const { conformFiles } = await import('../../engine/recording/conformFiles.ts')
  const level = options.level as ConformLevel
  const out = options.results === undefined ? undefined : new Output(options.results)
  let shown = 0
  let ended: ConformResult
  try {
    ended = await conformFiles(files, {
      scheme: options.scheme,
      layout: options.layout,
      level,
      keep: kept,
      signal: io.signal,
      ...(options.rules !== undefined && { rules: options.rules }),
      ...(options.quirks !== undefined && { quirks: options.quirks }),
      ...(options.only !== undefined && { only: options.only }),
      ...(options.samples !== undefined && { samples: options.samples }),
      ...(io.interactive && {
        onProgress: ({ done, file }: { done: number; file: string }) =>
          io.err(`\r\x1b[K${done} scenarios  ${foreign(file)}`),
      }),
      onOutcomes(_recording, { mismatches }) {
        const [first] = mismatches
        if (first === undefined || options.json || shown >= options.show) return
        shown += 1
        io.out(outcomeMismatchText(first, io))
      },
      onScenario(recording, ran, found) {
        out?.write(`${toJson({ ...recording, results: ran.results })}\n`)
        const first = found.find(({ explainedBy }) => explainedBy.length === 0)
        if (first === undefined || options.json || shown >= options.show) return
        shown += 1
        io.out(mismatchText(first, recording, level, io))
      },
    })
    // What was stopped is not all of it, and does not take the place of what is.
    if (ended.stoppedBy !== 'abort') out?.commit()
  } finally {
    if (io.interactive) io.err('\r\x1b[K')
    out?.discard()
  }
  const { stoppedBy, ...report } = ended
  if (options.json)
    io.out(`${toJson({ ...report, stoppedBy, level, scheme: options.scheme, layout: options.layout })}\n`)
  else {
    if (report.scenarios > 0 || report.outcomes === null) io.out(conformText(report, level, io))
    if (report.outcomes !== null) io.out(outcomesText(report.outcomes, io))
  }
  const { missing = 0, serialMissing = 0, setupDiffers = 0 } = report.outcomes ?? {}
  if (report.mismatched + missing + serialMissing + setupDiffers > 0 || report.dirty.length > 0) exit(exitCodes.finding)
  else if (stoppedBy === 'abort') exit(exitOfAbort(io.signal))
}

export function addConform(program: Command, context: Context): void {
  const command = addOwnOptions(program.command('conform'))
    .description('run recordings of a real kernel, and compare every result')
    .argument('<files...>', 'recordings, .jsonl or .jsonl.gz')
    .option('--scheme <name>', 'where pins are counted', 'refcount-bias')
    .option('--layout <name>', 'which word means what', 'linux-6.12')
    .option('--rules <kernel>', 'whose behaviour; by default that of the kernel that was recorded')
    .option('--quirks <names>', 'historic bugs to switch on, separated by commas', names)
    .option('--level <n>', 'how closely results are compared: 1, 2 or 3', integer(1, 3), 2)
    .option('--only <text>', 'scenarios whose name contains this')
    .option('--samples <n>', 'concurrent: schedules of a scenario that is not complete before', integer(4, 2 ** 31))
    .option('--show <n>', 'mismatches shown as diffs, one a scenario', integer(0, kept), 5)
    .option('--results <file>', 'write the scenarios with our results, in the recordings’ format')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
  addShardOption(command).action((files: string[], options: Options) =>
    withOwn(options, context.io, () => run(files, options, context)),
  )
}
