// What the race engine adds to the pins that it runs: fused pin+unpin against the
// hand-written loop in as many threads, operations that are not fused against
// themselves, and the ledger. In CPU time.
import { Box, prepareCost, race, schemes } from '../lib/index.ts'
import type { CostSampler, Pattern, RaceOptions } from '../lib/index.ts'
import { medianInterval, ratioInterval, seededRandom } from '../lib/compare/statistics.ts'
import { cpuNs } from './common/clock.ts'
import { bench, type Report, type Row } from './common/report.ts'
import type { BenchOptions } from './common/options.ts'
import { measure, timed } from './common/rounds.ts'
import { atLeast, atMost } from './common/target.ts'
import { hotLine, layout, mebibytes8, pagesOf, type WorkingSet } from './common/workingSet.ts'

function prepared(scheme: string, set: WorkingSet, ledger = false): Box {
  const pages = pagesOf(set)
  const box = Box.create({ scheme, layout, pages, ledger })
  for (let pfn = 0; pfn < pages; pfn++) box.setup(pfn, { type: 'anon' })
  return box
}

/** A run of so few operations costs what every run costs: threads, audit, JavaScript. */
const fewOps = 256

/** Something that runs `ops` operations in each of its threads. */
type Run = (ops: number) => Promise<void>

/** CPU time of one operation of one thread, without what every run costs. */
async function opNs(run: Run, ops: number, threads: number): Promise<number> {
  const begin = cpuNs()
  await run(fewOps)
  const between = cpuNs()
  await run(ops)
  return (cpuNs() - between - (between - begin)) / ((ops - fewOps) * threads)
}

/** Operations of one thread that take about as long as a sample shall. */
async function fittingOps(run: Run, threads: number, options: BenchOptions): Promise<number> {
  const ns = await opNs(run, 200_000, threads)
  return Math.max(100_000, Math.round((options.sampleMs * 1e6) / Math.max(1, ns)))
}

const raceOn =
  (box: Box, given: RaceOptions): Run =>
  async (ops) => {
    const found = await race(box, { ...given, ops })
    if (!found.audit.clean) throw new Error('the audit found something')
  }

const sampling =
  (sampler: CostSampler): Run =>
  async (ops) => {
    sampler.sample(ops)
  }

async function fused(
  scheme: string,
  set: WorkingSet,
  pattern: Pattern,
  threads: number,
  options: BenchOptions,
): Promise<Row> {
  const box = prepared(scheme, set)
  const common = { scheme, layout, pages: pagesOf(set), pattern, threads, seed: options.seed }
  const limit = prepareCost({ ...common, loop: 'limit', op: 'try_pin_speculative+unpin' })
  try {
    const runs = [
      raceOn(box, { threads, pattern, seed: options.seed, mix: { 'pin+unpin': 1 } }),
      sampling(limit),
    ] as const
    const ops = await fittingOps(runs[0], threads, options)
    const times: [number[], number[]] = [[], []]
    for (let round = 0; round < options.rounds; round++) {
      // Who goes first takes turns.
      for (const at of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
        times[at].push(await opNs(runs[at], ops, threads))
    }
    const random = seededRandom(options.seed)
    return {
      what: `${scheme}, ${set.name}, ${pattern}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
      found: medianInterval(times[0], random),
      // Rates, so the other way round.
      ratio: ratioInterval(times[1], times[0], random),
      against: 'its loop',
      target: atLeast(0.9),
    }
  } finally {
    limit.close()
    box.close()
  }
}

/** Pins and unpins in random order are not fused. Each is compared with its own batch. */
async function unfused(scheme: string, options: BenchOptions): Promise<Row> {
  const box = prepared(scheme, mebibytes8)
  const common = { scheme, layout, pages: pagesOf(mebibytes8), pattern: 'sequential' as const, seed: options.seed }
  const pin = prepareCost({ ...common, op: 'pin' })
  const unpin = pin.beside({ op: 'unpin' })
  try {
    const given: RaceOptions = { pattern: 'sequential', seed: options.seed, mix: { pin: 1, unpin: 1 } }
    const mixed = raceOn(box, given)
    const ops = await fittingOps(mixed, 1, options)
    const over: number[] = []
    for (let round = 0; round < options.rounds; round++) {
      const alone = (pin.sample(ops).ns + unpin.sample(ops).ns) / (2 * ops)
      over.push((await opNs(mixed, ops, 1)) - alone)
    }
    const found = medianInterval(over, seededRandom(options.seed))
    return { what: `${scheme}, pin and unpin mixed`, found, target: atMost(5) }
  } finally {
    unpin.close()
    pin.close()
    box.close()
  }
}

/** The ledger is kept where JavaScript pins: a race enters what it still holds at the end of a round. */
async function ledgerCost(scheme: string, options: BenchOptions): Promise<Row> {
  const pages = pagesOf(mebibytes8)
  const pfns = Uint32Array.from({ length: 4096 }, (_, i) => (i * 31) % pages)
  const batch = (box: Box) =>
    timed((ops) => {
      for (let done = 0; done < ops; done += pfns.length) {
        box.pins.pinMany(pfns)
        box.pins.unpinMany(pfns)
      }
    })
  const without = prepared(scheme, mebibytes8)
  const kept = prepared(scheme, mebibytes8, true)
  try {
    const found = await measure({ without: batch(without), kept: batch(kept) }, options)
    return {
      what: `${scheme}, batches of ${pfns.length}`,
      found: found.time('kept'),
      ratio: found.ratio('kept', 'without'),
      against: 'no ledger',
    }
  } finally {
    without.close()
    kept.close()
  }
}

async function fusedRows(report: Report, options: BenchOptions, names: readonly string[]): Promise<void> {
  const at: [WorkingSet, Pattern, number][] = [
    [hotLine, 'hot', 1],
    [hotLine, 'hot', 2],
    [mebibytes8, 'sequential', 1],
    [mebibytes8, 'random', 2],
  ]
  for (const [set, pattern, threads] of at) {
    const rows: Row[] = []
    for (const name of names) rows.push(await fused(name, set, pattern, threads, options))
    report.group({ title: 'fused pin+unpin; times: its rate', unit: 'ns a pair', rows })
  }
}

await bench('race', 'What the race engine and the ledger add to the pins.', async (report, options) => {
  const names = [...schemes].filter(({ builtin }) => builtin).map(({ name }) => name)
  await fusedRows(report, options, names)
  const some = options.quick ? ['refcount-bias', 'folio-pincount'] : names
  const rows: Row[] = []
  for (const name of some) rows.push(await unfused(name, options))
  report.group({ title: 'what an operation costs on top of itself, 8 MiB', unit: 'ns', rows })
  const ledger: Row[] = []
  for (const name of some) ledger.push(await ledgerCost(name, options))
  report.group({ title: 'JavaScript batches with the ledger, 8 MiB', unit: 'ns a pair', rows: ledger })
})
