import type { BenchOptions } from './options.ts'
import { medianOf, pick, ratioOf, type Sample } from './program.ts'
import type { Group, Row } from './report.ts'
import { atLeast } from './target.ts'

/** Throughput against memcpy's, at this many pages a call (design, section 11). */
const least = { call: 512, times: 0.7 }

/** Tables of what benchmarks/native/devices.cpp printed. */
export function deviceGroups(samples: readonly Sample[], options: BenchOptions): Group[] {
  const calls = [...new Set(samples.filter(({ op }) => op === 'to-device').map(({ call }) => call ?? 1))].sort(
    (a, b) => a - b,
  )
  const of = (op: string, call: number): number[] => pick(samples, { op, call })
  const move = (op: string, call: number): Row => ({
    what: `${op}, ${call} pages a call`,
    found: medianOf(of(op, call), options),
    // Pages a second over pages a second.
    ratio: ratioOf(of(`${op} copy`, call), of(op, call), options),
    against: "memcpy's throughput, same pages",
    ...(call === least.call && { target: atLeast(least.times) }),
  })
  const fault = (other: string, name: string): Row => ({
    what: 'on a device-private page',
    found: medianOf(of('fault-device', 1), options),
    ratio: ratioOf(of('fault-device', 1), of(other, 1), options),
    against: name,
  })
  return [
    {
      title: 'migration',
      unit: 'ns a page',
      rows: ['to-device', 'to-system'].flatMap((op) => calls.map((call) => move(op, call))),
    },
    {
      title: 'CPU faults',
      unit: 'ns a page',
      rows: [
        fault('fault-anonymous', 'a fault on an empty place'),
        fault('fault-device copy', 'memcpy of the same pages'),
      ],
    },
  ]
}
