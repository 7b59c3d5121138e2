import { describe, expect, test } from 'vitest'
import {
  Box,
  importBtf,
  type LayoutDefinition,
  layouts,
  type PincountPlace,
  probe,
  race,
  room,
  run,
  scenario,
  schemes,
  toLayoutDeclaration,
} from 'pagebox'
import { kernel } from '../btf/kernel.ts'

let defined = 0
/** A built-in layout whose pin count is elsewhere. */
function moved(base: string, pincount: Partial<PincountPlace> & { tail: number; offsetBytes: number }): string {
  const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...rest } = layouts.get(base)
  const definition = structuredClone(rest) as LayoutDefinition
  const name = `tail-${++defined}`
  layouts.define({ ...definition, name, pincount })
  return name
}

const narrow = (countBits: number, atLimit: 'refuse' | 'saturate' | 'spill') =>
  schemes.define({
    name: `tail-${countBits}-${atLimit}`,
    protocol: 'add',
    place: 'tail',
    refsPerPin: 1024,
    countBits,
    atLimit,
  })

const orders = [0, 1, 2, 3, 9]
function everyCellAgrees(layout: string): void {
  for (const { name: scheme } of schemes)
    for (const pageType of layouts.get(layout).types)
      for (const order of orders) {
        const cell = { scheme, layout, pageType, order }
        const { cell: said, collisions } = room(cell)
        expect(probe(cell), JSON.stringify(cell)).toMatchObject({ cell: said, damaged: collisions })
      }
}

const places = [
  ['linux-6.12', 3, 16],
  ['linux-6.12', 5, 24],
  ['linux-6.12', 300, 40],
  ['linux-7.2', 4, 36],
  ['linux-4.20', 7, 32],
  ['linux-6.12-32', 3, 12],
] as const

describe.each(places)('%s with the pin count in page[%i], byte %i', (base, tail, offsetBytes) => {
  const layout = moved(base, { tail, offsetBytes })
  const least = Math.ceil(Math.log2(tail + 1))

  test('counts exactly in folios that have it, there and nowhere else', () => {
    expect(layouts.get(layout).pincount).toEqual({ tail, offsetBytes, minOrder: least, shift: 0, bits: 32 })
    const box = Box.create({ pages: 1024, layout, scheme: 'folio-pincount' })
    for (const order of [least - 1, least, 9]) {
      box.setup(512, { type: order === 0 ? 'anon' : 'compound-head', order })
      box.pins.pin(512, 5)
      expect(box.pins.pins(512)).toEqual({ pins: 5, exact: order >= least })
      box.audit().assertClean()
      if (order < least) box.pins.unpin(512, 5)
      else {
        const { wordBytes } = layouts.get(layout)
        const word = box.page(512 + tail).words[Math.floor(offsetBytes / wordBytes)] as bigint
        expect((word >> BigInt((offsetBytes % wordBytes) * 8)) & 0xffffffffn).toBe(5n)
        box.pins.unpin(512, 5)
      }
      box.audit().assertClean()
    }
    box.close()
  })

  test('is claimed where it is, and room and probe agree', { timeout: 120_000 }, () => {
    const cell = { scheme: 'folio-pincount', layout, pageType: 'compound-head' as const, order: 9 }
    expect(room(cell).claims).toContainEqual(expect.objectContaining({ field: 'count', tail, bits: 32 }))
    expect(room(cell).cell).toBe('fits')
    everyCellAgrees(layout)
  })
})

test('a stray write to the page that counts is found, what pins do there is not', () => {
  const layout = moved('linux-6.12', { tail: 3, offsetBytes: 16 })
  const box = Box.create({ pages: 1024, layout, scheme: 'folio-pincount' })
  box.setup(512, { type: 'compound-head', order: 9 })
  box.pins.pin(512)
  box.audit().assertClean()
  box.pins.unpin(512)
  box.close()
})

