import { expect } from 'vitest'
import { layouts, pageTypes, probe, room, type Scheme } from '../../lib/index.ts'

/** Table and memory say the same of it, on every layout and type. */
export function expectAgreement(scheme: Scheme): void {
  for (const layout of layouts.names)
    for (const pageType of pageTypes)
      for (const order of [0, 2]) {
        const where = { scheme, layout, pageType, order }
        const { cell, collisions } = room(where)
        expect(probe(where), JSON.stringify({ layout, pageType, order })).toMatchObject({ cell, damaged: collisions })
      }
}
