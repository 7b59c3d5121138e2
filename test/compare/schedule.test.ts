import { expect, test } from 'vitest'
import { contendedThreads } from '../../lib/compare/plan.ts'
import { measureAll, type Part } from '../../lib/compare/schedule.ts'

const plan = { fewestBlocks: 2, blocks: 3, mostBlocks: 6, goodEnough: 0.05, next: async () => true }

const partOf = (what: string, log: string[], width: () => number): Part => ({
  what,
  block: async () => void log.push(what),
  width,
})

test('all parts take turns, then blocks go where the interval is wide', async () => {
  const log: string[] = []
  const parts = [partOf('narrow', log, () => 0.01), partOf('wide', log, () => 0.5)]
  expect(await measureAll(parts, { ...plan, deadline: performance.now() + 60_000 })).toBe(true)
  expect(log.slice(0, 6)).toEqual(['narrow', 'wide', 'narrow', 'wide', 'narrow', 'wide'])
  expect(log.slice(6)).toEqual(['wide', 'wide', 'wide'])
})

test('without time each has its fewest blocks, and no more', async () => {
  const log: string[] = []
  const parts = [partOf('a', log, () => 1), partOf('b', log, () => 1)]
  await measureAll(parts, { ...plan, deadline: performance.now() - 1 })
  expect(log).toEqual(['a', 'b', 'a', 'b'])
})

test('ends when it is told to, and says so', async () => {
  const log: string[] = []
  let left = 3
  const next = async () => --left >= 0
  expect(await measureAll([partOf('a', log, () => 1)], { ...plan, next, deadline: Number.POSITIVE_INFINITY })).toBe(
    false,
  )
  expect(log).toHaveLength(3)
})

test('contention has more than two points where there are cores, and none on one', () => {
  expect(contendedThreads('quick', 1)).toEqual([])
  expect(contendedThreads('thorough', 1)).toEqual([])
  expect(contendedThreads('quick', 8)).toEqual([2, 8])
  expect(contendedThreads('default', 2)).toEqual([2])
  expect(contendedThreads('default', 12)).toEqual([2, 4, 8, 12])
  expect(contendedThreads('thorough', 2)).toEqual([2, 3, 4])
  expect(Math.max(...contendedThreads('thorough', 512))).toBeLessThanOrEqual(256)
})
