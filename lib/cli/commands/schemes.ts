import type { Command } from 'commander'
import { count } from '../../compare/format.ts'
import { UsageError } from '../failure.ts'
import { toJson } from '../json.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import { pickMany } from '../parse.ts'
import { schemeText } from '../text/scheme.ts'
import { table } from '../text/table.ts'
import type { Context } from './context.ts'
import { addSchemesExploration, type ExplorationOptions, explorationOnly, exploreThem } from './schemesExplored.ts'

interface Options extends OwnOptions, ExplorationOptions {
  json?: boolean
}

async function run(names: string[], options: Options, context: Context): Promise<void> {
  const { io } = context
  if (options.explore === true) return exploreThem(names, options, context)
  const only = explorationOnly(options)
  if (only !== undefined) throw new UsageError(`${only} is for --explore`)
  const { pagebox } = await import('../subject.ts')
  const schemes = pickMany(pagebox.schemes, names.length === 0 ? undefined : names, 'scheme')
  if (options.json) {
    io.out(`${toJson({ schemes })}\n`)
    return
  }
  if (names.length > 0) {
    io.out(`${schemes.map((scheme) => schemeText(scheme, io)).join('\n\n')}\n`)
    return
  }
  const width = Math.min(io.columns, 100)
  const rows = schemes.map((scheme) => [
    scheme.name,
    scheme.where,
    String(scheme.countBits),
    scheme.answer,
    count(scheme.maxPins === null ? null : String(scheme.maxPins)),
    scheme.summary,
  ])
  io.out(
    `${table(
      [
        { head: 'scheme', width: 18 },
        { head: 'where' },
        { head: 'bits', align: 'right' },
        { head: 'answer' },
        { head: 'largest', align: 'right' },
        { head: 'what it is' },
      ],
      rows,
      { columns: width },
    )}\n`,
  )
}

const examples = `
Examples:
  $ pagebox schemes                                  what there is
  $ pagebox schemes packed-32                        one of them, with a definition to begin with
  $ pagebox schemes --scheme-file mine.json mine     one of your own
  $ pagebox schemes --explore                        what few threads can do to a page, in every schedule
  $ pagebox schemes --explore packed-64 --layout linux-4.20 --seconds 60
  $ pagebox schemes --json`

export function addSchemes(program: Command, context: Context): void {
  const command = addOwnOptions(program.command('schemes'))
    .description('the schemes: where each keeps its count, how exact it is, where it ends')
    .argument('[names...]', 'only these, with all that they say and their definition')
  addSchemesExploration(command)
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
    .action((names: string[], options: Options) => withOwn(options, context.io, () => run(names, options, context)))
}
