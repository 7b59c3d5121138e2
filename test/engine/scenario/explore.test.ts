import { explore, schemes, type WrittenScenario } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { ownLayout } from '../../api/ownLayout.ts'

const pin = (id: number) => ({ op: 'pin', id, via: 'gup', buf: 'a', page: 0, fast: 1 })
const unpin = (id: number) => ({ op: 'unpin', id })
const pinning: WrittenScenario = {
  name: 'two pin and unpin',
  setup: [
    { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' },
    { op: 'store', buf: 'a', value: 7 },
  ],
  threads: [
    { name: 'one', ops: [pin(1), unpin(1)] },
    { name: 'two', ops: [pin(2), unpin(2)] },
  ],
} as unknown as WrittenScenario

const queries: WrittenScenario = {
  name: 'two look',
  setup: pinning.setup,
  threads: [
    { name: 'one', ops: [{ op: 'load', buf: 'a' }] },
    { name: 'two', ops: [{ op: 'load', buf: 'a' }] },
  ],
} as unknown as WrittenScenario

describe('an exploration of a scenario', () => {
  test('takes schemes and layouts of ones own', async () => {
    const scheme = schemes.define({ name: 'scenario-own', protocol: 'add', place: 'refcount', refsPerPin: 1024 })
    const layout = ownLayout('scenario-layout')
    const own = await explore(pinning, { scheme, layout, samples: 50 })
    const builtin = await explore(pinning, { samples: 50 })
    expect(own.outcomes.clean).toBe(50)
    expect(own.hash).toBe(builtin.hash)
  })

  test('finds a quirk that is on', async () => {
    const found = await explore(pinning, { quirks: ['put-for-unpin'], samples: 20 })
    expect(found.outcomes.violation + found.outcomes.leak).toBe(20)
    expect(String(found)).toContain('quirks')
    expect((await explore(pinning, { samples: 20 })).outcomes.clean).toBe(20)
  })

  test('depth first is complete, and says so', async () => {
    const found = await explore(queries, { strategy: 'depth-first', samples: 100_000 })
    expect(found).toMatchObject({ stoppedBy: 'complete', complete: true })
    expect(found.outcomes.clean).toBe(found.schedules)
    expect(found.distinct).toBe(found.schedules)
    expect(String(found)).toContain('complete')
    const bounded = await explore(pinning, { strategy: 'depth-first', samples: 3 })
    expect(bounded).toMatchObject({ stoppedBy: 'schedules', complete: false, schedules: 3 })
  })

  test('reduction is complete with fewer schedules, and says what it is worth', async () => {
    const classes = await explore(queries, { strategy: 'dpor', samples: 100_000 })
    expect(classes).toMatchObject({
      stoppedBy: 'complete',
      complete: true,
      explored: 1,
      missedAtMost: null,
      bound: null,
    })
    expect(classes.classes).toBe(classes.schedules)
    expect(classes.estimate).toBe(classes.classes)
    expect(classes.guarantee).toContain(`complete: ${classes.classes} class`)
    expect(String(classes)).toContain(classes.guarantee)
    const some = await explore(pinning, { strategy: 'dpor', samples: 1 })
    expect(some.complete || (some.explored ?? 0) < 1).toBe(true)
  })

  test('goes up by one preemption, to a bound', async () => {
    const none = await explore(queries, { strategy: 'depth-first', bound: 0, samples: 1000 })
    expect(none).toMatchObject({ complete: false, bound: 0, schedules: 2, classes: 0 })
    expect(none.guarantee).toContain('bound 0')
    const one = await explore(queries, { strategy: 'depth-first', bound: 1, samples: 10_000 })
    expect(one.bound).toBe(1)
    expect(one.schedules).toBeGreaterThan(none.schedules)
  })

  test('draws in several ways, each with its worth and a name for who hit', async () => {
    for (const strategy of ['pct', 'pos', 'urw', 'surw'] as const) {
      const found = await explore(pinning, { strategy, samples: 20, quirks: ['put-for-unpin'] })
      expect(found.first[0]?.strategy).toBe(strategy)
      expect(found.guarantee).toContain(strategy)
      expect(found.missedAtMost === null).toBe(strategy !== 'pct')
      const again = await explore(pinning, { strategy, firstRun: 3, samples: 1, quirks: ['put-for-unpin'] })
      expect(again.first[0]?.scheduleHash).toBe(found.first.find(({ run }) => run === 3)?.scheduleHash)
    }
    const all = await explore(queries, { strategy: 'portfolio', samples: 100_000 })
    expect(all.complete).toBe(true)
  })

  test('has a program of its own for each sample, or one for all', async () => {
    const random = { name: 'mix', mixes: [{ mm: 1 }] }
    const each = await explore(random, { samples: 30, ops: 3 })
    const one = await explore(random, { samples: 30, ops: 3, samplesEach: 0 })
    expect(one.hash).not.toBe(each.hash)
    expect((await explore(random, { samples: 30, ops: 3, samplesEach: 0 })).hash).toBe(one.hash)
    expect((await explore(random, { samples: 30, ops: 3, samplesEach: 0, workloadSeed: 2 })).hash).not.toBe(one.hash)
  })

  test('refuses by name what it does not have', async () => {
    const refusal = (options: object) => explore(pinning, options).catch((error: Error) => error.message)
    expect(await refusal({ strategy: 'luck' })).toContain('depth-first')
    expect(await refusal({ strategy: 'depth-first', samplesEach: 2 })).toContain('one program')
    expect(await refusal({ strategy: 'portfolio', samplesEach: 2 })).toContain('one program')
    expect(await refusal({ strategy: 'depth-first', bound: 65 })).toContain('0 to 64')
    expect(await refusal({ strategy: 'depth-first', bound: -1 })).toContain('0 to 64')
    expect(await refusal({ strategy: 'dpor', bound: 1 })).toContain('depth-first')
    expect(await refusal({ strategy: 'pct', depth: 0 })).toContain('1 to 3')
    expect(await refusal({ strategy: 'random', depth: 2 })).toContain('pct')
    expect(await refusal({ quirks: ['double-last-unpin'] })).toContain('refcount-bias')
    expect(await refusal({ ops: 4097 })).toContain('1 to 4096')
  })
})
