import { expect, test } from 'vitest'
import { makePlan } from '../../lib/compare/plan.ts'
import { relationOf, workingSetSizes } from '../../lib/compare/workingSets.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30

/** Machines as there are: a small cache, a huge one, one that tells nothing of its second level. */
const machines = [
  { cores: 2, l2CacheBytes: 512 * KiB, lastLevelCacheBytes: 32 * MiB, memoryBytes: 24 * GiB },
  { cores: 2, l2CacheBytes: 2 * MiB, lastLevelCacheBytes: 480 * MiB, memoryBytes: 24 * GiB },
  { cores: 64, lastLevelCacheBytes: 256 * MiB, memoryBytes: 512 * GiB },
  { cores: 1, l2CacheBytes: 256 * KiB, lastLevelCacheBytes: 8 * MiB, memoryBytes: GiB },
] as const

test.each(machines)('sets lie where their names say: %o', (machine) => {
  const { l2, lastLevel, beyond } = workingSetSizes(machine)
  expect(relationOf(l2, { l2CacheBytes: 512 * KiB, ...machine })).toBe('within L2')
  expect(relationOf(lastLevel, machine)).toBe('within the last-level cache')
  expect(lastLevel).toBeGreaterThan(l2)
  expect(beyond).toBeLessThanOrEqual(machine.memoryBytes / 16)
  expect(beyond).toBeGreaterThan(machine.lastLevelCacheBytes)
  for (const size of [l2, lastLevel, beyond]) expect(Math.log2(size) % 1).toBe(0)
})

test('beyond the caches is four times them where memory allows, and said otherwise', () => {
  const [small, huge] = machines
  expect(relationOf(workingSetSizes(small).beyond, small)).toBe('4 times the last-level cache')
  expect(workingSetSizes(huge).beyond).toBe(GiB)
  expect(relationOf(GiB, huge)).toBe('2.13 times the last-level cache')
})

test('a plan has a set in each cache and one beyond, no size twice', () => {
  for (const machine of machines) {
    const { groups } = makePlan('default', machine)
    const random = groups.filter(
      (group) => group.pattern === 'random' && group.threads === 1 && group.op === 'pin+unpin',
    )
    const sizes = random.map(({ workingSetBytes }) => workingSetBytes)
    expect(new Set(sizes).size).toBe(sizes.length)
    expect(sizes).toEqual(expect.arrayContaining(Object.values(workingSetSizes(machine))))
  }
})
