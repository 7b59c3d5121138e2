import { describe, expect, test } from 'vitest'
import { runChild } from './child.ts'

interface Dropped {
  readonly scheme: string
  readonly taken: number
  readonly clean: boolean
  readonly invariants: readonly string[]
}

// Without the ledger a caller may drop what others hold: the descriptors are damaged, and say so.
describe.each(['put', 'unpin'])('%s of pages that an address space holds', (call) => {
  test.each(['tables', 'all'])('%s, by each scheme', { timeout: 90_000 }, async (what) => {
    const { code, signal, output } = await runChild('tables.mjs', [call, what])
    const lines = output.trimEnd().split('\n')
    expect({ code, signal, last: lines.slice(-3) }).toMatchObject({ code: 0, signal: null })
    expect(lines.at(-1)).toBe('ended')
    const all = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Dropped)
    expect(all.length).toBeGreaterThan(20)
    for (const each of all) {
      if (call === 'put') expect(each.taken, each.scheme).toBeGreaterThan(0)
      // A scheme that knows its own count refuses what is not pinned.
      if (each.taken > 0) expect(each.clean, JSON.stringify(each)).toBe(false)
      // Of many pages the report keeps the first rows.
      if (call === 'put' && what === 'tables') expect(each.invariants, each.scheme).toContain('words-kept')
    }
  })
})
