import {
  Box,
  explore,
  layouts,
  probe,
  race,
  room,
  run,
  scenario,
  schemes,
  type Scenario,
  type ScenarioOp,
  type SchemeDefinition,
} from 'pagebox'
import { describe, expect, test } from 'vitest'

/* A count added to in `private`: free on anonymous pages, live where buffers, swap entries or orders are. */

const definitions: SchemeDefinition[] = [
  { name: 'in-private', protocol: 'add', place: { field: 'private' } },
  { name: 'high-in-private', protocol: 'add', place: { field: 'private' }, countShift: 32 },
  { name: 'refusing-in-private', protocol: 'add', place: { field: 'private' }, countShift: 4, countBits: 6 },
  { name: 'stuck-in-private', protocol: 'add', place: { field: 'private' }, countBits: 3, atLimit: 'saturate' },
  { name: 'spilt-in-private', protocol: 'add', place: { field: 'private' }, countBits: 2, atLimit: 'spill' },
]
for (const definition of definitions) schemes.define(definition)

const two = ['linux-4.20', 'linux-6.12', 'linux-7.2']

describe.each(definitions.map(({ name }) => name))('%s', (scheme) => {
  test.each([...layouts].map(({ name }) => name))('room and probe agree on each kind of page of %s', (layout) => {
    let live = 0
    for (const pageType of layouts.get(layout).types) {
      for (const order of [0, 9]) {
        const table = room({ scheme, layout, pageType, order })
        const { cell } = probe({ scheme, layout, pageType, order })
        expect({ pageType, order, cell }).toEqual({ pageType, order, cell: table.cell })
        if (table.collisions.some(({ field }) => field === 'private')) live++
      }
    }
    const fields = layouts.get(layout).fields.filter(({ name }) => name === 'private')
    if (fields.length > 0 && scheme !== 'high-in-private') expect(live).toBeGreaterThan(0)
  })

  test.each(two)('counts and gives back on pages of %s that have room', (layout) => {
    const types = layouts.get(layout).types.filter((pageType) => room({ scheme, layout, pageType }).cell === 'fits')
    for (const type of types) {
      const box = Box.create({ pages: 64, scheme, layout, populate: 'none' })
      try {
        box.setup(3, { type })
        const before = box.page(3).words.slice()
        box.pins.pin(3, 3)
        expect(box.pins.pins(3)).toMatchObject({ pins: 3 })
        box.audit().assertClean()
        box.pins.unpin(3, 3)
        expect(box.page(3).words, type).toEqual(before)
        box.audit().assertClean()
      } finally {
        box.close()
      }
    }
  })

  test('races and every schedule of two threads lose no pin on pages that have room', async () => {
    const layout = 'linux-6.12'
    const { audit } = await race({ pages: 2, scheme, layout, pageType: 'devdax' }, { ops: 4000, threads: 3 })
    audit.assertClean()
    for (const setup of [
      { type: 'devdax', order: 0 },
      { type: 'p2pdma', order: 0 },
    ] as const) {
      const found = await explore(onOnePage(setup), { scheme, layout, strategy: 'dpor', samples: 100_000 })
      expect(found).toMatchObject({ complete: true, first: [] })
    }
  })

  test('where private is live, a machine ends with findings and no fault of its own', async () => {
    const found = await explore(swapped, { scheme, layout: 'linux-6.12', samples: 50, seed: 1 })
    expect(Object.keys(found.outcomes)).not.toContain('crashed')
    const ran = run(swapped, { scheme, layout: 'linux-6.12' })
    expect(ran.ran.length).toBeGreaterThan(0)
  })
})

function onOnePage(page: { type: 'devdax' | 'p2pdma'; order: number }): Scenario {
  const op = (op: string): ScenarioOp => ({ op, pfn: 0 }) as ScenarioOp
  return {
    name: 'one page',
    pages: 16,
    setup: [{ op: 'set_up_page', pfn: 0, pages: 1, ...page }],
    threads: [
      { name: 'a', ops: [op('pin_page'), op('unpin_page')] },
      { name: 'b', ops: [op('pin_page'), op('maybe_pinned'), op('unpin_page')] },
    ],
  }
}

/** Pins of a page that goes to swap, whose entry is in `private`. */
const swapped = scenario('pinned and swapped', { pages: 64 }, (b) => {
  const buf = b.mmap({ pages: 2 })
  b.thread('one', (t) => {
    t.store(buf, 7)
    const pins = t.pin(buf, { write: true })
    t.unpin(pins)
    t.madvise(buf, 'pageout')
    t.load(buf)
    t.unpin(t.pin(buf, { write: true }))
  })
})
