// What the race engine adds to the pins that it runs: fused pin+unpin, and pins and unpins
// in random order, each against a hand-written loop of the same in as many threads; and the
// ledger. In CPU time, by the clocks of the threads themselves.
import { Box, prepareCost, race, schemes } from '../lib/index.ts'
import type { CostOp, CostSampler, Pattern, RaceOptions } from '../lib/index.ts'
import { medianInterval, ratioInterval, seededRandom } from '../lib/compare/statistics.ts'
import { bench, type Report, type Row } from './common/report.ts'
import type { BenchOptions } from './common/options.ts'
import { measure, timed } from './common/rounds.ts'
import { atLeast } from './common/target.ts'
import { hotLine, layout, mebibytes8, pagesOf, type WorkingSet } from './common/workingSet.ts'

function prepared(scheme: string, set: WorkingSet, ledger = false): Box {
  const pages = pagesOf(set)
  const box = Box.create({ scheme, layout, pages, ledger })
  for (let pfn = 0; pfn < pages; pfn++) box.setup(pfn, { type: 'anon' })
  return box
}

/** CPU time of one operation of one thread, by the clocks of the threads that did `ops` each. */
type Loop = (ops: number) => Promise<number>

/** Operations of one thread that take about as long as a sample shall. */
async function fittingOps(loop: Loop, options: BenchOptions): Promise<number> {
  const ns = await loop(200_000)
  return Math.min(100_000_000, Math.max(100_000, Math.round((options.sampleMs * 1e6) / ns)))
}

const raceOn =
  (box: Box, given: RaceOptions): Loop =>
  async (ops) => {
    const found = await race(box, { ...given, ops })
    if (!found.audit.clean) throw new Error('the audit found something')
    const seconds = found.threads.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
    return (seconds * 1e9) / (ops * found.threads.length)
  }

const sampling =
  (sampler: CostSampler, threads: number): Loop =>
  async (ops) => {
    const found = sampler.sample(ops)
    return found.cpuNs / (found.ops * threads)
  }

/** All that a race touches, rows and side tables too. */
async function touched(box: Box, threads: number): Promise<void> {
  await race(box, { threads, pattern: 'sequential', mix: { 'pin+unpin': 1 }, ops: box.pages })
}

/** A race beside its hand-written loop, in interleaved rounds. */
async function beside(
  what: string,
  asked: number,
  [own, limit]: readonly [Loop, Loop],
  options: BenchOptions,
): Promise<Row> {
  const ops = await fittingOps(own, options)
  const times: { own: number[]; limit: number[] } = { own: [], limit: [] }
  for (let round = 0; round < options.rounds; round++) {
    // Who goes first takes turns.
    if (round % 2 === 0) times.own.push(await own(ops))
    times.limit.push(await limit(ops))
    if (round % 2 === 1) times.own.push(await own(ops))
  }
  const random = seededRandom(options.seed)
  return {
    what,
    found: medianInterval(times.own, random),
    // Rates, so the other way round.
    ratio: ratioInterval(times.limit, times.own, random),
    against: 'its loop',
    target: atLeast(asked),
  }
}

const inThreads = (threads: number): string => (threads === 1 ? '1 thread' : `${threads} threads`)

async function compared(
  scheme: string,
  set: WorkingSet,
  pattern: Pattern,
  threads: number,
  kind: { what: string; op: CostOp; mix: NonNullable<RaceOptions['mix']>; asked: number },
  options: BenchOptions,
): Promise<Row> {
  const box = prepared(scheme, set)
  const common = { scheme, layout, pages: pagesOf(set), pattern, threads, seed: options.seed }
  const limit = prepareCost({ ...common, loop: 'limit', op: kind.op, draws: true })
  try {
    await touched(box, threads)
    const loops = [
      raceOn(box, { threads, pattern, seed: options.seed, mix: kind.mix }),
      sampling(limit, threads),
    ] as const
    const what = [scheme, set.name, pattern, inThreads(threads)].join(', ')
    return await beside(what, kind.asked, loops, options)
  } finally {
    limit.close()
    box.close()
  }
}

const fused = {
  what: 'fused pin+unpin',
  op: 'try_pin_speculative+unpin',
  mix: { 'pin+unpin': 1 },
  asked: 0.95,
} as const
/** Half pins and half unpins as they are drawn, of what the thread holds. */
const mixed = {
  what: 'pins and unpins in random order',
  op: 'pin|unpin',
  mix: { pin: 1, unpin: 1 },
  asked: 0.8,
} as const

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

async function rows(
  report: Report,
  kind: typeof fused | typeof mixed,
  at: readonly [WorkingSet, Pattern, number][],
  names: readonly string[],
  options: BenchOptions,
): Promise<void> {
  for (const [set, pattern, threads] of at) {
    const rows: Row[] = []
    for (const name of names) rows.push(await compared(name, set, pattern, threads, kind, options))
    report.group({ title: `${kind.what}; times: its rate`, unit: 'ns an operation', rows })
  }
}

await bench('race', 'What the race engine and the ledger add to the pins.', async (report, options) => {
  const names = [...schemes].filter(({ builtin }) => builtin).map(({ name }) => name)
  await rows(
    report,
    fused,
    [
      [hotLine, 'hot', 1],
      [hotLine, 'hot', 2],
      [mebibytes8, 'sequential', 1],
      [mebibytes8, 'random', 2],
    ],
    names,
    options,
  )
  const some = options.quick ? ['refcount-bias', 'folio-pincount'] : names
  await rows(
    report,
    mixed,
    [
      [mebibytes8, 'sequential', 1],
      [mebibytes8, 'random', 2],
    ],
    some,
    options,
  )
  const ledger: Row[] = []
  for (const name of some) ledger.push(await ledgerCost(name, options))
  report.group({ title: 'JavaScript batches with the ledger, 8 MiB', unit: 'ns a pair', rows: ledger })
})
