import { layouts, probe, room, schemes } from 'pagebox'
import { expect, test } from 'vitest'

// A count as wide as the references are: its top bit is out of their reach, unless it is added to.
const flags = {
  'flag-and-word': { pinned: { word: 0, bit: 'lowest-free' } },
  'packed-word': { countShift: 1, pinned: { word: 2, bit: 0 } },
  add: {},
} as const
const declared = Object.entries(flags).flatMap(([protocol, extra]) =>
  (['saturate', 'spill'] as const).flatMap((atLimit) =>
    [30, 31, 32].map((countBits) => ({ ...extra, protocol, atLimit, countBits, countWord: 2, place: 'word' })),
  ),
)

test.each(declared)('$protocol, $countBits bits that $atLimit: memory is as the table says', (definition) => {
  const name = `full-${definition.protocol}-${definition.countBits}-${definition.atLimit}`
  schemes.define({ ...definition, name } as Parameters<typeof schemes.define>[0])
  for (const layout of ['linux-4.20', 'linux-6.12', 'linux-6.12-32'])
    for (const pageType of layouts.get(layout).types) {
      const at = { scheme: name, layout, pageType, order: 0 }
      const [table, memory] = [room(at), probe(at)]
      const bits = (places: readonly { offsetBytes: number; shift: number; bits: number }[]): string[] =>
        places.map((each) => `${each.offsetBytes * 8 + each.shift}+${each.bits}`)
      expect({ cell: table.cell, bits: bits(table.collisions) }, `${layout} ${pageType}`).toEqual({
        cell: memory.cell,
        bits: bits(memory.damaged),
      })
    }
})
