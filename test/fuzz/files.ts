import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Command } from 'commander'
import pc from 'picocolors'
import { createProgram } from '../../lib/cli/program.ts'
import * as pagebox from '../../lib/index.ts'
import type { CliFile } from './cliHelper.ts'
import { damage, mutate } from './mutate.ts'
import type { Line, Program } from './program.ts'
import { Random } from './random.ts'
import { scenarioOf } from './scenarios.ts'

/** The commands, as commander has them: a new one, or a new option, is found by itself. */
function commands(): readonly Command[] {
  const io = { out() {}, err() {}, interactive: false, columns: 80, colours: pc.createColors(false) }
  const context = { io: { ...io, readInput: async () => '', signal: new AbortController().signal }, exit() {} }
  return createProgram(context).commands
}

const numbers = [
  '0',
  '1',
  '2',
  '3',
  '9',
  '64',
  '512',
  '4096',
  '-1',
  '1.5',
  '1e3',
  'NaN',
  '0x10',
  '',
  ' 7',
  '99999999999999999999',
  '𝟙',
]
const words = [
  '17ffffc0000020',
  'dead000000000100',
  '0',
  'ffffffff00000000',
  'zz',
  '0x',
  '-1',
  '1'.repeat(17),
  '00000000',
]

let recordings: string[] | undefined

/** Lines of the recordings that the tests have, the short ones. */
function recorded(): string[] {
  recordings ??= ['handwritten', 'random-pins'].flatMap((name) => {
    const bytes = readFileSync(new URL(`../vectors/${name}.jsonl.gz`, import.meta.url))
    return gunzipSync(bytes)
      .toString('utf8')
      .split('\n')
      .filter((line) => line.length > 2 && line.length < 8000)
      .slice(0, 200)
  })
  return recordings
}

/** Makes command lines up, with the files that they name. */
class CommandLines {
  readonly #random: Random
  #files: CliFile[] = []

  constructor(random: Random) {
    this.#random = random
  }

  next(all: readonly Command[]): { args: string[]; files: CliFile[]; input: string } {
    const random = this.#random
    this.#files = []
    const command = random.pick(all)
    const args = random.chance(0.97) ? [command.name()] : []
    for (const { flags } of random.chance(0.9) ? command.options : random.pick(all).options) {
      if (!random.chance(flags.includes('--seconds') ? 0.5 : 0.2)) continue
      const [, long = '--nothing', wants] = /(--[\w-]+)(?: [<[](\w+))?/.exec(flags) ?? []
      args.push(long)
      if (wants !== undefined && random.chance(0.97)) args.push(this.#value(long, wants))
    }
    for (const { name } of command.registeredArguments.map((argument) => ({ name: argument.name() })))
      if (random.chance(0.85)) args.push(...this.#argument(command.name(), name))
    if (random.chance(0.05))
      args.splice(random.int(0, args.length), 0, random.pick(['--', '-', '--nope', '', '-x', '--json=1']))
    const input = random.chance(0.5) ? '' : damage(random, `raw: ${words.join(' ')}\n`.repeat(2))
    return { args, files: this.#files, input }
  }

  #value(option: string, wants: string): string {
    const random = this.#random
    if (wants === 'n') return random.pick(option === '--seconds' ? ['0.1', '0', ...numbers] : numbers)
    if (wants === 'file')
      return option === '--baseline' ? this.#file('json', () => '{"pagebox":"x","rooms":[]}') : this.#output()
    if (wants === 'weights')
      return random.pick([
        'pin=1,unpin=1',
        'mm=1',
        'touch=2,device=1',
        'pin=',
        '=1',
        'x=1',
        'pin=1e9',
        'pin=-1',
        ',',
        'pin+unpin=3',
      ])
    const names = [
      ...pagebox.layouts.names,
      ...pagebox.schemes.names,
      ...pagebox.pageTypes,
      'random',
      'hot',
      'double-last-unpin',
    ]
    const near = names.filter((name) => option.includes('layout') === name.startsWith('linux'))
    const name = (): string =>
      random.chance(0.85)
        ? random.pick(random.chance(0.8) ? near : names)
        : random.pick(['', 'nope', '__proto__', 'constructor', '\u001b[2J'])
    return random.chance(0.8) ? name() : [name(), name()].join(',')
  }

  #output(): string {
    const random = this.#random
    return random.pick([
      '@out',
      '@out',
      '@folder',
      '@nowhere/out',
      '/dev/full',
      '/dev/null',
      '',
      this.#files[0] === undefined ? '@out' : `@${this.#files[0].name}`,
    ])
  }

  #argument(command: string, name: string): string[] {
    const random = this.#random
    if (name === 'words')
      return Array.from({ length: random.pick([0, 1, 7, 8, 8, 8, 9, 16]) }, () => random.pick(words))
    if (name === 'files') return Array.from({ length: random.int(1, 2) }, () => this.#recording())
    if (command === 'stress' && random.chance(0.6))
      return [this.#file('json', () => JSON.stringify(scenarioOf(random)))]
    return [
      random.pick([
        'pins',
        'mm',
        'devices',
        'pins-against-migration',
        'linux-6.12',
        'linux-4.20',
        'nope',
        '@folder',
        '@none.json',
        '',
      ]),
    ]
  }

  #recording(): string {
    const random = this.#random
    const lines = Array.from({ length: random.int(1, 3) }, () => random.pick(recorded()))
    return this.#file(random.chance(0.5) ? 'jsonl' : 'jsonl.gz', () => lines.join('\n'))
  }

  /** A file that was right once. */
  #file(extension: string, right: () => string): string {
    const random = this.#random
    const name = `f${this.#files.length}.${extension}`
    let text = right()
    for (let i = random.int(0, 3); i > 0; i--)
      try {
        const lines = text.split('\n')
        const at = random.int(0, lines.length - 1)
        lines[at] = JSON.stringify(mutate(random, JSON.parse(lines[at] as string)))
        text = lines.join('\n')
      } catch {
        break // Nested deeper than JSON can be written.
      }
    if (random.chance(0.2)) text = damage(random, text)
    const cut = random.chance(0.15) ? { cut: random.int(0, 200) } : {}
    this.#files.push({ name, text, ...cut })
    return `@${name}`
  }
}

/** Command lines with files that are nearly right: they end with the status that says so, in time. */
export async function fuzzFiles(program: Program, seed: number, lines: number, until: number): Promise<void> {
  const random = new Random(seed)
  const made = new CommandLines(random)
  const all = commands()
  for (let i = 0; i < lines && Date.now() < until; i++) {
    const { args, files, input } = made.next(all)
    const source = `H.cli(${[args, files, input].map((part) => JSON.stringify(part)).join(', ')})`
    const line: Line = { source, waits: true }
    const result = await program.run(line)
    if (result !== undefined && 'error' in result) program.judge(result.error, line)
  }
}
