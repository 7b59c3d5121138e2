import pc from 'picocolors'
import { describe, expect, test } from 'vitest'
import type { Io } from '../../lib/cli/io.ts'
import { baselineText, compareText, detailedLayouts } from '../../lib/cli/text/compare.ts'
import { compareWithBaseline } from '../../lib/compare/baseline.ts'
import { documentFixture } from '../report/fixture.ts'

const io = { columns: 100, colours: pc.createColors(false) } as Io

describe('compareText', () => {
  const document = documentFixture()
  const text = compareText(document, detailedLayouts(document, false), io)

  test('fits a terminal of 100 columns', () => {
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  test('ends with the answer', () => {
    expect(text.trimEnd().replaceAll('\n', ' ').endsWith(document.answer)).toBe(true)
  })

  test('names what is hit', () => {
    expect(text).toContain('lru-overlay hits word 1, pgmap, hmm_data')
  })

  test('shows a disagreement of table and probe before anything else could hide it', () => {
    const wrong = documentFixture({
      disagreements: [
        {
          layout: 'linux-4.20',
          pageType: 'fsdax',
          order: 0,
          scheme: 'packed-64',
          table: 'fits',
          probe: 'collides: pgmap +8',
        },
      ],
    })
    expect(compareText(wrong, [], io)).toContain('Table and probe differ in 1 cell, which')
  })
})

test('baselineText warns of another machine first', () => {
  const before = documentFixture()
  const now = { ...before, machine: { ...before.machine, cpu: 'Another' } }
  const [, second] = baselineText(compareWithBaseline(before, now), io).split('\n')
  expect(second).toContain('The machine differs in cpu')
})
