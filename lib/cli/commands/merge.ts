import type { Command } from 'commander'
import { exitCodes } from '../exit.ts'
import { toJson } from '../json.ts'
import { Output } from '../output.ts'
import { UsageError } from '../failure.ts'
import type { Context } from './context.ts'

interface Options {
  partial?: boolean
  html?: string
  json?: boolean
}

const examples = `
Examples:
  $ pagebox explore devices --samples 9000 --shard 1/2 --json > 1.json
  $ pagebox explore devices --samples 9000 --shard 2/2 --json > 2.json
  $ pagebox merge 1.json 2.json            as one machine would have printed it
  $ pagebox merge 1.json 2.json --json     the document of the command itself
  $ pagebox merge 1.json --partial         of a run that goes on: what is there

Shards of stress, explore, zoo, conform and compare are joined: counts, latencies, results and
findings, the same fault once with its shortest token. Documents of other versions, commands or
options, shards that are there twice and missing ones are refused by name. Exit code as of the
command: 1, there is a finding.`

async function run(files: string[], options: Options, { io, exit }: Context): Promise<void> {
  const { readDocument } = await import('../shards/readFile.ts')
  const { joinShards } = await import('../../shards/merge.ts')
  const { pageOf, printText } = await import('../shards/print.ts')
  const html = options.html === undefined ? undefined : new Output(options.html)
  try {
    const joined = joinShards(files.map(readDocument), { names: files, allowMissing: options.partial === true })
    const { merged } = joined
    if (options.json === true) io.out(`${toJson(merged.document)}\n`)
    else {
      if (merged.missing.length > 0)
        io.out(`${merged.of - merged.missing.length} of ${merged.of} parts; the others are not in it.\n\n`)
      await printText(joined, io)
    }
    if (merged.findings.length > 0) exit(exitCodes.finding)
    if (html === undefined) return
    const page = await pageOf(joined)
    if (page === undefined) throw new UsageError(`--html: ${merged.command} has no page`)
    html.write(page)
    html.commit()
  } finally {
    html?.discard()
  }
}

export function addMerge(program: Command, context: Context): void {
  program
    .command('merge')
    .description('join the documents of shards: what one machine would have printed')
    .argument('<files...>', 'documents of --shard I/N --json, one of each shard')
    .option('--partial', 'some may be missing')
    .option('--html <file>', 'the page that the command would have written')
    .option('--json', 'one JSON document on standard output, as of the command itself')
    .addHelpText('after', examples)
    .action((files: string[], options: Options) => run(files, options, context))
}
