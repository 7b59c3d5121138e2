import { expect, test } from 'vitest'
import { processorText } from '../../lib/compare/machine.ts'

test.each([
  [1, 'AMD EPYC, 1 core'],
  [2, 'AMD EPYC, 2 cores'],
])('a processor with %i in words', (cores, text) => {
  expect(processorText({ cpu: 'AMD EPYC', cores })).toBe(text)
})
