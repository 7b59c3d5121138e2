import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { quoted } from '../../base/quoted.ts'
import { UsageError } from '../failure.ts'
import type { Io } from '../io.ts'
import { foreignLines } from '../text/foreign.ts'

/** Options of every command that takes schemes. */
export interface OwnOptions {
  schemeFile?: string[]
  /** A file; false: none, even if there is one here. */
  config?: string | boolean
}

const configNames = ['json', 'ts', 'mts', 'mjs', 'js'].map((end) => `pagebox.config.${end}`)

export const addOwnOptions = (command: Command): Command =>
  command
    .option(
      '--scheme-file <file>',
      'schemes and layouts of your own, .json, .ts, .mjs or .js; may be repeated',
      (file: string, before: string[] | undefined) => [...(before ?? []), file],
    )
    .option('--config <file>', 'the same, instead of pagebox.config.{json,ts,mjs,js} of this folder')
    .option('--no-config', 'without the pagebox.config of this folder')

/** The configuration to read, if there is one. */
function configOf({ config }: OwnOptions): string[] {
  if (typeof config === 'string') return [config]
  if (config === false) return []
  const found = configNames.filter((name) => existsSync(name))
  if (found.length > 1) throw new UsageError(`there are ${found.join(' and ')}; --config FILE says which one counts`)
  return found
}

/** The options again, for a command line that repeats a run. */
export const ownArguments = ({ schemeFile, config }: OwnOptions): string[] => [
  ...(schemeFile ?? []).map((file) => `--scheme-file ${quoted(file)}`),
  ...(typeof config === 'string' ? [`--config ${quoted(config)}`] : []),
  ...(config === false ? ['--no-config'] : []),
]

/** Runs a command among the schemes and layouts of the caller's files, which are gone after it. */
export async function withOwn<Result>(options: OwnOptions, io: Io, run: () => Promise<Result>): Promise<Result> {
  const files = [...configOf(options), ...(options.schemeFile ?? [])]
  if (files.length === 0) return run()
  const { readDefinitions } = await import('./readFile.ts')
  const { defineAll } = await import('./define.ts')
  const print = (text: string): void => io.err(foreignLines(text))
  const sources = []
  for (const file of files) sources.push({ file, content: await readDefinitions(file, { signal: io.signal, print }) })
  const undo = defineAll(sources)
  try {
    return await run()
  } finally {
    undo()
  }
}
