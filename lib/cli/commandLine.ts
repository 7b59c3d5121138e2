import type { Command } from 'commander'
import { quoted } from '../base/quoted.ts'

export const argsOf = (command: Command): string[] =>
  (command.parent as (Command & { rawArgs?: string[] }) | null)?.rawArgs ?? []

/** As it could be typed again. */
export const commandLine = (args: readonly string[]): string => ['pagebox', ...args.map(quoted)].join(' ')
