import { describe, expect, test } from 'vitest'
import { runChild } from './child.ts'

describe('150 of them, and nobody collects', () => {
  // In MB. It was 290 of races, which were kept until V8 happened to collect.
  test.each([
    ['races', 100],
    ['explorations', 100],
    ['pin explorations', 100],
    // Each holds 8 MB and is never closed; without what V8 is told it would be 1200.
    ['boxes', 400],
  ])('%s hold less than %i MB', async (what, most) => {
    const { code, output } = await runChild('memory.mjs', [what])
    expect(code, output).toBe(0)
    expect(Number(output)).toBeLessThan(most)
  })
})