test('machines run on it: huge pages are pinned exactly, and freed with nothing left', async () => {
  const layout = moved('linux-6.12', { tail: 6, offsetBytes: 32 })
  const s = scenario('huge pins', { pages: 4096 }, (b) => {
    const buf = b.mmap({ pages: 1024 })
    b.madvise(buf, 'hugepage')
    b.thread('dma', (t) => {
      for (let i = 0; i < 3; i++) t.unpin(t.pin(buf, { write: true }))
    })
    b.thread('reclaim', (t) => t.load(buf))
  })
  expect(run(s, { layout, scheme: 'folio-pincount' }).audit).toEqual([])
  const { audit } = await race(s, { layout, scheme: 'folio-pincount', rounds: 5 })
  expect(audit).toMatchObject({ clean: true })
})

describe('a place that cannot be', () => {
  test.each([
    [{ tail: 1024, offsetBytes: 16 }, /pincount\.tail/],
    [{ tail: 3, offsetBytes: 16, minOrder: 1 }, /order 1 has no page\[3\]/],
    [{ tail: 3, offsetBytes: 18 }, /no aligned 32-bit word/],
    [{ tail: 3, offsetBytes: 8 }, /pincount: compound_head: overlap in every tail|says tail/],
    [{ tail: 3, offsetBytes: 48 }, /overlap in every tail/],
    [{ tail: 3, offsetBytes: 16, shift: 20, bits: 16 }, /allowed: 1 to 32 in all/],
    [{ tail: 1, offsetBytes: 40 }, /names no field for pins in page\[1\]/],
  ])('%o is refused', (place, what) => {
    expect(() => moved('linux-6.12', place)).toThrow(what)
  })
})

describe('a narrow count in a tail', () => {
  const layout = moved('linux-6.12', { tail: 4, offsetBytes: 24, shift: 5, bits: 6 })

  test('has no room for a whole one, and that is said', () => {
    const cell = room({ scheme: 'folio-pincount', layout, pageType: 'compound-head', order: 9 })
    expect(cell).toMatchObject({ cell: 'refused' })
    expect(cell.reason).toMatch(/counts in 32 bits, and the pin count of tail-\d+ has 6/)
  })

  test.each(['refuse', 'saturate', 'spill'] as const)('that is to %s does', (atLimit) => {
    const scheme = narrow(6, atLimit)
    const box = Box.create({ pages: 1024, layout, scheme })
    box.setup(512, { type: 'compound-head', order: 9 })
    box.pins.pin(512, 62)
    expect(box.pins.pins(700)).toEqual({ pins: 62, exact: true })
    expect(((box.page(516).words[3] as bigint) >> 5n) & 63n).toBe(62n)
    box.pins.pin(512)
    if (atLimit === 'refuse') {
      expect(() => box.pins.pin(512)).toThrow(expect.objectContaining({ code: 'ERR_PAGEBOX_PIN_LIMIT' }))
      box.pins.unpin(512, 63)
      expect(box.pins.maybePinned(512)).toBe(false)
    } else {
      box.pins.pin(512, 1000)
      expect(((box.page(516).words[3] as bigint) >> 5n) & 63n).toBe(63n)
      const { pins, exact } = box.pins.pins(512)
      expect(exact).toBe(atLimit === 'spill')
      if (atLimit === 'spill') expect(pins).toBe(1063)
      else expect(pins).toBeGreaterThanOrEqual(1063)
      box.audit().assertClean()
      box.pins.unpin(512, 1063)
      expect(box.pins.maybePinned(512)).toBe(atLimit === 'saturate')
    }
    box.audit().assertClean()
    box.close()
    everyCellAgrees(layout)
  })
})

test('a kernel whose folio counts pins in page[3] is imported so', async () => {
  const found = await importBtf(kernel({ pinsInThird: true }).toBuffer(), {})
  expect(found.pincount).toEqual({ tail: 3, byte: 16, minOrder: 2 })
  const { definition, cannotSay } = toLayoutDeclaration(found)
  expect(cannotSay.filter(({ refused }) => refused)).toEqual([])
  const { name } = layouts.define({ ...definition, name: 'third-tail-kernel' })
  expect(layouts.get(name).pincount).toEqual({ tail: 3, offsetBytes: 16, minOrder: 2, shift: 0, bits: 32 })
  everyCellAgrees(name)
})
