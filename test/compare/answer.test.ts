import { expect, test } from 'vitest'
import { answerText } from '../../lib/compare/answer.ts'
import type { CompareDocument, SchemeEntry } from '../../lib/compare/document.ts'
import { documentFixture } from '../report/fixture.ts'

/** Schemes that fit everywhere and cost `median` ns, give or take `half` of it. */
function documentOf(schemes: { name: string; median: number; half: number; exact?: boolean; bytes?: number }[]) {
  const document: CompareDocument = documentFixture()
  const like = document.schemes.find(({ name }) => name === 'refcount-bias') as SchemeEntry
  document.schemes = schemes.map(({ name, median, half, exact = true, bytes = 0 }) => ({
    ...structuredClone(like),
    name,
    exact,
    answer: exact ? 'exact' : 'fuzzy',
    bytesPerPage: bytes,
    cost: like.cost.map((row) => ({
      ...row,
      nsPerOp: { median, low: median * (1 - half), high: median * (1 + half) },
    })),
  }))
  return document
}

test('a winner is named where no interval reaches its own', () => {
  const text = answerText(
    documentOf([
      { name: 'a', median: 10, half: 0.02 },
      { name: 'b', median: 11, half: 0.02 },
    ]),
  )
  expect(text).toContain('The cheapest of them that knows a pin is a: 10.0 ns')
  expect(text).not.toContain('tie')
})

test('a tie by name where they overlap, and the third is not part of it', () => {
  const text = answerText(
    documentOf([
      { name: 'b', median: 10.1, half: 0.02 },
      { name: 'c', median: 12, half: 0.02 },
      { name: 'a', median: 10, half: 0.02 },
    ]),
  )
  expect(text).toMatch(/a tie within the noise of this measurement: a \(10\.0 ns\) and b \(10\.1 ns\)/)
  expect(text).not.toContain('c (')
})

test('memory on every page stands in the verdict, and so does who needs none', () => {
  const text = answerText(
    documentOf([
      { name: 'fuzzy-one', median: 7, half: 0.01, exact: false },
      { name: 'grown', median: 10, half: 0.01, bytes: 16 },
      { name: 'beside', median: 10.05, half: 0.01, bytes: 4 },
      { name: 'frugal', median: 14, half: 0.01 },
    ]),
  )
  expect(text).toContain('grown (10.0 ns, for 16 bytes more on every page)')
  expect(text).toContain('beside (10.1 ns, for 4 bytes more on every page)')
  expect(text).toContain('The cheapest exact one that needs no memory beside the descriptor is frugal: 14.0 ns')
})
