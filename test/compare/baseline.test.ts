import { expect, test } from 'vitest'
import { compareWithBaseline } from '../../lib/compare/baseline.ts'
import type { CompareDocument } from '../../lib/compare/document.ts'
import { documentFixture } from '../report/fixture.ts'

const slowed = (document: CompareDocument, scheme: string, factor: number): CompareDocument => ({
  ...document,
  schemes: document.schemes.map((each) =>
    each.name !== scheme
      ? each
      : {
          ...each,
          cost: each.cost.map((row) => ({
            ...row,
            nsPerOp: {
              median: row.nsPerOp.median * factor,
              low: row.nsPerOp.low * factor,
              high: row.nsPerOp.high * factor,
            },
          })),
        },
  ),
})

test('a document differs in nothing from itself', () => {
  const document = documentFixture()
  const report = compareWithBaseline(document, document)
  expect(report.machineDiffers).toEqual([])
  expect(report.roomChanges).toEqual([])
  expect(report.differences.every((each) => each.verdict === 'same')).toBe(true)
  expect(report.differences.length).toBe(document.schemes.reduce((sum, each) => sum + each.cost.length, 0))
})

test('half as slow again is slower, and only where it is', () => {
  const before = documentFixture()
  const report = compareWithBaseline(before, slowed(before, 'packed-64', 1.5))
  const changed = new Set(report.differences.filter((each) => each.verdict === 'slower').map((each) => each.scheme))
  expect([...changed]).toEqual(['packed-64'])
  expect(report.differences.find((each) => each.scheme === 'packed-64')?.ratio.median).toBeCloseTo(1.5)
})

test('a difference within the intervals is none', () => {
  const before = documentFixture()
  const report = compareWithBaseline(before, slowed(before, 'packed-64', 1.03))
  expect(report.differences.some((each) => each.verdict !== 'same')).toBe(false)
})

test('says when the machines differ', () => {
  const before = documentFixture()
  const now = { ...before, machine: { ...before.machine, cpu: 'Another', cores: 64 } }
  expect(compareWithBaseline(before, now).machineDiffers.map((each) => each.fact)).toEqual(['cpu', 'cores'])
})

test('a cell that changed is named', () => {
  const before = documentFixture()
  const now = structuredClone(before)
  const row = now.schemes[1]?.room[1]
  if (row === undefined) throw new Error('fixture has no such row')
  row.cell = 'collides'
  expect(compareWithBaseline(before, now).roomChanges).toEqual([
    { scheme: 'lru-overlay', layout: 'linux-4.20', pageType: 'anon', order: 0, before: 'fits', now: 'collides' },
  ])
})
