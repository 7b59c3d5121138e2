// A box of 2^28 pages (a terabyte of memory): how long it takes to make one, and
// what it keeps resident before and after pages are touched.
import { Box } from '../lib/index.ts'
import type { BoxOptions } from '../lib/index.ts'
import { bench, type Row } from './common/report.ts'
import type { BenchOptions } from './common/options.ts'
import { summary } from './common/rounds.ts'
import { atMost } from './common/target.ts'
import { layout } from './common/workingSet.ts'

const pages = 2 ** 28
const mebibyte = 2 ** 20
/** Descriptors on one page of memory. */
const perPage = 4096 / 64

const kinds: { name: string; options: Partial<BoxOptions> }[] = [
  { name: 'as by default (ledger)', options: {} },
  { name: 'no ledger', options: { ledger: false } },
  { name: 'side-table, no ledger', options: { ledger: false, scheme: 'side-table' } },
  { name: 'with frames (1 TiB reserved)', options: { frames: true } },
]

function create(options: Partial<BoxOptions>): { ms: number; box: Box } {
  const begin = process.hrtime.bigint()
  const box = Box.create({ pages, layout, ...options })
  return { ms: Number(process.hrtime.bigint() - begin) / 1e6, box }
}

function time(name: string, given: Partial<BoxOptions>, options: BenchOptions): Row[] {
  const creating: number[] = []
  const closing: number[] = []
  // The first one loads the addon.
  create(given).box.close()
  for (let round = 0; round < options.rounds; round++) {
    const { ms, box } = create(given)
    creating.push(ms)
    const begin = process.hrtime.bigint()
    box.close()
    closing.push(Number(process.hrtime.bigint() - begin) / 1e6)
  }
  return [
    { what: `create, ${name}`, found: summary(creating, options), target: atMost(10) },
    { what: `close, ${name}`, found: summary(closing, options) },
  ]
}

const residentMiB = (): number => process.memoryUsage.rss() / mebibyte

/** Growth of resident memory, each time in a box of its own. */
function growth(body: (box: Box) => void, options: BenchOptions) {
  const grown: number[] = []
  for (let round = 0; round < Math.min(options.rounds, 9); round++) {
    const before = residentMiB()
    const box = Box.create({ pages, layout, ledger: false })
    body(box)
    grown.push(residentMiB() - before)
    box.close()
  }
  return summary(grown, options)
}

const touch =
  (count: number, step: number) =>
  (box: Box): void => {
    const pfns = Uint32Array.from({ length: Math.min(count, 4096) })
    for (let done = 0; done < count; done += pfns.length) {
      for (let i = 0; i < pfns.length; i++) pfns[i] = (done + i) * step
      box.pins.pinMany(pfns)
    }
  }

await bench('creation', `Making a box of 2^28 pages, and what it keeps resident.`, async (report, options) => {
  report.group({
    title: 'a box of 2^28 pages',
    unit: 'ms',
    rows: kinds.flatMap(({ name, options: given }) => time(name, given, options)),
  })
  const counts = [4096, 65_536, 262_144]
  report.group({
    title: 'resident memory grows by',
    unit: 'MiB',
    rows: [
      { what: 'made, nothing touched', found: growth(() => {}, options) },
      ...counts.map((count) => ({
        what: `${count} pages pinned, neighbours (${(count * 64) / mebibyte} MiB of descriptors)`,
        found: growth(touch(count, 1), options),
      })),
      ...counts.slice(0, 2).map((count) => ({
        what: `${count} pages pinned, ${perPage} apart (${(count * 4096) / mebibyte} MiB of memory pages)`,
        found: growth(touch(count, perPage), options),
      })),
    ],
  })
})
