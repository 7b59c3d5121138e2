import { Box, pageTypes, race, room, run, scenario, type SchemeDefinition, schemes, type PageboxError } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { expectAgreement } from './agreement.ts'
import {
  claimedThreshold,
  measureBoundary,
  measureFalsePositives,
  thresholdDisagreement,
} from '../../lib/compare/boundaries.ts'
import { pagebox } from '../../lib/cli/subject.ts'
import type { Layout } from '../../lib/page/layout.ts'
import { mine } from '../cli/ownFiles.ts'

const states = mine.states
const notFull = { ...states[1], clear: 'not-full' } as const

/** The same eight bits, with each limit, in free bits of the flags. */
const inFlags = {
  refuse: schemes.define({ ...mine, name: 'flags-refuse', atLimit: 'refuse', states: [states[0], notFull, states[2]] }),
  saturate: schemes.define({ ...mine, name: 'flags-saturate' }),
  spill: schemes.define({ ...mine, name: 'flags-spill', atLimit: 'spill', states: [states[0], notFull, states[2]] }),
}

/** And in a list word, where the first pin isolates. */
const inList = (['refuse', 'saturate', 'spill'] as const).map((atLimit) =>
  schemes.define({
    name: `list-${atLimit}`,
    protocol: 'packed-word',
    countWord: 2,
    countShift: 8,
    countBits: 4,
    pinned: { word: 2, bit: 0 },
    wasLru: { word: 2, bit: 1 },
    atLimit,
    states: [{ name: 'moved', bit: 4, set: 'isolate', clear: 'putback' }],
  }),
)
const all = [...Object.values(inFlags), ...inList]

const codeOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    return (error as PageboxError).code
  }
  return ''
}

describe('at its limit a count', () => {
  test('refuses', () => {
    expect(inFlags.refuse).toMatchObject({ maxPins: 255n, atLimit: 'refuse', answer: 'exact', countBits: 8 })
    const box = Box.create({ pages: 64, scheme: inFlags.refuse })
    box.pins.pin(3, 255)
    const before = box.page(3).words
    expect(codeOf(() => box.pins.pin(3))).toBe('ERR_PAGEBOX_PIN_LIMIT')
    expect(codeOf(() => box.pins.pinReferenced(3, 200))).toBe('ERR_PAGEBOX_PIN_LIMIT')
    expect(box.page(3).words).toEqual(before)
    expect(box.page(3).decode().pins).toEqual({ pins: 255n, exact: true })
    box.audit().assertClean()
    box.pins.unpin(3, 255)
    box.audit().assertClean()
    box.close()
  })

  test('saturates: it sticks, bounds the pins, and goes with the page', () => {
    expect(inFlags.saturate).toMatchObject({ answer: 'fuzzy', exact: false, maxPins: 2n ** 31n - 1n })
    expect(inFlags.saturate.falsePositives).toBe('a page that once had 255 or more pins at a time, until it is freed')
    expect(inFlags.saturate.visibleEffects).toContain('count-sticks')
    const box = Box.create({ pages: 64, scheme: inFlags.saturate })
    box.pins.pin(3, 254)
    expect(box.pins.pins(3)).toEqual({ pins: 254, exact: true })
    box.pins.pin(3, 1000)
    const { pins, exact } = box.pins.pins(3)
    expect(exact).toBe(false)
    expect(pins).toBeGreaterThanOrEqual(1254)
    expect(box.page(3).decode().pins).toEqual({ pins: BigInt(pins), exact: false })
    box.audit().assertClean()
    box.pins.unpin(3, 1254)
    expect(box.pins.maybePinned(3)).toBe(true)
    box.audit().assertClean()
    box.close()
  })

  test.each(all.filter(({ atLimit }) => atLimit === 'saturate'))(
    '$name: a freed page has lost what stuck',
    (scheme) => {
      const box = Box.create({ pages: 256, scheme, hugetlbPages: 0 })
      const mm = box.createMm()
      const buf = mm.mmap({ pages: 1 })
      buf.store(0, 1)
      const pfn = buf.pfns()[0] as number
      box.pins.pin(pfn, 1000)
      box.audit().assertClean()
      box.pins.unpin(pfn, 1000)
      expect(box.pins.maybePinned(pfn)).toBe(true)
      box.audit().assertClean()
      buf.unmap()
      expect(box.pins.maybePinned(pfn)).toBe(false)
      box.audit().assertClean()
      const gpu = box.addDevice({ type: 'private', pages: 64 })
      const other = mm.mmap({ pages: 1 })
      other.store(0, 1)
      gpu.migrateToDevice(other)
      box.audit().assertClean()
      box.close()
    },
  )

  test('spills: exact beyond its width', () => {
    expect(inFlags.spill).toMatchObject({ answer: 'exact', maxPins: 2n ** 31n - 1n, falsePositives: '' })
    const box = Box.create({ pages: 64, scheme: inFlags.spill })
    for (const [pinned, n] of [
      [254, 254],
      [256, 2],
      [100_256, 100_000],
    ] as const) {
      box.pins.pin(3, n)
      expect(box.pins.pins(3)).toEqual({ pins: pinned, exact: true })
    }
    box.audit().assertClean()
    box.pins.unpin(3, 100_002)
    expect(box.pins.pins(3)).toEqual({ pins: 254, exact: true })
    box.pins.unpin(3, 254)
    expect(box.pins.maybePinned(3)).toBe(false)
    box.audit().assertClean()
    box.close()
  })
})

