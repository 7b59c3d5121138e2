import { expect, test } from 'vitest'
import { schemes } from 'pagebox'
import {
  claimedThreshold,
  measureFalsePositives,
  thresholdDisagreement,
  thresholdIn,
} from '../../lib/compare/boundaries.ts'
import { pagebox } from '../../lib/cli/subject.ts'
import type { Layout } from '../../lib/page/layout.ts'

const layout = pagebox.layouts.find(({ name }) => name === 'linux-6.12') as Layout

const weights = [1, 2, 3, 16, 17, 1000, 1023, 1024, 1025, 65536, 2 ** 20]

test.each(weights)('a pin of %i references is fuzzy from there on, by arithmetic and in memory', (refsPerPin) => {
  const name = `weighs-${refsPerPin}`
  const scheme = schemes.define({ name, protocol: 'add', place: 'refcount', refsPerPin })
  const rows = measureFalsePositives(pagebox, scheme, layout)
  expect(claimedThreshold(scheme)).toBe(refsPerPin)
  expect(rows.find(({ maybePinned }) => maybePinned)?.references).toBe(refsPerPin)
  expect(rows.filter(({ references }) => references < refsPerPin).every(({ maybePinned }) => !maybePinned)).toBe(true)
  expect(thresholdDisagreement(scheme, layout, rows)).toBeUndefined()
})

test('an exact scheme has none, and one that knows nothing has 1', () => {
  const rows = measureFalsePositives(pagebox, schemes.get('lru-overlay'), layout)
  expect(rows.some(({ maybePinned }) => maybePinned)).toBe(false)
  expect(measureFalsePositives(pagebox, schemes.get('refcount'), layout)[0]).toMatchObject({
    references: 1,
    maybePinned: true,
  })
})

test('a threshold that memory contradicts has two sides, and they differ', () => {
  const rows = measureFalsePositives(pagebox, schemes.get('refcount-bias'), layout)
  const found = thresholdDisagreement({ ...schemes.get('refcount-bias'), refsPerPin: 16 }, layout, rows)
  expect(found).toMatchObject({
    table: 'a page that nobody pinned may be pinned from 16 references on',
    probe: 'from 1024 references on',
  })
})

test('the search finds any threshold', () => {
  for (const at of [1, 2, 3, 7, 1000, 2 ** 20, 2 ** 21]) expect(thresholdIn((count) => count >= at)).toBe(at)
  expect(thresholdIn(() => false)).toBeNull()
})
