import type { BenchOptions } from './options.ts'
import { medianOf, pick, ratioOf, type Sample } from './program.ts'
import type { Group, Row } from './report.ts'
import { atLeast, atMost } from './target.ts'

/** Throughput against memcpy's, by pages a call. */
const least: Record<number, number> = { 1: 0.5, 16: 0.8, 512: 0.9 }
/** A fault on a device-private page against one on an empty place. */
const mostOfFault = 1.5

/** Tables of what benchmarks/native/devices.cpp printed. */
export function deviceGroups(samples: readonly Sample[], options: BenchOptions): Group[] {
  const calls = [...new Set(samples.filter(({ op }) => op === 'to-device').map(({ call }) => call ?? 1))].sort(
    (a, b) => a - b,
  )
  const of = (op: string, call: number): number[] => pick(samples, { op, call })
  const move = (op: string, call: number): Row => {
    const times = least[call]
    return {
      what: `${op}, ${call} pages a call`,
      found: medianOf(of(op, call), options),
      // Pages a second over pages a second.
      ratio: ratioOf(of(`${op} copy`, call), of(op, call), options),
      against: "memcpy's throughput, same pages",
      ...(times !== undefined && { target: atLeast(times) }),
    }
  }
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
        { ...fault('fault-anonymous', 'a fault on an empty place'), target: atMost(mostOfFault) },
        fault('fault-device copy', 'memcpy of the same pages'),
      ],
    },
  ]
}
