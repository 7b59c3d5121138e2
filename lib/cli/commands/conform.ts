import type { Command } from 'commander'
import type { ConformLevel, Recording } from '../../engine/recording/types.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { toJson } from '../json.ts'
import { Output } from '../output.ts'
import { integer } from '../parse.ts'
import { conformText, mismatchText } from '../text/conform.ts'
import { foreign } from '../text/foreign.ts'
import type { Context } from './context.ts'

interface Options {
  scheme: string
  layout: string
  level: number
  only?: string
  show: number
  results?: string
  json?: boolean
}

const examples = `
Examples:
  $ pagebox conform recordings/*.jsonl.gz
  $ pagebox conform handwritten.jsonl --only fork-pinned --level 3
  $ pagebox conform random.jsonl.gz --results ours.jsonl

Levels: 1 everything but page flags, 2 also the flags that carry meaning, 3 every flag.
Exit code 1: an operation differs, or an audit was not clean. Operations that pagebox does
not have are counted and named.`

const kept = 1000

async function run(files: string[], options: Options, { io, exit }: Context): Promise<void> {
  const { ConformTally } = await import('../../engine/recording/conform.ts')
  const { readRecordings } = await import('../../engine/recording/read.ts')
  const { runRecording } = await import('../../engine/recording/runRecording.ts')
  const level = options.level as ConformLevel
  const tally = new ConformTally(level, kept)
  const out = options.results === undefined ? undefined : new Output(options.results)
  let shown = 0
  let done = 0
  try {
    for (const file of files) {
      for await (const recording of readRecordings(file, io.signal)) {
        if (io.signal.aborted) break
        if (options.only !== undefined && !recording.name.includes(options.only)) continue
        const ran = runRecording(recording, { scheme: options.scheme, layout: options.layout })
        const found = tally.add(file, recording, ran)
        out?.write(`${toJson({ ...recording, results: ran.results })}\n`)
        const first = found.find(({ explainedBy }) => explainedBy.length === 0)
        if (first !== undefined && !options.json && shown < options.show) {
          shown += 1
          io.out(mismatchText(first, recording as Recording, level, io))
        }
        done += 1
        if (io.interactive && done % 20 === 0) io.err(`\r\x1b[K${done} scenarios  ${foreign(file)}`)
      }
    }
    // What was stopped is not all of it, and does not take the place of what is.
    if (!io.signal.aborted) out?.commit()
  } finally {
    if (io.interactive) io.err('\r\x1b[K')
    out?.discard()
  }
  const report = tally.report()
  if (options.json) io.out(`${toJson({ ...report, level, scheme: options.scheme, layout: options.layout })}\n`)
  else io.out(conformText(report, level, io))
  if (report.mismatched > 0 || report.dirty.length > 0) exit(exitCodes.finding)
  else if (io.signal.aborted) exit(exitOfAbort(io.signal))
}

export function addConform(program: Command, context: Context): void {
  program
    .command('conform')
    .description('run recordings of a real kernel, and compare every result')
    .argument('<files...>', 'recordings, .jsonl or .jsonl.gz')
    .option('--scheme <name>', 'where pins are counted', 'refcount-bias')
    .option('--layout <name>', 'which word means what', 'linux-6.12')
    .option('--level <n>', 'how closely results are compared: 1, 2 or 3', integer(1, 3), 2)
    .option('--only <text>', 'scenarios whose name contains this')
    .option('--show <n>', 'mismatches shown as diffs, one a scenario', integer(0, kept), 5)
    .option('--results <file>', 'write the scenarios with our results, in the recordings’ format')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
    .action((files: string[], options: Options) => run(files, options, context))
}
