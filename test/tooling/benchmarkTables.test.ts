import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deviceGroups } from '../../benchmarks/common/deviceGroups.ts'
import { mmGroups } from '../../benchmarks/common/mmGroups.ts'
import type { BenchOptions } from '../../benchmarks/common/options.ts'
import { parseSamples, type Sample, samplesOf } from '../../benchmarks/common/program.ts'
import { gibibyte1, gibibytes8, lackOfMemory } from '../../benchmarks/common/workingSet.ts'

const options: BenchOptions = {
  quick: true,
  json: true,
  rounds: 3,
  sampleMs: 1,
  seed: 1,
  build: 'build-tests',
  maxPages: undefined,
}
const three = (of: (round: number) => Omit<Sample, 'round'>): Sample[] =>
  [0, 1, 2].map((round) => ({ round, ...of(round) }))

describe('tables of the memory management benchmarks', () => {
  const at = (op: string, pages: number, threads: number, ns: number, machines = 1): Sample[] =>
    three((round) => ({ op, pages, threads, machines, cpuNs: ns + round, wallNs: (ns + round) / threads }))
  const samples = [
    ...at('clear', 1024, 1, 100),
    ...at('clear', 4096, 1, 100),
    ...at('clear', 1024, 2, 100),
    ...at('clear', 4096, 2, 100),
    ...at('fault', 1024, 1, 200),
    ...at('fault', 4096, 1, 800),
    ...at('fault', 1024, 2, 200),
    ...at('fault', 4096, 2, 800),
    ...at('fault', 1024, 2, 190, 2),
    ...at('fault', 4096, 2, 1000, 2),
    ...at('clear', 1024, 2, 100, 2),
    ...at('clear', 4096, 2, 100, 2),
  ]
  const [cost, growth, threads, apart, shared] = mmGroups(samples, options)
  const row = (group: typeof cost, what: string) => group?.rows.find((each) => each.what === what)

  test('puts each operation beside the loop that limits it', () => {
    expect(row(cost, 'fault, 2^12 pages')?.found.median).toBe(801)
    expect(row(cost, 'fault, 2^10 pages')?.ratio?.median).toBeCloseTo(2, 1)
    expect(row(cost, 'fault, 2^10 pages')?.target).toEqual({ bound: 'at most', value: 1.3 })
    expect(row(cost, 'clear, 2^10 pages')?.target).toBeUndefined()
  })

  test('asks that the cost of a page does not grow with the pages', () => {
    expect(row(growth, 'fault')?.found.median).toBeCloseTo(4, 1)
    expect(row(growth, 'fault')?.target).toEqual({ bound: 'at most', value: 1.25 })
  })

  test('compares what two threads get done with what one does', () => {
    expect(row(threads, 'fault, 2^12 pages')?.found.median).toBeCloseTo(2)
    expect(row(threads, 'fault, 2^12 pages')?.target).toEqual({ bound: 'at least', value: 1.9 })
    expect(row(threads, 'clear, 2^12 pages')?.target).toBeUndefined()
  })

  test('and with what two in machines of their own do', () => {
    expect(row(apart, 'fault, 2^12 pages')?.found.median).toBeCloseTo(1.6)
    expect(row(shared, 'fault, 2^12 pages')?.found.median).toBeCloseTo(1.25)
    expect(row(shared, 'fault, 2^10 pages')?.found.median).toBeCloseTo(0.95)
    expect(row(shared, 'fault, 2^10 pages')?.target).toEqual({ bound: 'at least', value: 0.9 })
  })
})

describe('tables of the device benchmarks', () => {
  const at = (op: string, call: number, cpuNs: number): Sample[] => three(() => ({ op, call, cpuNs }))
  const samples = [
    ...[1, 16].flatMap((call) =>
      ['to-device', 'to-system'].flatMap((op) => [...at(op, call, 900), ...at(`${op} copy`, call, 600)]),
    ),
    ...at('to-device', 512, 800),
    ...at('to-device copy', 512, 600),
    ...at('to-system', 512, 1200),
    ...at('to-system copy', 512, 600),
    ...at('fault-device', 1, 1500),
    ...at('fault-device copy', 1, 600),
    ...at('fault-anonymous', 1, 500),
  ]

  test("asks for more of memcpy's throughput the more pages a call moves", () => {
    const rows = deviceGroups(samples, options)[0]?.rows ?? []
    const of = (op: string, call: number) => rows.find(({ what }) => what === `${op}, ${call} pages a call`)
    expect(of('to-device', 512)?.ratio?.median).toBe(0.75)
    expect(of('to-system', 512)?.ratio?.median).toBe(0.5)
    expect([1, 16, 512].map((call) => of('to-device', call)?.target)).toEqual(
      [0.5, 0.8, 0.9].map((value) => ({ bound: 'at least', value })),
    )
  })

  test('puts a fault on a device page beside a plain one', () => {
    const [plain, copy] = deviceGroups(samples, options)[1]?.rows ?? []
    expect(plain?.ratio?.median).toBe(3)
    expect(plain?.target).toEqual({ bound: 'at most', value: 1.5 })
    expect(copy?.target).toBeUndefined()
  })
})

describe('the programs of the benchmarks', () => {
  test('are not believed where a line is no sample', () => {
    expect(() => parseSamples('{"op":"fault","round":0}\n')).toThrow()
  })

  // They are built with the C++ tests, which take minutes; ctest runs them too.
  const built = existsSync(join(import.meta.dirname, '../../build-tests/devices'))
  test.skipIf(!built)('print what the tables are made of', { timeout: 600_000 }, () => {
    const samples = samplesOf('devices', ['--rounds=1', '--pages=512'], options)
    expect(deviceGroups(samples, options)[0]?.rows).toHaveLength(6)
    const ofMm = samplesOf('mm', ['--rounds=1', '--from=4', '--to=6'], options)
    expect(mmGroups(ofMm, options)[0]?.rows.every(({ found }) => found.median > 0)).toBe(true)
  })
})

describe('what the scheme benchmark has memory for', () => {
  const gib = 2 ** 30

  test('counts what a box and each of four samplers keep outside the descriptors', () => {
    expect(lackOfMemory(gibibytes8, 'refcount-bias', 10.5 * gib)).toBeUndefined()
    expect(lackOfMemory(gibibytes8, 'side-table', 12.5 * gib)).toBeUndefined()
    expect(lackOfMemory(gibibytes8, 'own-counter', 12.5 * gib)).toBeUndefined()
    expect(lackOfMemory(gibibyte1, 'sharded', 10 * gib)).toBeUndefined()
  })

  test('says what is left out, and why', () => {
    expect(lackOfMemory(gibibytes8, 'sharded', 22.5 * gib)).toBe(
      '8 GiB, sharded: left out, needs 74.3 GiB of memory, 22.5 GiB are free.',
    )
    expect(lackOfMemory(gibibytes8, 'side-table', 12 * gib)).toContain('12.3 GiB')
    expect(lackOfMemory(gibibytes8, 'refcount', 8 * gib)).toContain('10.3 GiB')
  })
})
