import { layouts, type PageType, room, schemes } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { findFreeBits, holdersOf } from '../../lib/page/freeBits.ts'

const of = (layout: string, types: PageType[], orders: number[], wanted: number) =>
  findFreeBits(layouts.get(layout), { types, orders }, wanted)

describe('free bits', () => {
  test('of pages that programs have are what the flags leave', () => {
    expect(of('linux-6.12', ['anon', 'file', 'fsdax'], [0, 9], 12)).toEqual({
      enough: 'one piece',
      free: [{ tail: 0, offsetBytes: 0, shift: 24, bits: 12 }],
      freeBits: 12,
      nearest: [],
    })
  })

  test('that do not suffice come with those that are nearest, and who holds them', () => {
    const { enough, nearest } = of('linux-4.20', ['anon', 'device-private-anon', 'fsdax'], [0], 32)
    expect(enough).toBe('no')
    expect(nearest).toHaveLength(5)
    expect(nearest[0]).toEqual({
      ...{ tail: 0, offsetBytes: 40, shift: 0, bits: 32, heldBits: 32 },
      holders: [{ field: 'private', bits: 32, types: ['anon', 'device-private-anon'] }],
    })
    const flags = nearest.find(({ offsetBytes }) => offsetBytes === 0)
    expect(flags).toMatchObject({ shift: 26, heldBits: 17 })
    expect(flags?.holders.map(({ field, bits }) => [field, bits])).toEqual([
      ['flags.last_cpupid', 14],
      ['flags.zone', 3],
    ])
  })

  test('may suffice in pieces only', () => {
    const { enough, freeBits, nearest } = of('linux-6.12', ['slab'], [0], 40)
    expect({ enough, freeBits }).toEqual({ enough: 'pieces', freeBits: 12 + 32 })
    expect(nearest[0]?.heldBits).toBeGreaterThan(0)
  })

  test('of large folios alone are in their tails too, as far as every order has them', () => {
    const tails = (orders: number[]) => new Set(of('linux-6.12', ['anon'], orders, 8).free.map(({ tail }) => tail))
    expect([...tails([0, 9])]).toEqual([0])
    expect([...tails([1, 9])].sort()).toEqual([0, 1])
    expect([...tails([2, 9])].sort()).toEqual([0, 1, 2])
  })

  test('wider than a word begin where a word does', () => {
    const { enough, nearest } = of('linux-6.12', ['fsdax'], [0], 100)
    expect(enough).not.toBe('one piece')
    for (const { shift, bits } of nearest) expect([shift, bits]).toEqual([0, 100])
  })

  test('never are bit 0 of word 1, which tells tails from heads', () => {
    for (const layout of layouts)
      for (const type of layout.types) expect(holdersOf(layout, type)[layout.wordBytes * 8]).not.toBeNull()
  })

  // A plain count is the low half of a word.
  test('are room for a scheme: a count in them collides with nothing', () => {
    let tried = 0
    for (const layout of layouts.list().filter(({ builtin }) => builtin)) {
      const pinned = layout.types.filter((type) => type !== 'free' && !/tail$/.test(type))
      for (const [i, one] of pinned.entries()) {
        const types = [...new Set([one, pinned[(i * 5 + 3) % pinned.length] as PageType])]
        for (const { offsetBytes, shift, bits } of of(layout.name, types, [0], 32).free) {
          const countWord = offsetBytes / layout.wordBytes
          if (countWord < 1 || countWord > 5 || shift > 0 || bits < 32) continue
          const name = `in-free-bits-${tried++}`
          const scheme = schemes.define({ name, protocol: 'add', place: 'word', countWord, countBits: 32 })
          for (const pageType of types)
            expect(room({ scheme, layout: layout.name, pageType }).collisions, `${layout.name} ${pageType}`).toEqual([])
        }
      }
    }
    expect(tried).toBeGreaterThan(10)
  })
})
