import { btfFault } from './fault.ts'
import { parseRelease, type Release } from './release.ts'

const mostBytes = 4 * 1024 * 1024
const longestLine = 8192

/** What a kernel was configured with. */
export interface KernelConfig {
  /** Of the file's first comment: `'6.12.117'`. */
  readonly releaseText: string | undefined
  readonly release: Release | undefined
  /** `'x86'` */
  readonly arch: string | undefined
  /** Names without CONFIG_; `'n'` for what `is not set`. */
  readonly options: ReadonlyMap<string, string>
}

const fault = (given: string, line?: number) =>
  btfFault(
    `${given}${line === undefined ? '' : ` in line ${line}`} of the configuration`,
    'CONFIG_NAME=value, # CONFIG_NAME is not set, comments and empty lines',
    { argument: 'options.kconfig' },
  )

/** Reads a `.config`. What is no such file is refused with the line's number. */
export function readKconfig(text: string): KernelConfig {
  if (text.length > mostBytes) throw fault(`${text.length} characters (at most ${mostBytes})`)
  const options = new Map<string, string>()
  let arch: string | undefined
  let releaseText: string | undefined
  for (const [at, raw] of text.split('\n').entries()) {
    if (raw.length > longestLine) throw fault(`${raw.length} characters`, at + 1)
    const line = raw.trim()
    const [, set, value] = /^CONFIG_(\w+)=(y|m|n|-?\d+|0x[\da-fA-F]+|"(?:[^"\\]|\\.)*")$/.exec(line) ?? []
    if (set !== undefined) {
      options.set(set, value as string)
      continue
    }
    const [, unset] = /^# CONFIG_(\w+) is not set$/.exec(line) ?? []
    if (unset !== undefined) {
      options.set(unset, 'n')
      continue
    }
    const header = /^# Linux\/(\w+) ([\w.+~-]+) Kernel Configuration$/.exec(line)
    if (header !== null) [, arch, releaseText] = header
    else if (line !== '' && !line.startsWith('#')) throw fault('what is no option', at + 1)
  }
  if (options.size === 0) throw fault('no option')
  return {
    arch,
    releaseText,
    release: releaseText === undefined ? undefined : parseRelease(releaseText),
    options,
  }
}

/** Whether it is built; undefined: there is no configuration. What a configuration leaves out is off. */
export function isOn(config: KernelConfig | undefined, name: string): boolean | undefined {
  if (config === undefined || config.options.size === 0) return undefined
  return (config.options.get(name) ?? 'n') !== 'n'
}

export function numberOf(config: KernelConfig | undefined, name: string): number | undefined {
  const value = config?.options.get(name)
  const number = value === undefined ? Number.NaN : Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}
