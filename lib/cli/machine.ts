import type { Command } from 'commander'
import type { BehaviourOptions } from '../pins/behaviour.ts'
import { UsageError } from './failure.ts'
import { type BtfOptions, btfHelp, importedLayout, kconfigHelp } from './importedLayout.ts'
import { names, pick } from './parse.ts'

/** Options of every command that runs on a layout, a built-in, own or imported one. */
export interface LayoutOptions extends BtfOptions {
  layout: string
}

export const addLayoutOptions = (command: Command): Command =>
  command
    .option('--layout <name>', 'which word means what', 'linux-6.12')
    .option('--btf <file>', `instead of --layout: ${btfHelp}`)
    .option('--kconfig <file>', kconfigHelp)

/** The options with the name of the layout that they ask for; one from `--btf` is defined by then. */
export async function withLayout<Given extends LayoutOptions>(asked: Given, command: Command): Promise<Given> {
  const imported = await importedLayout(asked)
  if (imported === undefined) return asked
  if (command.getOptionValueSource('layout') === 'cli') throw new UsageError('--layout and --btf exclude each other')
  return { ...asked, layout: imported.name }
}

/** Options of every command that makes machines. */
export interface MachineOptions {
  rules?: string
  quirks?: string[]
  /** What no kernel does; by the names that boxes have for it. */
  options?: string[]
}

export const addMachineOptions = (command: Command): Command =>
  command
    .option('--rules <kernel>', 'whose behaviour: v4.20, v6.12; by default the layout’s')
    .option('--quirks <names>', 'historic bugs to switch on, separated by commas', names)
    .option('--options <names>', 'what no kernel does: writebackAsksPins, fileBackedDevicePages', names)

/** `writeback_asks_pins` and `writeback-asks-pins` are `writebackAsksPins` too. */
const camel = (name: string): string => name.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** What is asked for, as boxes, runs and explorations take it. */
export const behaviourOf = ({ rules, quirks, options }: MachineOptions): BehaviourOptions => ({
  ...(rules !== undefined && { rules }),
  ...(quirks && { quirks }),
  ...Object.fromEntries((options ?? []).map((name) => [camel(name), true])),
})

/** The options again, for a command line that repeats a run. */
export const behaviourFlags = ({ rules, quirks, options }: MachineOptions): string[] => [
  ...(rules === undefined ? [] : [`--rules ${rules}`]),
  ...(quirks ? [`--quirks ${quirks.join(',')}`] : []),
  ...(options ? [`--options ${options.map(camel).join(',')}`] : []),
]

/**
 * Before anything runs: a name that is in no table, or a quirk that cannot apply, would be a clean audit of nothing.
 * Throws a `UsageError` or what the API throws.
 */
export async function checkBehaved(asked: MachineOptions & { scheme: string; layout: string }): Promise<void> {
  const { checkBehaviour, layoutOf, schemeOf, tables } = await import('./stress/engine.ts')
  const { checkNames } = await import('./behaviourNames.ts')
  checkNames(asked)
  const { rules = '', quirks = [], options = [] } = asked
  const found = options.map((name) => pick(tables().machineOptions, camel(name), 'option').name)
  checkBehaviour(
    { rules, quirks, options: found },
    '--',
    schemeOf(asked.scheme, '--scheme'),
    layoutOf(asked.layout, '--layout'),
  )
}
