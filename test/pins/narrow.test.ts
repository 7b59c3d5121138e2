// Counts of any width in every protocol, with what each does at its limit.
import {
  Box,
  type LayoutDefinition,
  layouts,
  type PageType,
  PageboxError,
  race,
  room,
  run,
  scenario,
  type Scheme,
  type SchemeDefinition,
  schemes,
} from 'pagebox'
import { describe, expect, test } from 'vitest'
import { expectAgreement } from './agreement.ts'
import { measureBoundary, measureFalsePositives, thresholdDisagreement } from '../../lib/compare/boundaries.ts'
import { memoryOf } from '../../lib/compare/memory.ts'
import { pagebox } from '../../lib/cli/subject.ts'
import type { Layout } from '../../lib/page/layout.ts'

const limits = ['refuse', 'saturate', 'spill'] as const
type Limit = (typeof limits)[number]

/** Each protocol, in a place that nobody else uses or that is dead while a page is off its list. */
const kinds: Record<string, Omit<SchemeDefinition, 'name'>> = {
  'add-word': { protocol: 'add', countWord: 3, countShift: 40, types: ['page-table'] },
  'add-counter': { protocol: 'add', place: 'counter', countShift: 3 },
  'flag-word': {
    protocol: 'flag-and-word',
    countWord: 2,
    countShift: 12,
    pinned: { word: 0, bit: 'lowest-free' },
    wasLru: { word: 1, bit: 1 },
  },
  overlay: {
    protocol: 'list-overlay',
    countWord: 2,
    countShift: 20,
    pinned: { word: 1, bit: 1 },
    wasLru: { word: 1, bit: 2 },
  },
  table: { protocol: 'external', place: 'side-table' },
}
const bits = 5
const full = 2 ** bits - 1

const all = Object.entries(kinds).flatMap(([kind, definition]) =>
  limits
    .filter((atLimit) => kind !== 'table' || atLimit !== 'spill')
    .map((atLimit) => schemes.define({ ...definition, name: `narrow-${kind}-${atLimit}`, countBits: bits, atLimit })),
)
const of = (limit: Limit) => all.filter(({ atLimit }) => atLimit === limit)

const codeOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    return (error as PageboxError).code
  }
  return ''
}
/** The type of page in which the scheme has room. */
const typeFor = (scheme: Scheme): PageType => (scheme.types.includes('anon') ? 'anon' : 'page-table')
const boxOf = (scheme: Scheme): Box => {
  const box = Box.create({ pages: 64, scheme, layout: 'linux-6.12' })
  const type = typeFor(scheme)
  box.setup(3, { type, onLru: type === 'anon' })
  return box
}

