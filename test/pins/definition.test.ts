import { expect, test } from 'vitest'
import { type SchemeDefinition, schemes } from 'pagebox'
import { schemeKeys } from '../../lib/pins/defineScheme.ts'

// Between them they set every field to what it is not without; a field that is new is missed by the first test.
const inWords: Required<Omit<SchemeDefinition, 'name' | 'countShift'>> & { countShift: number } = {
  summary: 'a summary',
  source: 'somebody',
  protocol: 'packed-word',
  place: 'word',
  countWord: 2,
  countShift: 3,
  countBits: 9,
  packedBits: 32,
  atLimit: 'spill',
  pinned: { word: 2, bit: 1 },
  wasLru: { word: 2, bit: 2 },
  states: [{ name: 'full', word: 2, bit: 20, set: ['full'], clear: ['not-full'] }],
  refsPerPin: 3,
  falsePositives: 'said in words of its own',
  visibleEffects: ['count-sticks'],
  types: ['anon', 'file'],
}
const inField = { ...inWords, place: { field: 'index' }, packedBits: undefined }

test('every field of a definition is in the test below', () => {
  expect(['name', ...Object.keys(inWords)].sort()).toEqual([...schemeKeys].sort())
})

test.each([
  ['in words', inWords],
  [
    'in a field',
    {
      ...inField,
      countWord: undefined,
      pinned: { field: 'index', bit: 1 },
      wasLru: { field: 'index', bit: 2 },
      states: [{ name: 'full', field: 'index', bit: 20, set: ['full'], clear: ['not-full'] }],
    },
  ],
])('a definition %s says all that it was made of, and makes the same again', (what, given) => {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const name = `whole-${what.replaceAll(' ', '-')}`
  const first = schemes.define({ name, ...set } as SchemeDefinition)
  expect(first.definition).toEqual({ name, ...set })
  const again = schemes.define({ ...first.definition, name: `${name}-again` })
  expect({ ...again, name, definition: { ...again.definition, name } }).toEqual({ ...first })
  expect(again.falsePositives).toBe('said in words of its own')
})

test('built-in schemes keep their words too', () => {
  for (const { name, definition, falsePositives, summary } of schemes) {
    const again = schemes.define({ ...definition, name: `again-${name}` })
    expect({ name, falsePositives: again.falsePositives, summary: again.summary }).toEqual({
      name,
      falsePositives,
      summary,
    })
  }
})
