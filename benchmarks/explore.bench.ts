// How many schedules of a small pin scenario the model environment runs a second,
// reset and audit of the touched pages included.
import { explorePins, schemes } from '../lib/index.ts'
import type { ExplorePinsOptions, ExploreResult } from '../lib/index.ts'
import { cpuNs } from './common/clock.ts'
import { bench, type Row } from './common/report.ts'
import type { BenchOptions } from './common/options.ts'
import { summary } from './common/rounds.ts'
import { atLeast } from './common/target.ts'

/** The design's scenario has this many scheduling points. */
const points = 20

const pointsOf = ({ steps, schedules }: ExploreResult): number => steps / schedules

/** As many operations a thread as come closest to the design's scenario. */
async function scenario(scheme: string, threads: number): Promise<ExplorePinsOptions> {
  let best: ExplorePinsOptions = { scheme, threads, ops: 1 }
  let distance = Number.POSITIVE_INFINITY
  for (let ops = 1; ops <= 4; ops++) {
    const found = pointsOf(await explorePins({ scheme, threads, ops, schedules: 1000 }))
    if (Math.abs(found - points) >= distance) break
    distance = Math.abs(found - points)
    best = { scheme, threads, ops }
  }
  return best
}

async function measureScheme(scheme: string, threads: number, options: BenchOptions): Promise<Row> {
  const given = await scenario(scheme, threads)
  const schedules = options.quick ? 5000 : 50_000
  const rates: number[] = []
  let points = 0
  for (let round = 0; round < Math.min(options.rounds, 9); round++) {
    const begin = cpuNs()
    const found = await explorePins({ ...given, schedules, firstRun: round * schedules, seed: options.seed })
    const ms = (cpuNs() - begin) / 1e6
    if (found.violations !== 0) throw new Error(`${scheme}: ${found.violations} violations`)
    rates.push(found.schedules / ms)
    points = pointsOf(found)
  }
  const each = given.ops === 1 ? '1 operation' : `${given.ops} operations`
  return {
    what: `${scheme}, ${each} a thread, ${points.toFixed(1)} points`,
    found: summary(rates, options),
    target: atLeast(200),
  }
}

await bench(
  'explore',
  'Schedules a second of pin scenarios near 20 scheduling points; CPU time.',
  async (report, options) => {
    for (const threads of [2, 3]) {
      const rows: Row[] = []
      for (const { name, builtin } of schemes) if (builtin) rows.push(await measureScheme(name, threads, options))
      report.group({ title: `${threads} fibers`, unit: 'thousand schedules a second', rows })
    }
  },
)
