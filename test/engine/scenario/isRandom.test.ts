import { expect, test } from 'vitest'
import { strategyFor } from '../../../lib/engine/explore/strategyFor.ts'
import { isRandom } from '../../../lib/engine/scenario/isRandom.ts'
import { readScenario } from '../../../lib/engine/scenario/readScenario.ts'

const threads = [{ name: 'a', ops: [{ op: 'yield' }] }]

// A module builds it of parts that it may not have.
test('mixes that are undefined make no scenario of drawn operations, for who reads it and for who asks', () => {
  const written = { name: 'written', threads, mixes: undefined }
  expect(readScenario(written).lists).not.toBeNull()
  expect(isRandom(written)).toBe(false)
  expect(strategyFor(written, {})).toBe('portfolio')
})

test('mixes do', () => {
  const drawn = { name: 'drawn', mixes: [{ mm: 1 }] }
  expect(readScenario(drawn).lists).toBeNull()
  expect(isRandom(drawn)).toBe(true)
  expect(strategyFor(drawn, {})).toBe('random')
})
