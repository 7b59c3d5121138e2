import { describe, expect, test } from 'vitest'
import { layouts, pageTypes, probe, room, roomMatrix, schemes } from 'pagebox'

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
