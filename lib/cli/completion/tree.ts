import type { Command, Option } from 'commander'

/** An option as a shell offers it. */
export interface OfferedOption {
  names: string[]
  description: string
  /** `none`: it takes no value; `file`: names of files. */
  value: 'none' | 'file' | 'any' | readonly string[]
}

export interface OfferedCommand {
  name: string
  description: string
  options: OfferedOption[]
  /** What its first argument may be; files are offered besides. */
  first: readonly string[]
}

/** Names that only the addon knows, by what an option's help calls its value. */
export interface Values {
  scheme: readonly string[]
  layout: readonly string[]
  type: readonly string[]
  scenario: readonly string[]
  /** Of the zoo. */
  entry: readonly string[]
  strategy: readonly string[]
}

/** By the name of the option, since several commands have it. */
function valueKind(option: Option, values: Values): OfferedOption['value'] {
  if (!option.required && !option.optional) return 'none'
  if (option.argChoices) return option.argChoices
  const name = option.attributeName().toLowerCase()
  if (/schemes?$/.test(name)) return values.scheme
  if (/layouts?$/.test(name)) return values.layout
  if (/^types?$/.test(name)) return values.type
  if (name === 'strategy') return values.strategy
  return /<(file|folder|path)/.test(option.flags) ? 'file' : 'any'
}

/** What a command line can be, from commander's own tree: it cannot say less than `--help` does. */
export function offered(program: Command, values: Values): OfferedCommand[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [
      ...optionsOf(command).map((option) => ({
        names: [option.short, option.long].filter((name): name is string => name !== undefined && name !== null),
        description: option.description,
        value: valueKind(option, values),
      })),
      { names: ['-h', '--help'], description: 'what there is', value: 'none' as const },
    ],
    first: firstOf(command, values),
  }))
}

/** Its own, and those of the commands below it, each name once. */
function optionsOf(command: Command): Option[] {
  const all = [command, ...command.commands].flatMap((each) => each.options).filter(({ hidden }) => !hidden)
  return [...new Map(all.map((option) => [option.long, option])).values()]
}

function firstOf(command: Command, values: Values): readonly string[] {
  if (command.commands.length > 0) return command.commands.map((each) => each.name())
  const [argument] = command.registeredArguments
  if (argument === undefined) return []
  if (argument.argChoices) return argument.argChoices
  if (argument.name() === 'scenario') return values.scenario
  if (argument.name() === 'entry') return values.entry
  return command.name() === 'layout' ? values.layout : []
}
