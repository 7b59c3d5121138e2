import { describe, expect, test } from 'vitest'
import { compareWithBaseline } from '../../lib/compare/baseline.ts'
import type { CompareDocument } from '../../lib/compare/document.ts'
import { measuredFixture, type Noise } from './measured.ts'

const changed = (before: CompareDocument, now: CompareDocument) =>
  compareWithBaseline(before, now).differences.filter(({ verdict }) => verdict !== 'same')

describe('two runs of the same build', () => {
  // From a quiet machine to one where a block says nothing of the next.
  test.each([
    { round: 0.005, block: 0.003, process: 0.01 },
    { round: 0.05, block: 0.05, process: 0.03 },
    { round: 0.3, block: 0.2, process: 0.2 },
    { round: 0.02, block: 0.01, process: 0.03 },
  ])('differ in nothing: %o', (noise) => {
    let wrong = 0
    const pairs = 60
    for (let at = 0; at < pairs; at++) {
      const of = (part: Partial<Noise>) => measuredFixture({ seed: 1000 + 2 * at, ...noise, ...part })
      if (changed(of({}), of({ seed: 1001 + 2 * at })).length > 0) wrong++
    }
    expect(wrong / pairs).toBeLessThan(0.08)
  })

  test('on a machine that was half as fast the second time', () => {
    const quiet = { round: 0.005, block: 0.003, process: 0.005 }
    const [before, now] = [measuredFixture({ seed: 1, ...quiet }), measuredFixture({ seed: 2, machine: 2, ...quiet })]
    expect(changed(before, now)).toEqual([])
    const [first] = compareWithBaseline(before, now).differences
    expect(first?.times.median).toBeCloseTo(2, 0)
    expect(first?.ratio.median).toBeCloseTo(1, 1)
  })
})

describe('a true change', () => {
  test.each([1.3, 1 / 1.3])('of one scheme by %d is reported, of no other', (factor) => {
    const now = measuredFixture({ seed: 8, changed: { scheme: 'packed-64', factor } })
    const found = changed(measuredFixture({ seed: 7 }), now)
    expect(new Set(found.map(({ scheme }) => scheme))).toEqual(new Set(['packed-64']))
    expect(found.length).toBeGreaterThanOrEqual(5)
    expect(new Set(found.map(({ verdict }) => verdict))).toEqual(new Set([factor > 1 ? 'slower' : 'faster']))
    for (const { ratio } of found) expect(Math.abs(Math.log(ratio.median / factor))).toBeLessThan(0.15)
  })

  test('a loss is what makes it worse, a gain is not', () => {
    const before = measuredFixture({ seed: 7 })
    const by = (factor: number) => measuredFixture({ seed: 8, changed: { scheme: 'refcount-bias', factor } })
    expect(compareWithBaseline(before, by(1.3)).worse).toBe(true)
    expect(compareWithBaseline(before, by(0.7)).worse).toBe(false)
    expect(compareWithBaseline(before, measuredFixture({ seed: 8 })).worse).toBe(false)
  })

  test('below the smallest that counts is none, however sure', () => {
    const quiet = { round: 0.001, block: 0.001, process: 0 }
    const before = measuredFixture({ seed: 7, ...quiet })
    const now = measuredFixture({ seed: 8, ...quiet, changed: { scheme: 'packed-64', factor: 1.04 } })
    expect(changed(before, now)).toEqual([])
    const larger = measuredFixture({ seed: 8, ...quiet, changed: { scheme: 'packed-64', factor: 1.15 } })
    expect(changed(before, larger).length).toBe(7)
    expect(compareWithBaseline(before, larger, { smallestEffect: 0.2 }).worse).toBe(false)
  })

  test('of a machine that is another one, is shown but makes nothing worse', () => {
    const before = measuredFixture({ seed: 7 })
    const now = measuredFixture({ seed: 8, changed: { scheme: 'packed-64', factor: 1.5 } })
    now.machine = { ...now.machine, cpu: 'Another' }
    const report = compareWithBaseline(before, now)
    expect(report.differences.some(({ verdict }) => verdict === 'slower')).toBe(true)
    expect(report.worse).toBe(false)
  })

  test('counts where only the headline of a document was written anew', () => {
    const before = measuredFixture({ seed: 7 })
    const now = measuredFixture({ seed: 8 })
    for (const row of now.schemes[2]?.cost ?? []) row.nsPerOp.median *= 1.5
    expect(changed(before, now).length).toBe(7)
  })
})

test('a cost that another loop stands beside is not compared, and counted', () => {
  const before = measuredFixture({ seed: 7 })
  const now = measuredFixture({ seed: 8 })
  for (const row of now.schemes[0]?.cost ?? []) if (row.reference) row.reference.scheme = 'another'
  const report = compareWithBaseline(before, now)
  expect(report.notComparable).toBe(7)
  expect(report.differences.length).toBe(21)
})

test('a baseline of version 1 is compared by its intervals, and says so', () => {
  const now = measuredFixture({ seed: 8 })
  const old = structuredClone(now)
  old.documentVersion = 1
  for (const { cost } of old.schemes) for (const row of cost) row.samples = row.blocks = row.reference = undefined
  const report = compareWithBaseline(old, now)
  expect(report.differences.length).toBe(28)
  expect(report.differences.every(({ verdict }) => verdict === 'same')).toBe(true)
  expect(report.warnings.join()).toMatch(/version 1, which has no samples/)
})

test('a room that was lost makes it worse', () => {
  const before = measuredFixture({ seed: 7 })
  const now = measuredFixture({ seed: 8 })
  const row = now.schemes[1]?.room.find(({ cell }) => cell === 'fits')
  if (row === undefined) throw new Error('fixture has no such row')
  row.cell = 'collides'
  expect(compareWithBaseline(before, now).worse).toBe(true)
  expect(compareWithBaseline(now, before).worse).toBe(false)
})
