import { Command } from 'commander'
import { addCompare } from './commands/compare.ts'
import { addCompletion } from './commands/completion.ts'
import type { Context } from './commands/context.ts'
import { addConform } from './commands/conform.ts'
import { addDecode } from './commands/decode.ts'
import { addExplore } from './commands/explore.ts'
import { addFleet } from './commands/fleet.ts'
import { addLayout } from './commands/layout.ts'
import { addMerge } from './commands/merge.ts'
import { addReplay } from './commands/replay.ts'
import { addQuirks, addRules } from './commands/rules.ts'
import { addScenarios } from './commands/scenarios.ts'
import { addSearch } from './commands/search.ts'
import { addSchemes } from './commands/schemes.ts'
import { addStress } from './commands/stress.ts'
import { addZoo } from './commands/zoo.ts'
import { foreignLines } from './text/foreign.ts'
import { packageVersion } from './version.ts'

const about = `Compares ways to keep page pin counts inside Linux page descriptors, on real memory:
what fits where, what it damages, what it costs, where it ends.`

const codes = `
Exit codes: 0 done and clean, 1 a finding, 2 wrong use, 3 internal error,
130 interrupted (SIGINT), 143 terminated (SIGTERM).

Start with:
  $ pagebox compare --quick`

/** All commands. Nothing is loaded until one of them runs. */
export function createProgram(context: Context): Command {
  const { io } = context
  const program = new Command('pagebox')
  program
    .description(about)
    .version(packageVersion(), '-V, --version', 'print the version')
    .addHelpText('after', codes)
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    // What follows `fleet run COMMAND` is the command's.
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      // An error quotes what was typed.
      outputError: (text, write) => write(foreignLines(text)),
      getOutHelpWidth: () => Math.min(io.columns, 100),
      getErrHelpWidth: () => Math.min(io.columns, 100),
    })
  const lists = [addSchemes, addScenarios, addRules, addQuirks, addCompletion]
  for (const add of [
    addCompare,
    addSearch,
    addLayout,
    addDecode,
    addStress,
    addExplore,
    addReplay,
    addZoo,
    addConform,
    addMerge,
    (to: Command, from: Context) => addFleet(to, from, createProgram),
    ...lists,
  ])
    add(program, context)
  return program
}
