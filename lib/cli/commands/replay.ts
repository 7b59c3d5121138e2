import type { Command } from 'commander'
import { exitCodes } from '../exit.ts'
import { UsageError } from '../failure.ts'
import { type BtfOptions, btfHelp, importedLayout, kconfigHelp } from '../importedLayout.ts'
import { toJson } from '../json.ts'
import { Output } from '../output.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import { scenarioArgument, scenarioNamed } from '../scenarioFile.ts'
import { foreignLines } from '../text/foreign.ts'
import type { Context } from './context.ts'

interface Options extends BtfOptions, OwnOptions {
  all?: boolean
  html?: string
  json?: boolean
}

const examples = `
Examples:
  $ pagebox replay TOKEN                        a scenario that pagebox has, or one so short that the token carries it
  $ pagebox replay TOKEN my-scenario.json       any other
  $ pagebox replay TOKEN --html schedule.html   the same as a page with a step slider

A token repeats one schedule of one scenario, scheme, layout, rules and quirks, with this version of
pagebox; what differs is named and nothing runs. Exit code 1: the schedule does not come out clean.`

async function run(token: string, name: string | undefined, options: Options, { io, exit }: Context): Promise<void> {
  await importedLayout(options)
  const { replay } = await import('../../index.ts')
  const { exploredScenarios } = await import('../../engine/explore/named.ts')
  const scenario = name === undefined ? undefined : await scenarioNamed(name, exploredScenarios, io)
  if (name !== undefined && scenario === undefined)
    throw new UsageError(`there is no scenario ${JSON.stringify(name)}; give the file that the token was made with`)
  const html = options.html === undefined ? undefined : new Output(options.html)
  try {
    const result = await replay(token, { ...(scenario !== undefined && { scenario }), signal: io.signal })
    const { replayDocument } = await import('../../engine/explore/document.ts')
    const { timelineText } = await import('../../engine/explore/timelineText.ts')
    if (options.json) io.out(`${toJson(replayDocument(result))}\n`)
    else io.out(`${foreignLines(timelineText(result, { columns: io.columns, all: options.all === true }))}\n`)
    if (result.outcome !== 'clean') exit(exitCodes.finding)
    if (html === undefined) return
    const { timelinePage } = await import('../../report/timeline.ts')
    html.write(timelinePage(`replay of '${result.scenario.name}'`, [result]))
    html.commit()
  } finally {
    html?.discard()
  }
}

export function addReplay(program: Command, context: Context): void {
  addOwnOptions(program.command('replay'))
    .description('one schedule again, step by step, from the token that explore printed')
    .argument('<token>', 'as explore printed it')
    .argument('[scenario]', `what it is a schedule of, where the token does not carry it: ${scenarioArgument}`)
    .option('--btf <file>', `where the token is of ${btfHelp}`)
    .option('--kconfig <file>', kconfigHelp)
    .option('--all', 'steps on the sandbox’s own books too')
    .option('--html <file>', 'write the timeline as one page with a step slider')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
    .action((token: string, scenario: string | undefined, options: Options) =>
      withOwn(options, context.io, () => run(token, scenario, options, context)),
    )
}
