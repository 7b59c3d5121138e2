import { expect, test } from 'vitest'
import { argsOfRun } from '../../lib/cli/runs.ts'
import { mergeRuns } from '../../lib/compare/runs.ts'
import { measuredFixture } from './measured.ts'

test('runs become blocks, and what differs between them makes the interval', () => {
  const quiet = { round: 0.002, block: 0.002 }
  const runs = [1, 2, 3, 4].map((seed) => measuredFixture({ seed, ...quiet, process: 0.1 }))
  const [first, ...others] = runs
  const merged = mergeRuns(first!, others)
  expect(merged.settings.runs).toBe(4)
  for (const [at, scheme] of merged.schemes.entries()) {
    const before = first!.schemes[at]!
    expect(scheme.room).toEqual(before.room)
    expect(scheme.cost.length).toBe(before.cost.length)
    for (const [i, row] of scheme.cost.entries()) {
      expect(row.blocks).toEqual([15, 15, 15, 15])
      expect(row.samples).toEqual(runs.flatMap((run) => run.schemes[at]!.cost[i]!.samples))
      expect(row.reference?.samples.length).toBe(60)
      const width = (of: { low: number; high: number }): number => Math.log(of.high / of.low)
      expect(width(row.nsPerOp)).toBeGreaterThan(2 * width(before.cost[i]!.nsPerOp))
    }
  }
  expect(merged.limit.length).toBe(first!.limit.length)
})

test('a run that lacks a row adds none', () => {
  const [first, second] = [measuredFixture({ seed: 1 }), measuredFixture({ seed: 2 })]
  second.schemes[0]!.cost = []
  expect(mergeRuns(first, [second]).schemes[0]?.cost[0]?.blocks).toEqual([15])
  expect(mergeRuns(first, [])).toBe(first)
})

test('a further run is asked for the same costs, and for no file', () => {
  const args = ['compare', '--quick', '--runs', '3', '--html=x.html', '--mail', 'y', '--schemes', 'a,b', '--json']
  expect(argsOfRun(args)).toEqual(['compare', '--quick', '--schemes', 'a,b', '--json', '--costs-only'])
})
