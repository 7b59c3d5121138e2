import { describe, expect, test } from 'vitest'
import { Box, type LayoutDefinition, layouts, pageTypes, probe, room, roomMatrix, schemes } from 'pagebox'

describe.each(schemes.names)('%s', (scheme) => {
  test.each(layouts.names)('table and memory agree in every cell of %s', (layout) => {
    for (const pageType of pageTypes)
      for (const order of [0, 1, 2, 9]) {
        const where = { scheme, layout, pageType, order }
        const { cell, reason, collisions } = room(where)
        expect(probe(where), JSON.stringify(where)).toMatchObject({ cell, damaged: collisions })
        expect(collisions.length > 0).toBe(cell === 'collides')
        expect(reason !== '').toBe(cell === 'impossible' || cell === 'refused')
      }
  })
})

test('the matrix has every cell', () => {
  const cells = roomMatrix([0])
  expect(cells).toHaveLength(schemes.names.length * layouts.names.length * pageTypes.length)
})

// Without its mark such a page would be taken for another, by a pin as by whoever reads it.
describe('a layout that cannot tell slab pages or page tables has none', () => {
  test.each([
    ['slab', 'linux-4.20-count', 'no-slab-flag', { flags: (name: string) => name !== 'slab' }],
    ['slab', 'linux-6.12', 'no-slab-type', { era: { slabType: 0 } }],
    ['slab', 'linux-6.12', 'slab-type-counts', { era: { slabType: 1 } }],
    ['page-table', 'linux-6.12', 'no-table-type', { era: { tableType: 0 } }],
    ['page-table', 'linux-4.20', 'table-type-counts', { era: { tableType: 0xffffffff } }],
  ] as const)('%s pages of %s, %s', (pageType, base, name, edit) => {
    const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...copy } = structuredClone(
      layouts.get(base),
    ) as unknown as Record<string, unknown> & { flags: { name: string }[]; era: object }
    const flags = copy.flags.filter((flag) => !('flags' in edit) || edit.flags(flag.name))
    const era = { ...copy.era, ...('era' in edit ? edit.era : {}) }
    layouts.define({ ...copy, name, flags, era } as unknown as LayoutDefinition)
    for (const scheme of schemes.names) {
      const where = { scheme, layout: name, pageType, order: 0 }
      expect([room(where).cell, probe(where).cell]).toEqual(['impossible', 'impossible'])
      const other = { ...where, pageType: 'anon' as const }
      expect(probe(other).cell).toBe(room(other).cell)
    }
    using box = Box.create({ pages: 16, layout: name })
    expect(() => box.setup(3, { type: pageType })).toThrow(expect.objectContaining({ code: 'ERR_PAGEBOX_NO_ROOM' }))
  })
})
