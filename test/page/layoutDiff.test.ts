import { layouts } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { diffLayouts } from '../../lib/page/layoutDiff.ts'

const diff = (before: string, after: string, only?: string[]) =>
  diffLayouts(layouts.get(before), layouts.get(after), only)

describe('the difference of two layouts', () => {
  test('is nothing of one and the same', () => {
    for (const { name } of layouts)
      expect(diff(name, name)).toMatchObject({ facts: [], flags: [], typesGone: [], typesNew: [], types: [] })
  })

  test('says what moved, came and went', () => {
    const found = diff('linux-4.20', 'linux-6.12', ['anon', 'slab', 'device-public-anon'])
    expect(found.flags).toContainEqual({ name: 'writeback', before: '15', after: '1' })
    expect(found.flags).toContainEqual({ name: 'error', before: '8', after: null })
    expect(found.flags).toContainEqual({ name: '(lru_gen)', before: null, after: '38-40' })
    expect(found.facts).toContainEqual({
      ...{ fact: 'pin count of large folios', before: 'none', after: 'page[1] byte 28, from order 1 on' },
    })
    expect(found.facts).toContainEqual({
      ...{ fact: 'order of a folio', before: 'byte 17 of page[1]', after: 'byte 0 of page[1]' },
    })
    expect(found.typesGone).toEqual(['device-public-anon'])
    const slab = found.types.find(({ types }) => types.includes('slab'))
    expect(slab?.fields).toContainEqual({
      field: 'slab_cache',
      before: { offsetBytes: 24, shift: 0, bits: 64, contested: false },
      after: { offsetBytes: 8, shift: 0, bits: 64, contested: false },
    })
  })

  test('is the same the other way round', () => {
    const turn = <Value>({ before, after, ...rest }: { before: Value; after: Value }) => ({
      ...rest,
      before: after,
      after: before,
    })
    const [there, back] = [diff('linux-4.20', 'linux-4.20-count'), diff('linux-4.20-count', 'linux-4.20')]
    expect(new Set(back.flags.map(turn).map((each) => JSON.stringify(Object.entries(each).sort())))).toEqual(
      new Set(there.flags.map((each) => JSON.stringify(Object.entries(each).sort()))),
    )
    expect([back.typesGone, back.typesNew]).toEqual([there.typesNew, there.typesGone])
    const fields = ({ types }: typeof there) => types.flatMap((group) => group.fields.length * group.types.length)
    expect(fields(back).reduce((a, b) => a + b, 0)).toBe(fields(there).reduce((a, b) => a + b, 0))
  })
})
