import { expect, test } from 'vitest'
import { type StressPlan, stress } from '../../lib/engine/stress/stress.ts'
import { StressTotal } from '../../lib/engine/stress/total.ts'
import type { RaceOptions, RaceResult } from '../../lib/engine/raceTypes.ts'

const plan: StressPlan = {
  box: { pages: 64 },
  threads: 2,
  mix: { 'pin+unpin': 1 },
  pattern: 'random',
  seconds: 25,
  seed: 100,
  affinity: false,
}

const result = (options: RaceOptions, clean = true): RaceResult => ({
  warnings: [],
  stoppedBy: 'time',
  seconds: options.seconds ?? 1,
  rounds: 1,
  seed: BigInt(options.seed ?? 0),
  ops: [
    {
      op: 'pin+unpin',
      ops: 1000,
      opsPerSecond: 100,
      retries: 1,
      failures: { EAGAIN: 2 },
      latencyNs: {
        samples: 4,
        min: 10,
        mean: 20,
        p50: 16,
        p90: 32,
        p99: 32,
        p999: 32,
        max: 30,
        buckets: [
          { upToNs: 16, count: 3 },
          { upToNs: 32, count: 1 },
        ],
      },
    },
  ],
  threads: [],
  audit: {
    clean,
    rows: [],
    rowsTotal: clean ? 0 : 1,
    pages: 64,
    unknown: [],
    assertClean() {},
  } as RaceResult['audit'],
})

const hooks = (signal = new AbortController().signal) => ({ signal, onProgress() {}, onSlice() {} })

test('time is cut into slices, each with a seed of its own', async () => {
  const seen: { seed: number; seconds: number }[] = []
  const { total, failed } = await stress(
    async (_box, options) => {
      seen.push({ seed: Number(options.seed), seconds: options.seconds ?? 0 })
      return result(options)
    },
    plan,
    hooks(),
  )
  expect(seen).toEqual([
    { seed: 100, seconds: 10 },
    { seed: 101, seconds: 10 },
    { seed: 102, seconds: 5 },
  ])
  expect(failed).toBeUndefined()
  expect(total.seconds).toBe(25)
})

test('a dirty audit ends the run with the seed of its slice', async () => {
  const outcome = await stress(
    async (_box, options) => result(options, Number(options.seed) !== 101),
    { ...plan, seconds: Number.POSITIVE_INFINITY },
    hooks(),
  )
  expect(outcome.failed).toEqual({ seed: 101, seconds: 10 })
  expect(outcome.total.dirty?.rowsTotal).toBe(1)
})

test('an abort keeps the slices that are done', async () => {
  const abort = new AbortController()
  const { total } = await stress(
    async (_box, options) => {
      abort.abort()
      return result(options)
    },
    plan,
    hooks(abort.signal),
  )
  expect(total.slices).toBe(1)
  expect(total.ops).toBe(1000)
})

test('a total says which share was of use, and what was never reached', () => {
  const total = new StressTotal()
  expect(total.useful).toBeNull()
  const reached = (count: number) => [
    { group: 'cow', name: 'unshare', summary: '', count },
    { group: 'swap', name: 'out', summary: '', count: 0 },
  ]
  for (const count of [3, 4]) total.add({ ...result({ seconds: 1 }), reached: reached(count) })
  expect(total.useful).toBeCloseTo(1 - 4 / 2000, 6)
  expect(total.reached.map((each) => each.count)).toEqual([7, 0])
})

test('a total adds counts, failures and histograms', () => {
  const total = new StressTotal()
  for (let slice = 0; slice < 3; slice++) total.add(result({ seconds: 1 }))
  const [op] = total.byOp
  expect(op).toMatchObject({ ops: 3000, retries: 3, failures: { EAGAIN: 6 }, opsPerSecond: 1000 })
  // Nine of twelve samples lie below 16 ns; the rest below 32, of which none was above 30.
  expect(op?.latencyNs).toMatchObject({ samples: 12, min: 10, mean: 20, p50: 16, p90: 30, max: 30 })
})