describe('at its limit', () => {
  test.each(of('refuse'))('$name refuses', (scheme) => {
    expect(scheme).toMatchObject({ maxPins: BigInt(full), atLimit: 'refuse', answer: 'exact', countBits: bits })
    const box = boxOf(scheme)
    box.pins.pin(3, full - 1)
    box.pins.pin(3)
    expect(box.pins.pins(3)).toEqual({ pins: full, exact: true })
    const before = box.page(3).words
    expect(codeOf(() => box.pins.pin(3))).toBe('ERR_PAGEBOX_PIN_LIMIT')
    expect(codeOf(() => box.pins.pinReferenced(3, 20))).toBe('ERR_PAGEBOX_PIN_LIMIT')
    expect(box.page(3).words).toEqual(before)
    box.audit().assertClean()
    box.pins.unpin(3, full)
    expect(box.pins.maybePinned(3)).toBe(false)
    // One that is too large from the first is refused before the page leaves its list.
    const idle = box.page(3).words
    expect(codeOf(() => box.pins.pin(3, full + 1))).toBe('ERR_PAGEBOX_PIN_LIMIT')
    expect(box.page(3).words).toEqual(idle)
    box.audit().assertClean()
    box.close()
  })

  test.each(of('saturate'))('$name saturates: it sticks until the page is freed', (scheme) => {
    expect(scheme).toMatchObject({ answer: 'fuzzy', exact: false })
    expect(scheme.visibleEffects).toContain('count-sticks')
    expect(scheme.falsePositives).toContain(`a page that once had ${full} or more pins at a time`)
    const box = boxOf(scheme)
    box.pins.pin(3, full - 1)
    expect(box.pins.pins(3)).toEqual({ pins: full - 1, exact: true })
    box.pins.pin(3, 100)
    const { pins, exact } = box.pins.pins(3)
    expect(exact).toBe(false)
    expect(pins).toBeGreaterThanOrEqual(full + 99)
    box.audit().assertClean()
    box.pins.unpin(3, full + 99)
    expect(box.pins.maybePinned(3)).toBe(true)
    box.audit().assertClean()
    box.close()
  })

  test.each(of('saturate').filter((scheme) => typeFor(scheme) === 'anon'))(
    '$name: a freed page has lost what stuck, and so have its neighbours kept theirs',
    (scheme) => {
      const box = Box.create({ pages: 256, scheme, hugetlbPages: 0 })
      const mm = box.createMm()
      const buf = mm.mmap({ pages: 3 })
      for (let page = 0; page < 3; page++) buf.store(page, 1)
      const [before, pfn, after] = buf.pfns() as [number, number, number]
      for (const each of [before, pfn, after]) box.pins.pin(each, each === pfn ? 1000 : 2)
      box.audit().assertClean()
      box.pins.unpin(pfn, 1000)
      expect(box.pins.maybePinned(pfn)).toBe(true)
      buf.slice(1, 1).unmap()
      expect(box.pins.maybePinned(pfn)).toBe(false)
      for (const each of [before, after]) expect(box.pins.pins(each)).toEqual({ pins: 2, exact: true })
      box.audit().assertClean()
      box.close()
    },
  )

  test.each(of('spill'))('$name spills: exact beyond its width', (scheme) => {
    expect(scheme).toMatchObject({ answer: 'exact', maxPins: 2n ** 31n - 1n, falsePositives: '' })
    const box = boxOf(scheme)
    let held = 0
    for (const n of [full - 1, 2, 1000]) {
      box.pins.pin(3, n)
      held += n
      expect(box.pins.pins(3)).toEqual({ pins: held, exact: true })
      box.audit().assertClean()
    }
    box.pins.unpin(3, 1001)
    expect(box.pins.pins(3)).toEqual({ pins: full - 0, exact: true })
    box.pins.unpin(3, full)
    expect(box.pins.maybePinned(3)).toBe(false)
    box.audit().assertClean()
    box.close()
  })
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

describe('under races and on memory', () => {
  const fits = all.filter(({ name }) => !name.includes('add-word'))

  test.each(fits)('pins of $name, among isolation and references', async (scheme) => {
    const mix = { 'pin+unpin': 3, pin: 2, unpin: 2, 'get+put': 1, maybe_pinned: 1, 'isolate+putback': 1 }
    const { audit, warnings } = await race({ pages: 4, scheme, pageType: 'anon' }, { threads: 3, ops: 20_000, mix })
    audit.assertClean()
    expect(warnings).toEqual([])
  })

  test.each(fits)('memory management with $name, in order and at full speed', async (scheme) => {
    expect(run(s, { scheme }).audit).toEqual([])
    expect((await race(s, { scheme, rounds: 20 })).audit).toMatchObject({ clean: true })
  })

  test.each(all)('the limit of $name is found on memory', (scheme) => {
    const layout = pagebox.layouts.find(({ name }) => name === 'linux-6.12') as Layout
    expect(measureBoundary(pagebox, scheme, layout, { pageType: typeFor(scheme), order: 0 }).agrees).toBe(true)
    if (typeFor(scheme) !== 'anon') return
    const rows = measureFalsePositives(pagebox, scheme, layout)
    const yes = rows.filter(({ maybePinned }) => maybePinned)
    expect(yes.map(({ afterPins }) => afterPins)).toEqual(scheme.atLimit === 'saturate' ? [full] : [])
    expect(thresholdDisagreement(scheme, layout, rows)).toBeUndefined()
  })

  test.each(all)('$name agrees in room and probe, everywhere', { timeout: 120_000 }, expectAgreement)
})

describe('a width or limit that makes no sense', () => {
  const refusal = (definition: Omit<SchemeDefinition, 'name'>): string => {
    try {
      schemes.define({ name: 'makes-no-sense', ...definition })
    } catch (error) {
      if (error instanceof PageboxError) return error.message
    }
    return 'was defined'
  }
  test.each([
    [{ protocol: 'add', place: 'refcount', atLimit: 'saturate' }, '_refcount counts references too'],
    [{ protocol: 'add', place: 'refcount', countBits: 8 }, '_refcount counts references too'],
    [{ protocol: 'add', place: 'mapcount', countBits: 8 }, '_mapcount is the count of mappings'],
    [{ protocol: 'add', place: 'mapcount', atLimit: 'spill' }, '_mapcount is the count of mappings'],
    [{ protocol: 'external', place: 'sharded', countBits: 8 }, 'only ever grow'],
    [{ protocol: 'external', place: 'sharded', atLimit: 'saturate' }, 'only ever grow'],
    [{ protocol: 'external', place: 'side-table', countBits: 4, atLimit: 'spill' }, 'this count is there'],
    [{ protocol: 'external', place: 'side-table', countBits: 4, countShift: 2 }, 'its entries hold nothing else'],
    [{ protocol: 'add', place: 'counter', countBits: 8, countShift: 30 }, 'this place has 32'],
    [{ protocol: 'add', countWord: 3, countBits: 40 }, 'at most 32 bits'],
    [{ protocol: 'flag-and-word', countWord: 3, countBits: 0, pinned: { word: 0, bit: 40 } }, 'at least one bit'],
  ] as const)('%o is refused, and why is said', (definition, why) => {
    expect(refusal(definition as Omit<SchemeDefinition, 'name'>)).toContain(why)
  })

  test('a list word of 4 bytes keeps its highest bit, which tells links', () => {
    const scheme = schemes.define({ ...kinds['flag-word']!, name: 'top-bit', countShift: 24, countBits: 8 })
    expect(room({ scheme, layout: 'linux-6.12-32', pageType: 'anon' })).toMatchObject({ cell: 'refused' })
    expect(room({ scheme, layout: 'linux-6.12-32', pageType: 'anon' }).reason).toContain('highest bit of a list word')
    expect(room({ scheme, layout: 'linux-6.12', pageType: 'anon' }).cell).toBe('fits')
  })
})

test('a table of narrow counts costs its bits, and what spills its table', () => {
  const layout = layouts.get('linux-6.12')
  const table = (countBits: number) =>
    schemes.define({ name: `table-of-${countBits}`, protocol: 'external', place: 'side-table', countBits })
  expect(memoryOf(table(8), layout, 4)).toMatchObject({ bytesPerPage: 1 })
  expect(memoryOf(table(3), layout, 4)).toEqual({
    bytesPerPage: 0.5,
    text: 'a table beside the descriptors, 4 bits a page',
  })
  const counter = all.find(({ name }) => name === 'narrow-add-counter-spill')!
  expect(memoryOf(counter, layout, 4).bytesPerPage).toBe(20)
})

describe('a named field', () => {
  const inField = (name: string, field: string, more: Partial<SchemeDefinition> = {}) =>
    schemes.define({ name, protocol: 'add', place: { field }, ...more })
  const index = inField('in-index', 'index')

  test('is where the layout has it, on each that has it', () => {
    expect(index).toMatchObject({ place: 'word', field: 'index', where: "the field 'index', bits 0..31" })
    expect(index.definition).toMatchObject({ place: { field: 'index' } })
    for (const layout of layouts) {
      const field = layout.fields.find(({ name, types }) => name === 'index' && types.includes('anon'))!
      const { claims } = room({ scheme: index, layout, pageType: 'anon' })
      expect(claims, layout.name).toContainEqual(
        expect.objectContaining({ field: 'count', tail: 0, offsetBytes: field.offsetBytes, bits: 32 }),
      )
    }
  })

  test('is refused by name where the layout lacks it', () => {
    const scheme = inField('in-gone', 'gone')
    const cell = room({ scheme, layout: 'linux-6.12', pageType: 'anon' })
    expect(cell).toMatchObject({ cell: 'refused', reason: "in-gone cannot be here: linux-6.12 has no field 'gone'" })
    expect(codeOf(() => Box.create({ pages: 8, scheme, layout: 'linux-6.12' }))).toMatch(/^ERR_PAGEBOX_/)
    expect(() => Box.create({ pages: 8, scheme, layout: 'linux-6.12' })).toThrow(/gone/)
  })

  test.each([
    ['_pincount', "place 'tail' counts in those"],
    ['_mapcount', 'lies over its counts of references and mappings'],
    ['inuse', 'has 16'],
  ])('%s cannot be one, and why is said', (field, why) => {
    const scheme = inField(`in-${field.replace('_', 'x')}`, field)
    expect(room({ scheme, layout: 'linux-6.12', pageType: 'slab' }).reason).toContain(why)
  })

  test('moves with the layout', () => {
    const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...rest } =
      layouts.get('linux-6.12')
    const definition = structuredClone(rest) as LayoutDefinition
    const fields = definition.fields.map((field) =>
      field.name === 'index'
        ? { ...field, offsetBytes: 40 }
        : field.name === 'private'
          ? { ...field, offsetBytes: 32 }
          : field,
    )
    const swapped = layouts.define({ ...definition, name: 'index-and-private-swapped', fields })
    const { claims } = room({ scheme: index, layout: swapped.name, pageType: 'file' })
    expect(claims).toContainEqual(expect.objectContaining({ field: 'count', offsetBytes: 40 }))
  })

  test('counts, and is decoded, with flags beside it', () => {
    const scheme = inField('packed-in-private', 'private', {
      protocol: 'packed-word',
      countShift: 8,
      countBits: 8,
      atLimit: 'saturate',
      states: [{ name: 'dma', bit: 0, set: 'first-pin', clear: 'last-unpin' }],
    })
    const box = Box.create({ pages: 64, scheme, layout: 'linux-6.12' })
    box.pins.pin(3, 7)
    expect(box.page(3).words[5]).toBe(0x701n)
    expect(box.page(3).decode().pins).toEqual({ pins: 7n, exact: true })
    box.pins.unpin(3, 7)
    expect(box.page(3).words[5]).toBe(0n)
    box.close()
    // Made again of what it prints.
    const again = schemes.define({ ...(scheme.definition as SchemeDefinition), name: 'packed-again' })
    expect(again.definition).toEqual({ ...scheme.definition, name: 'packed-again' })
  })

  test('of the list words takes the page off its list', async () => {
    const scheme = inField('overlay-by-name', 'lru.prev', {
      protocol: 'list-overlay',
      pinned: { field: 'lru.next', bit: 1 },
      wasLru: { field: 'lru.next', bit: 2 },
    })
    const same = { layout: 'linux-6.12', pageType: 'anon' as const, order: 0 }
    const { claims } = room({ ...same, scheme: 'lru-overlay' })
    expect(room({ ...same, scheme }).claims).toEqual(claims)
    expect(run(s, { scheme }).audit).toEqual([])
    ;(await race({ pages: 4, scheme, pageType: 'anon' }, { threads: 3, ops: 20_000 })).audit.assertClean()
  })

  test.each([
    [{ place: { field: 'index' }, countWord: 2 }, /countWord.*nothing where a field is named/],
    [{ place: { field: '' } }, /place\.field/],
    [{ place: { feld: 'index' } }, /feld|field/],
    [{ place: { field: 'x'.repeat(65) } }, /1 to 64 letters/],
    [{ place: { field: 'a\u001bb' } }, /place\.field/],
    [{ place: { field: 'flags' } }, /page->flags is word 0/],
    [{ place: { field: 'index' }, countShift: 'lowest-free' }, /lowest-free/],
  ])('%o is refused', (part, what) => {
    expect(() => schemes.define({ name: 'wrong', protocol: 'add', ...part } as SchemeDefinition)).toThrow(what)
  })
})
