import { describe, expect, test } from 'vitest'
import { errorCodes, explorePins, layouts, measureCost, prepareCost, schemes, version } from 'pagebox'
import { stoppedOnceBegun } from '../stopping.ts'
import { ownLayout } from './ownLayout.ts'

describe('a measurement', () => {
  test.each(schemes.names.filter((name) => name !== 'packed-32'))('of %s, against its limit', (scheme) => {
    for (const loop of ['scheme', 'limit', 'none'] as const) {
      const sampler = prepareCost({ scheme, pages: 64, pattern: 'random', loop })
      const { ns, ops } = sampler.sample(10_000)
      expect(ops).toBe(10_000)
      expect(ns).toBeGreaterThan(0)
      sampler.close()
      sampler.close()
      expect(() => sampler.sample(1)).toThrow(expect.objectContaining({ code: 'ERR_PAGEBOX_CLOSED' }))
    }
  })

  test('holds its thread for a second or so at most', () => {
    for (const [threads, most] of [
      [1, 2 ** 27],
      [4, 2 ** 25],
    ] as const) {
      using sampler = prepareCost({ scheme: 'refcount', pages: 1, threads })
      for (const on of [sampler, sampler.beside({ op: 'maybe_pinned' })])
        for (const ops of [most + 1, 2 ** 31, 2 ** 53])
          expect(() => on.sample(ops)).toThrow(
            expect.objectContaining({ code: 'ERR_PAGEBOX_ARG_RANGE', allowed: `an integer from 1 to ${most}` }),
          )
    }
    using sampler = prepareCost({ scheme: 'refcount', pages: 1, op: 'maybe_pinned' })
    expect(sampler.sample(2 ** 27).ops).toBe(2 ** 27)
  })

  test('in one call', () => {
    expect(measureCost({ scheme: 'refcount', pages: 1, threads: 2 }, 1000).ops).toBe(1000)
  })
})

describe('an exploration', () => {
  test('is a function of its seed', async () => {
    const first = await explorePins({ scheme: 'packed-64', schedules: 500, seed: 3 })
    const second = await explorePins({ scheme: 'packed-64', schedules: 500, seed: 3 })
    const other = await explorePins({ scheme: 'packed-64', schedules: 500, seed: 4 })
    expect(first.hash).toBe(second.hash)
    expect(first.hash).not.toBe(other.hash)
    expect(first).toMatchObject({ schedules: 500, violations: 0, seed: 3n })
  })

  test('finds a quirk that is on, and can be repeated', async () => {
    const options = { scheme: 'lru-overlay', layout: 'linux-4.20', quirks: ['double-last-unpin'], folios: 1, seed: 1 }
    const { violations, first } = await explorePins({ ...options, schedules: 50_000 })
    expect(violations).toBeGreaterThan(0)
    expect(first.map(({ invariant }) => invariant)).toContain('unpin-accepted')
    const again = await explorePins({ ...options, schedules: 1, firstRun: first[0]!.run })
    expect(again.first[0]).toEqual(first[0])
  })

  test('is stopped by its signal', async () => {
    const { schedules } = await explorePins({ schedules: 1e9, ...stoppedOnceBegun() })
    expect(schedules).toBeLessThan(1e9)
  })

  test('takes schemes and layouts of ones own as it takes built-in ones', async () => {
    const scheme = schemes.define({ name: 'explored-own', protocol: 'add', place: 'refcount' })
    const layout = ownLayout('explored-layout')
    const own = await explorePins({ scheme, layout, schedules: 200 })
    const builtin = await explorePins({ scheme: 'refcount', schedules: 200 })
    expect(own).toMatchObject({ schedules: 200, violations: 0, hash: builtin.hash })
  })

  test('says what is allowed', async () => {
    const refusal = (options: object) => explorePins(options).catch((error: Error) => error.message)
    expect(await refusal({ ops: 17 })).toContain('1 to 16')
    expect(await refusal({ threads: 4 })).toContain('2 to 3')
    expect(await refusal({ folios: 9 })).toContain('1 to 8')
    expect(await refusal({ order: 10 })).toContain('0 to 9')
  })

  test('is explored by the loop of explore: rows of the audit, traces, any layout', async () => {
    const options = { scheme: 'flag-and-word', quirks: ['flag-without-count'], folios: 1, schedules: 2000 }
    const { first } = await explorePins(options)
    const [found] = first.filter(({ row }) => row?.invariant === 'maybe-pinned-sound')
    expect(found).toMatchObject({
      end: 'clean',
      invariant: 'maybe-pinned-sound',
      pfn: 0,
      row: { place: { kind: 'page', pfn: 0 }, field: 'maybe_pinned', expected: 1n, found: 0n },
    })
    expect(found!.text).toContain('maybe-pinned-sound at page 0')
    expect(found!.trace.some((line) => line.includes('maybe_pinned'))).toBe(true)
    // No memory management runs on words of 4 bytes.
    const small = await explorePins({ scheme: 'refcount', layout: 'linux-6.12-32', order: 1, schedules: 200 })
    expect(small).toMatchObject({ schedules: 200, violations: 0, stoppedBy: 'schedules' })
  })

  test('ends with what it has where memory is used up', async () => {
    // Eight bytes to tell each schedule from the others.
    const some = await explorePins({ ops: 1, folios: 1, schedules: 1e6, memoryBytes: 2 ** 20 })
    expect(some.stoppedBy).toBe('memory')
    expect(some.schedules).toBeGreaterThan(0)
    expect(some.schedules).toBeLessThanOrEqual(2 ** 17)
    const refused = await explorePins({ memoryBytes: 5 }).catch((error: Error) => error.message)
    expect(refused).toContain('1048576 to')
  })

  test('draws what threads do from a seed of its own', async () => {
    const of = (workloadSeed: number, seed: number) => explorePins({ workloadSeed, seed, schedules: 200 })
    const once = await of(1, 1)
    expect((await of(1, 1)).hash).toBe(once.hash)
    expect((await of(2, 1)).hash).not.toBe(once.hash)
    expect((await of(1, 2)).hash).not.toBe(once.hash)
  })
})

test('every code says what it means', () => {
  for (const [code, meaning] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^ERR_PAGEBOX_[A-Z_]+$/)
    expect(meaning).toMatch(/\.$/)
  }
})

test('what everybody shares cannot be changed', () => {
  const layout = layouts.get('linux-6.12')
  expect(Object.isFrozen(layout)).toBe(true)
  expect(Object.isFrozen(layout.fields[0])).toBe(true)
  expect(Object.isFrozen(schemes.get('refcount'))).toBe(true)
  expect(version).toMatch(/^\d+\.\d+\.\d+/)
})