describe('races, runs and comparisons', () => {
  test.each(all)('pins of $name, among isolation and references', async (scheme) => {
    const { audit, warnings } = await race(
      { pages: 4, scheme, pageType: 'anon' },
      {
        threads: 3,
        ops: 20_000,
        mix: { 'pin+unpin': 3, pin: 2, unpin: 2, 'get+put': 1, maybe_pinned: 1, 'isolate+putback': 1 },
      },
    )
    audit.assertClean()
    expect(warnings).toEqual([])
  })

  const s = scenario('pin against pageout', { pages: 256 }, (b) => {
    const buf = b.mmap({ pages: 4 })
    b.thread('dma', (t) => {
      for (let i = 0; i < 6; i++) t.unpin(t.pin(buf, { write: true }))
    })
    b.thread('reclaim', (t) => {
      t.pageout(buf)
      t.load(buf)
    })
  })
  test.each(all)('memory management with $name, in order and at full speed', async (scheme) => {
    expect(run(s, { scheme }).audit).toEqual([])
    expect((await race(s, { scheme, rounds: 20 })).audit).toMatchObject({ clean: true })
  })

  test.each(all)('the limits of $name are found on memory', (scheme) => {
    const layout = pagebox.layouts.find(({ name }) => name === 'linux-6.12') as Layout
    const page = { pageType: 'anon' as const, order: 0 }
    expect(measureBoundary(pagebox, scheme, layout, page).agrees).toBe(true)
    // A count of its own never takes references for pins.
    expect(claimedThreshold(scheme)).toBeNull()
    const rows = measureFalsePositives(pagebox, scheme, layout)
    const yes = rows.filter(({ maybePinned }) => maybePinned)
    // Of what saturates the search finds the width: a page that had so many pins keeps one.
    const full = 2 ** scheme.countBits - 1
    expect(yes.map(({ afterPins }) => afterPins)).toEqual(scheme.atLimit === 'saturate' ? [full] : [])
    expect(thresholdDisagreement(scheme, layout, rows)).toBeUndefined()
  })
})

describe('in room and probe', () => {
  test('free bits fit every page type, and none is left where the Kconfig leaves none', () => {
    for (const pageType of pageTypes) {
      const { cell, claims } = room({ scheme: inFlags.spill, layout: 'linux-6.12', pageType })
      expect(['fits', 'impossible', 'refused']).toContain(cell)
      if (cell === 'fits')
        expect(claims.map(({ field }) => field)).toEqual(['_refcount', 'count', 'dma', 'full', 'ever-pinned'])
    }
    const { cell, reason } = room({ scheme: inFlags.spill, layout: 'linux-4.20-32', pageType: 'anon' })
    expect(cell).toBe('refused')
    expect(reason).toContain('needs 8 free bits of page->flags in a row and 3 more')
  })

  test.each(all)('$name agrees everywhere', { timeout: 120_000 }, expectAgreement)
})

test('every scheme gives the definition that makes it again', () => {
  for (const scheme of schemes) {
    const name = `again-${scheme.name}`.slice(0, 40)
    const again = schemes.define({ ...(scheme.definition as SchemeDefinition), name })
    const { definition, ...rest } = scheme
    // Words that are prose of a built-in one, and do not follow from its constants.
    const prose = {
      name,
      builtin: false,
      falsePositives: again.falsePositives,
      locks: again.locks,
      quirks: again.quirks,
    }
    expect(again).toEqual({
      ...rest,
      ...prose,
      answer: again.answer,
      exact: again.exact,
      definition: { ...definition, name },
    })
    if (scheme.answer !== 'exact') expect(again.answer).toBe(scheme.answer)
  }
})
