import { expect, test } from 'vitest'
import { Shares } from '../../lib/fleet/fair.ts'

/** Who is served when each shard of a run takes its seconds. */
function served(rounds: number, seconds: Record<string, number>, runsAt: (round: number) => string[]): string[] {
  const shares = new Shares()
  return Array.from({ length: rounds }, (_, round) => {
    const [first] = shares.order(runsAt(round)) as [string]
    shares.begin(first)(seconds[first] ?? 1)
    return first
  })
}
const count = (all: readonly string[], run: string): number => all.filter((each) => each === run).length

test('two runs take turns', () => {
  const all = served(100, {}, () => ['a', 'b'])
  expect(count(all, 'a')).toBe(50)
})

test('the time is shared, not the number of shards', () => {
  const all = served(110, { a: 10, b: 1 }, () => ['a', 'b'])
  expect(count(all, 'b') / count(all, 'a')).toBeCloseTo(10, 0)
})

test('a run that comes later takes its share from then on, and no more', () => {
  const all = served(200, {}, (round) => (round < 100 ? ['a'] : ['a', 'b']))
  expect(count(all.slice(100), 'b')).toBe(50)
})

test('a run that had nothing to do saves nothing up', () => {
  const shares = new Shares()
  const runs = ['a', 'b']
  for (let round = 0; round < 100; round++) {
    shares.order(runs)
    shares.skipped('b', runs)
    shares.begin('a')(1)
  }
  const after = Array.from({ length: 20 }, () => {
    const [first] = shares.order(runs) as [string]
    shares.begin(first)(1)
    return first
  })
  expect(count(after, 'b')).toBeLessThanOrEqual(11)
})

test('cores that begin at once spread over the runs', () => {
  const shares = new Shares()
  const begun = Array.from({ length: 8 }, () => {
    const [first] = shares.order(['a', 'b']) as [string]
    shares.begin(first)
    return first
  })
  expect(count(begun, 'a')).toBe(4)
})
