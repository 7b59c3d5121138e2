import { Argument, type Command } from 'commander'
import { type Shell, shells } from '../completion/shells.ts'
import { offered } from '../completion/tree.ts'
import { opScenarios } from '../../engine/scenario/builtin.ts'
import { pinScenarios } from '../../engine/stress/scenarios.ts'
import type { Context } from './context.ts'

async function run(shell: Shell, program: Command, { io }: Context): Promise<void> {
  const { layouts, pageTypes, schemes, zoo } = await import('../../index.ts')
  const { tables } = await import('../../native/tables.ts')
  const scenario = [...pinScenarios, ...opScenarios].map(({ name }) => name)
  const values = {
    scheme: schemes.names,
    layout: layouts.names,
    type: pageTypes,
    scenario,
    entry: zoo().map(({ id }) => id),
    strategy: tables().exploreStrategies,
  }
  io.out(shells[shell](offered(program, values)))
}

export function addCompletion(program: Command, context: Context): void {
  program
    .command('completion')
    .description('a script that completes commands, options and names in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(shells)))
    .addHelpText(
      'after',
      `
Examples:
  $ pagebox completion bash > pagebox.bash   then, in ~/.bashrc: source pagebox.bash
  $ pagebox completion zsh > _pagebox        in a folder of $fpath
  $ pagebox completion fish > pagebox.fish   in ~/.config/fish/completions`,
    )
    .action((shell: Shell) => run(shell, program, context))
}
