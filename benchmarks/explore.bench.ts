// How many schedules of a small scenario the model environment runs a second, reset and
// audit included, beside the empty fiber loop of as many points: fibers that only yield.
import { native } from '../lib/native/load.ts'
import { explore, explorePins, schemes } from '../lib/index.ts'
import type { ExplorePinsOptions, ExploreResult, WrittenScenario } from '../lib/index.ts'
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

/** Thousand schedules a second of fibers that do nothing. */
function emptyRate(threads: number, points: number, schedules: number): number {
  const begin = cpuNs()
  const failed = native().emptyFibers({ threads, points: Math.round(points), schedules })
  if (failed !== undefined) throw new Error('the empty fiber loop')
  return schedules / ((cpuNs() - begin) / 1e6)
}

async function measureScheme(scheme: string, threads: number, options: BenchOptions): Promise<[rate: Row, share: Row]> {
  const given = await scenario(scheme, threads)
  const schedules = options.quick ? 5000 : 50_000
  const rates: number[] = []
  const shares: number[] = []
  let points = 0
  for (let round = 0; round < Math.min(options.rounds, 9); round++) {
    const begin = cpuNs()
    const found = await explorePins({ ...given, schedules, firstRun: round * schedules, seed: options.seed })
    const ms = (cpuNs() - begin) / 1e6
    if (found.violations !== 0) throw new Error(`${scheme}: ${found.violations} violations`)
    rates.push(found.schedules / ms)
    points = pointsOf(found)
    shares.push(found.schedules / ms / emptyRate(threads, points, schedules))
  }
  const each = given.ops === 1 ? '1 operation' : `${given.ops} operations`
  const what = `${scheme}, ${each} a thread, ${points.toFixed(1)} points`
  return [
    { what, found: summary(rates, options), target: atLeast(200) },
    { what, found: summary(shares, options), target: atLeast(0.5) },
  ]
}

const buffer = [
  { op: 'mmap', buf: 'a', pages: 2, kind: 'anon-private', prot: 'rw' },
  { op: 'store', buf: 'a', value: 1 },
]
const pin = (id: number): object => ({ op: 'pin', id, via: 'gup', buf: 'a', page: 0, fast: 1 })
const store = { op: 'store', buf: 'a', page: 0, value: 9 }

/** Setup, and two operations of each of two threads. */
const scenarios: Record<string, object[][]> = {
  'pin and unpin by pfn': [
    [{ op: 'set_up_page', pfn: 0, type: 'anon' }],
    [
      { op: 'pin_page', pfn: 0 },
      { op: 'unpin_page', pfn: 0 },
    ],
    [
      { op: 'pin_page', pfn: 0 },
      { op: 'unpin_page', pfn: 0 },
    ],
  ],
  'pin and unpin': [buffer, [pin(1), { op: 'unpin', id: 1 }], [pin(2), { op: 'unpin', id: 2 }]],
  'first faults': [buffer.slice(0, 1), [store, { op: 'load', buf: 'a' }], [{ op: 'load', buf: 'a' }, store]],
  'fork and exit against stores': [
    buffer,
    [
      { op: 'fork', child: 'q' },
      { op: 'exit', proc: 'q' },
    ],
    [store, store],
  ],
  'migration to a device and back against stores': [
    [...buffer, { op: 'open_dev', dev: 0 }],
    [
      { op: 'migrate_to_dev', dev: 0, buf: 'a' },
      { op: 'migrate_to_sys', dev: 0, buf: 'a' },
    ],
    [store, store],
  ],
}

async function measureScenario(what: string, lists: object[][], options: BenchOptions): Promise<Row> {
  const [setup, ...threads] = lists
  const scenario = {
    name: what,
    setup,
    threads: threads.map((ops, i) => ({ name: `t${i}`, ops })),
  } as unknown as WrittenScenario
  const samples = options.quick ? 5000 : 50_000
  const rates: number[] = []
  let points = 0
  for (let round = 0; round < Math.min(options.rounds, 9); round++) {
    const begin = cpuNs()
    const found = await explore(scenario, { samples, firstRun: round * samples, seed: options.seed })
    const ms = (cpuNs() - begin) / 1e6
    if (found.outcomes.clean !== found.schedules) throw new Error(`${what}: ${String(found)}`)
    rates.push(found.schedules / ms)
    points = found.steps / found.schedules
  }
  return { what: `${what}, ${points.toFixed(0)} points`, found: summary(rates, options), target: atLeast(100) }
}

await bench(
  'explore',
  'Schedules a second of pin scenarios near 20 scheduling points, and of scenarios of two threads; CPU time.',
  async (report, options) => {
    for (const threads of [2, 3]) {
      const measured: [Row, Row][] = []
      for (const { name, builtin } of schemes) if (builtin) measured.push(await measureScheme(name, threads, options))
      const column = (i: 0 | 1): Row[] => measured.map((rows) => rows[i])
      report.group({ title: `${threads} fibers`, unit: 'thousand schedules a second', rows: column(0) })
      report.group({ title: `${threads} fibers, beside the empty loop`, unit: 'times its rate', rows: column(1) })
    }
    const rows: Row[] = []
    for (const [what, lists] of Object.entries(scenarios)) rows.push(await measureScenario(what, lists, options))
    report.group({ title: 'address spaces and devices', unit: 'thousand schedules a second', rows })
  },
)
