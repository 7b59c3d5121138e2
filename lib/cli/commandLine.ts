import type { Command } from 'commander'

export const argsOf = (command: Command): string[] =>
  (command.parent as (Command & { rawArgs?: string[] }) | null)?.rawArgs ?? []

/** As it could be typed again. */
export function commandLine(args: readonly string[]): string {
  const quoted = (arg: string): string => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`)
  return ['pagebox', ...args.map(quoted)].join(' ')
}
