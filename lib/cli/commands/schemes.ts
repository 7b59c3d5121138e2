import type { Command } from 'commander'
import { count } from '../../compare/format.ts'
import { toJson } from '../json.ts'
import { table } from '../text/table.ts'
import type { Context } from './context.ts'

async function run(options: { json?: boolean }, { io }: Context): Promise<void> {
  const { pagebox } = await import('../subject.ts')
  if (options.json) {
    io.out(`${toJson({ schemes: pagebox.schemes })}\n`)
    return
  }
  const width = Math.min(io.columns, 100)
  const rows = pagebox.schemes.map((scheme) => [
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

export function addSchemes(program: Command, context: Context): void {
  program
    .command('schemes')
    .description('the schemes: where each keeps its count, how exact it is, where it ends')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', '\nExamples:\n  $ pagebox schemes\n  $ pagebox schemes --json')
    .action((options: { json?: boolean }) => run(options, context))
}
