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
    expect(await refusal({ quirks: ['double-last-unpin'] })).toContain('refcount-bias')
    expect(await refusal({ ops: 4097 })).toContain('1 to 4096')
  })
})
