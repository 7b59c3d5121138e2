// Rules, quirks and options through every door of the API.
import { describe, expect, test } from 'vitest'
import { Box, explore, explorePins, kernelRules, quirks, race, ruleSets, run, scenario } from '../../lib/index.ts'
import { runRecording } from '../../lib/engine/recording/runRecording.ts'
import { native } from '../../lib/native/load.ts'

const code = (name: string, message: RegExp) =>
  expect.objectContaining({ code: name, message: expect.stringMatching(message) })

const forked = scenario('pin against fork', { pages: 256 }, (b) => {
  const buf = b.mmap({ pages: 1 })
  b.thread('dma', (t) => {
    t.store(buf, 1)
  })
})

describe('rules', () => {
  test('v6.12 and v4.20 can be had, v7.2 is refused by the names of what is missing', () => {
    expect(ruleSets().map(({ name, missing }) => [name, missing === ''])).toEqual([
      ['v4.20', true],
      ['v6.12', true],
      ['v7.2', false],
    ])
    const missing = kernelRules().filter(({ afterExists }) => !afterExists)
    expect(missing.length).toBeGreaterThan(0)
    for (const { name } of missing)
      expect(() => Box.create({ pages: 64, rules: 'v7.2' })).toThrow(code('ERR_PAGEBOX_RULES', new RegExp(`'${name}'`)))
  })

  test('a box has those of its layout, or those that it is told', () => {
    const of = (options: object): unknown => {
      const box = Box.create({ pages: 64, ...options })
      const { era } = box.layout
      box.close()
      return [era.zoneDeviceBase, era.privateBase, era.anonExclusive]
    }
    expect(of({})).toEqual([1, 0, true])
    expect(of({ layout: 'linux-4.20' })).toEqual([1, 1, false])
    expect(of({ layout: 'linux-4.20', rules: 'v4.20' })).toEqual([1, 1, false])
    expect(of({ layout: 'linux-6.12-32', rules: 'v4.20' })).toEqual([1, 1, false])
  })

  test('what the layout has no word for is refused', () => {
    const wrong = code('ERR_PAGEBOX_RULES', /owner_2/)
    expect(() => Box.create({ pages: 64, layout: 'linux-4.20', rules: 'v6.12' })).toThrow(wrong)
    expect(() => run(forked, { layout: 'linux-6.12', rules: 'v4.20' })).toThrow(wrong)
  })

  test('an unknown kernel is refused with those that there are', async () => {
    const wrong = code('ERR_PAGEBOX_ARG_RANGE', /v4\.20.*v6\.12.*v7\.2/)
    expect(() => Box.create({ pages: 64, rules: 'v5.10' })).toThrow(wrong)
    expect(() => run(forked, { rules: 'v5.10' })).toThrow(wrong)
    await expect(race(forked, { rules: 'v5.10', rounds: 1 })).rejects.toEqual(wrong)
    await expect(explore(forked, { rules: 'v5.10', samples: 1 })).rejects.toEqual(wrong)
    await expect(explorePins({ rules: 'v5.10', schedules: 1 })).rejects.toEqual(wrong)
  })

  test('every engine takes them', async () => {
    const on = { layout: 'linux-4.20', rules: 'v4.20' }
    expect(run(forked, on).audit).toEqual([])
    expect((await race(forked, { ...on, rounds: 1 })).audit.clean).toBe(true)
    expect((await explore(forked, { ...on, strategy: 'random', samples: 5 })).outcomes.clean).toBe(5)
    expect((await explorePins({ ...on, schedules: 5 })).violations).toBe(0)
  })

  test('a recording is run by those of its kernel', () => {
    const recording = { name: 'x', ops: [], results: [] }
    expect(runRecording(recording, {}).audit).toEqual([])
    expect(runRecording({ ...recording, kernel: '6.12' }, {}).audit).toEqual([])
    expect(() => runRecording({ ...recording, kernel: '7.2' }, {})).toThrow(code('ERR_PAGEBOX_RULES', /v7\.2/))
    expect(runRecording({ ...recording, kernel: '7.2' }, { rules: 'v6.12' }).audit).toEqual([])
    expect(() => runRecording({ ...recording, kernel: '9.9' }, {})).toThrow(code('ERR_PAGEBOX_ARG_RANGE', /v9\.9/))
  })
})

describe('quirks', () => {
  test('are one table, with pins, memory management and devices', () => {
    expect(new Set(quirks().map(({ room }) => room))).toEqual(new Set(['pins', 'mm', 'zone_device']))
    expect(() => (quirks() as unknown[]).pop()).toThrow(TypeError)
  })

  test('that cannot show are refused with the reason', async () => {
    const refused = (options: object): unknown => {
      try {
        Box.create({ pages: 64, ...options }).close()
      } catch (error) {
        return error
      }
    }
    const fork = ['fork-shares-pinned']
    expect(refused({ layout: 'linux-6.12-32', quirks: fork })).toEqual(code('ERR_PAGEBOX_ARG_RANGE', /8-byte words/))
    expect(refused({ quirks: ['soft-dirty-forgets-pins'] })).toEqual(
      code('ERR_PAGEBOX_ARG_RANGE', /without 'anon-exclusive'.*'refcount-bias' can show .*'fork-shares-pinned'/),
    )
    expect(refused({ layout: 'linux-4.20', quirks: ['soft-dirty-forgets-pins'] })).toBeUndefined()
    const unknown = code('ERR_PAGEBOX_ARG_RANGE', /options\.quirks\[0\]/)
    expect(refused({ quirks: ['no-such'] })).toEqual(unknown)
    await expect(explore(forked, { quirks: ['no-such'] })).rejects.toEqual(unknown)
  })

  test('of memory management show in a box: fork leaves a pin behind', () => {
    const lost = (quirks: string[]): boolean => {
      const box = Box.create({ pages: 1024, quirks })
      const mm = box.createMm()
      const buf = mm.mmap({ pages: 1 })
      buf.store(0, 1n)
      const pins = buf.pin({ write: true })
      const child = mm.fork()
      buf.store(0, 2n)
      const moved = buf.pagemap()[0]?.pfn !== pins.pfns[0]
      pins.unpin()
      child.close()
      box.close()
      return moved
    }
    expect(lost([])).toBe(false)
    expect(lost(['fork-shares-pinned'])).toBe(true)
  })

  test('of a scenario hold in every engine, unless its options say otherwise', async () => {
    const quirky = { ...forked, quirks: ['soft-dirty-forgets-pins'] }
    const wrong = code('ERR_PAGEBOX_ARG_RANGE', /scenario\.quirks\[0\]/)
    expect(() => run(quirky)).toThrow(wrong)
    await expect(race(quirky, { rounds: 1 })).rejects.toEqual(wrong)
    await expect(explore(quirky, { samples: 1 })).rejects.toEqual(wrong)
    expect(run(quirky, { quirks: [] }).audit).toEqual([])
    expect(run(quirky, { layout: 'linux-4.20' }).audit).toEqual([])
  })
})

test('native code takes no name that is in no table', () => {
  const { behaviourRefusals } = native()
  const machine = { scheme: 'refcount-bias', layout: 'linux-6.12' }
  for (const behaviour of [
    { rules: 'no-such', quirks: [], options: [] },
    { rules: '', quirks: ['no-such'], options: [] },
    { rules: '', quirks: [], options: ['no-such'] },
  ])
    expect(behaviourRefusals({ ...machine, behaviour })).toMatchObject({ status: 22 })
})
