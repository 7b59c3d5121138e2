import type { BenchOptions } from './options.ts'
import { medianOf, pick, ratioOf, type Sample } from './program.ts'
import type { Group, Row } from './report.ts'
import { atLeast, atMost } from './target.ts'

/** The plain loop over the same frames that an operation cannot beat. */
const limits: Record<string, { op: string; name: string; times: number }> = {
  fault: { op: 'clear', name: 'memset of the frames', times: 1.3 },
  pageout: { op: 'copy', name: 'memcpy of the frames', times: 1.5 },
  swapin: { op: 'copy', name: 'memcpy of the frames', times: 1.5 },
}
/** What is left to memory once no cache holds the frames; an algorithm's n log n is 1.1, its n² is 4. */
const mostGrowth = 1.25

/** What two threads should get done beside one. */
const gains: Record<string, number> = { fault: 1.9, unmap: 1.8 }
/** Beside threads that share nothing but the processor: what is left is what a machine's sharing costs. */
const sharesWell = 0.9

const numbers = (values: (number | undefined)[]): number[] =>
  [...new Set(values.filter((value) => value !== undefined))].sort((a, b) => a - b)

const sizeName = (pages: number): string => `2^${Math.log2(pages)} pages`

/** Tables of what benchmarks/native/mm.cpp printed. */
export function mmGroups(samples: readonly Sample[], options: BenchOptions): Group[] {
  const ops = [...new Set(samples.map((sample) => sample.op))]
  const sizes = numbers(samples.map((sample) => sample.pages))
  const threads = numbers(samples.map((sample) => sample.threads))
  const cpu = (op: string, pages: number, threads: number): number[] =>
    pick(samples, { op, pages, threads, machines: 1 })
  const wall = (op: string, pages: number, threads: number, machines = 1): number[] =>
    pick(samples, { op, pages, threads, machines }, 'wallNs')

  const cost = (op: string, pages: number): Row => {
    const limit = limits[op]
    const own = cpu(op, pages, 1)
    return {
      what: `${op}, ${sizeName(pages)}`,
      found: medianOf(own, options),
      ...(limit && {
        ratio: ratioOf(own, cpu(limit.op, pages, 1), options),
        against: limit.name,
        target: atMost(limit.times),
      }),
    }
  }
  const groups: Group[] = [
    { title: '1 thread', unit: 'ns a page', rows: ops.flatMap((op) => sizes.map((pages) => cost(op, pages))) },
  ]
  const [before, largest] = sizes.slice(-2)
  if (before !== undefined && largest !== undefined)
    groups.push({
      title: `from ${sizeName(before)} to ${sizeName(largest)}, 1 thread`,
      unit: 'ns a page grow, times',
      rows: ops.map((op) => ({
        what: op,
        found: ratioOf(cpu(op, largest, 1), cpu(op, before, 1), options),
        // The loops over the bytes alone tell what memory does to all of them.
        ...(op !== 'clear' && op !== 'copy' && { target: atMost(mostGrowth) }),
      })),
    })
  const each = (row: (op: string, pages: number) => Omit<Row, 'what'>): Row[] =>
    ops.flatMap((op) => sizes.map((pages) => ({ what: `${op}, ${sizeName(pages)}`, ...row(op, pages) })))
  const unit = 'pages a second, times'
  for (const n of threads.slice(1))
    groups.push(
      {
        title: `${n} threads against 1`,
        unit,
        rows: each((op, pages) => ({
          found: ratioOf(wall(op, pages, 1), wall(op, pages, n), options),
          ...(n === 2 && gains[op] !== undefined && { target: atLeast(gains[op]) }),
        })),
      },
      {
        title: `${n} threads, each in a machine of its own, against 1`,
        unit,
        rows: each((op, pages) => ({ found: ratioOf(wall(op, pages, 1), wall(op, pages, n, n), options) })),
      },
      {
        title: `${n} threads in one machine against as many in machines of their own`,
        unit,
        rows: each((op, pages) => ({
          found: ratioOf(wall(op, pages, n, n), wall(op, pages, n), options),
          ...(gains[op] !== undefined && { target: atLeast(sharesWell) }),
        })),
      },
    )
  return groups
}
