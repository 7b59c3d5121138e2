// What the race engine adds to the pins that it runs: fused pin+unpin against the
// hand-written loop in as many threads, operations that are not fused against
// themselves, and the ledger.
import { Box, prepareCost, race, schemes } from '../lib/index.ts'
import type { Pattern, RaceOptions } from '../lib/index.ts'
import type { Interval } from '../lib/compare/interval.ts'
import { medianInterval, ratioInterval, seededRandom } from '../lib/compare/statistics.ts'
import { bench, type Report, type Row } from './common/report.ts'
import type { BenchOptions } from './common/options.ts'
import { measure, timed } from './common/rounds.ts'
import { atLeast, atMost } from './common/target.ts'
import { hotLine, layout, mebibytes8, pagesOf, type WorkingSet } from './common/workingSet.ts'

/** A race starts its threads within the time that it counts: long ones do not feel it. */
const leastMs = 10

function prepared(scheme: string, set: WorkingSet, ledger = false): Box {
  const pages = pagesOf(set)
  const box = Box.create({ scheme, layout, pages, ledger })
  for (let pfn = 0; pfn < pages; pfn++) box.setup(pfn, { type: 'anon' })
  return box
}

/** ns that one thread took for one operation. */
async function raceNs(box: Box, options: RaceOptions & { ops: number }): Promise<number> {
  const found = await race(box, options)
  if (!found.audit.clean) throw new Error('the audit found something')
  return (found.seconds * 1e9) / options.ops
}

/** Operations of one thread that take about as long as a sample shall. */
async function fittingOps(box: Box, given: RaceOptions, options: BenchOptions): Promise<number> {
  const ns = await raceNs(box, { ...given, ops: 100_000 })
  return Math.max(10_000, Math.round((Math.max(leastMs, options.sampleMs) * 1e6) / ns))
}

async function fused(
  scheme: string,
  set: WorkingSet,
  pattern: Pattern,
  threads: number,
  options: BenchOptions,
): Promise<Row> {
  const box = prepared(scheme, set)
  const pages = pagesOf(set)
  const common = { scheme, layout, pages, pattern, threads, seed: options.seed }
  const limit = prepareCost({ ...common, loop: 'limit', op: 'try_pin_speculative+unpin' })
  try {
    const given: RaceOptions = { threads, pattern, seed: options.seed, mix: { 'pin+unpin': 1 } }
    const ops = await fittingOps(box, given, options)
    limit.sample(ops)
    const own: number[] = []
    const hand: number[] = []
    for (let round = 0; round < options.rounds; round++) {
      // Who goes first takes turns.
      if (round % 2 === 0) own.push(await raceNs(box, { ...given, ops }))
      const begin = process.hrtime.bigint()
      const { ns } = limit.sample(ops)
      const wall = Number(process.hrtime.bigint() - begin)
      // One thread: wall time as a race's, with the drawing of the pages, as there.
      hand.push((threads === 1 ? wall : ns) / ops)
      if (round % 2 === 1) own.push(await raceNs(box, { ...given, ops }))
    }
    const random = seededRandom(options.seed)
    return {
      what: `${scheme}, ${set.name}, ${pattern}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
      found: medianInterval(own, random),
      // Rates, so the other way round.
      ratio: ratioInterval(hand, own, random),
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
    const ops = await fittingOps(box, given, options)
    const over: number[] = []
    for (let round = 0; round < options.rounds; round++) {
      const alone = (pin.sample(ops).ns + unpin.sample(ops).ns) / (2 * ops)
      over.push((await raceNs(box, { ...given, ops })) - alone)
    }
    const found: Interval = medianInterval(over, seededRandom(options.seed))
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
