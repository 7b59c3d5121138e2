import type { Command } from 'commander'
import { toJson } from '../json.ts'
import { opScenarios } from '../../engine/scenario/builtin.ts'
import { pinScenarios } from '../../engine/stress/scenarios.ts'
import { table, wrap } from '../text/table.ts'
import type { Context } from './context.ts'

function run(options: { json?: boolean }, { io }: Context): void {
  if (options.json) {
    io.out(`${toJson({ scenarios: [...pinScenarios, ...opScenarios] })}\n`)
    return
  }
  const weights = (mix: object): string =>
    Object.entries(mix)
      .map(([op, weight]) => `${op}=${weight}`)
      .join(', ')
  const rows = [
    ...pinScenarios.map(({ name, summary, mix }) => [name, wrap(summary, 44), wrap(weights(mix), 30)]),
    ...opScenarios.map(({ name, summary, mixes }) => [
      name,
      wrap(summary, 44),
      wrap(mixes.map((mix, i) => `thread ${i}: ${weights(mix)}`).join('; '), 30),
    ]),
  ]
  io.out(
    `${table([{ head: 'scenario', width: 24 }, { head: 'what happens' }, { head: 'mix' }], rows, { columns: Math.min(io.columns, 100) })}\n`,
  )
}

export function addScenarios(program: Command, context: Context): void {
  program
    .command('scenarios')
    .description('the scenarios that stress runs and explore explores')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  $ pagebox scenarios\n  $ pagebox stress pins-against-reclaim --threads 4\n  $ pagebox explore pins-against-reclaim --scheme lru-overlay',
    )
    .action((options: { json?: boolean }) => run(options, context))
}
