import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Interval } from '../../lib/compare/interval.ts'
import { medianInterval, ratioInterval, seededRandom } from '../../lib/compare/statistics.ts'
import type { BenchOptions } from './options.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** One line that a program of benchmarks/native prints: ns a page. */
const sampleLine = z.object({
  op: z.string(),
  round: z.number().int().nonnegative(),
  cpuNs: z.number().nonnegative(),
  wallNs: z.number().nonnegative().optional(),
  pages: z.number().int().positive().optional(),
  threads: z.number().int().positive().optional(),
  machines: z.number().int().positive().optional(),
  call: z.number().int().positive().optional(),
})
export type Sample = z.infer<typeof sampleLine>

/** @throws if a line is no sample: half a measurement is none. */
export const parseSamples = (text: string): Sample[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => sampleLine.parse(JSON.parse(line)))

function run(command: string, args: string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (done.error) throw done.error
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: status ${done.status}\n${done.stdout}${done.stderr}`)
  return done.stdout
}

/** Builds a program of benchmarks/native, the core in units as it is shipped, and runs it. */
export function samplesOf(program: string, args: string[], options: BenchOptions): Sample[] {
  const build = join(root, options.build)
  if (!existsSync(join(build, 'CMakeCache.txt')))
    run('cmake', [
      ...['-S', join(root, 'native'), '-B', build, '-DCMAKE_BUILD_TYPE=Release'],
      ...['-DPAGEBOX_UNITS=ON', '-DPAGEBOX_TESTS=OFF'],
    ])
  run('cmake', ['--build', build, '--target', program, '-j', String(availableParallelism())])
  return parseSamples(run(join(build, program), args))
}

/** Numbers of some samples, by round. */
export type Rounds = number[]

/** The samples that match, in the order of their rounds. */
export const pick = (samples: readonly Sample[], like: Partial<Sample>, what: 'cpuNs' | 'wallNs' = 'cpuNs'): Rounds =>
  samples
    .filter((sample) => Object.entries(like).every(([key, value]) => sample[key as keyof Sample] === value))
    .sort((a, b) => a.round - b.round)
    .map((sample) => sample[what] ?? Number.NaN)

export const medianOf = (of: Rounds, options: BenchOptions): Interval => medianInterval(of, seededRandom(options.seed))
export const ratioOf = (of: Rounds, to: Rounds, options: BenchOptions): Interval =>
  ratioInterval(of, to, seededRandom(options.seed))
