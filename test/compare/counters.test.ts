import pc from 'picocolors'
import { expect, test } from 'vitest'
import type { Io } from '../../lib/cli/io.ts'
import { countersNote } from '../../lib/compare/counters.ts'
import { countersText } from '../../lib/cli/text/counters.ts'
import { compare, prepareCost } from '../../lib/index.ts'

test('what is timed touches no memory that was not there: the system counts no fault', () => {
  for (const scheme of ['refcount', 'sharded', 'side-table', 'mapcount-overlay']) {
    using sampler = prepareCost({ scheme, pages: 2 ** 18, pattern: 'random', counters: true })
    const { counted } = sampler.sample(2 ** 16)
    // A machine that forbids counting says so.
    if (counted?.pageFaults === null) continue
    // The index stream's own are drawn before; a stray one is the stack's.
    expect(counted?.pageFaults, scheme).toBeLessThan(8)
  }
})

test('counters are there only where they were asked for', () => {
  using sampler = prepareCost({ scheme: 'refcount', pages: 64 })
  expect(sampler.sample(64).counted).toBeUndefined()
  using beside = sampler.beside({ counters: true })
  const { counted } = beside.sample(4096)
  expect(Object.keys(counted ?? {})).toEqual([
    'instructions',
    'cycles',
    'cacheMisses',
    'tlbMisses',
    'lockedOps',
    'contendedLines',
    'pageFaults',
    'contextSwitches',
  ])
  if (counted && counted.instructions !== null) expect(counted.instructions).toBeGreaterThan(4096 * 2)
})

test('compare counts a pair of each scheme, and says what the machine does not give', async () => {
  const document = await compare({
    effort: 'quick',
    schemes: ['refcount', 'packed-64'],
    layouts: ['linux-6.12'],
    counters: true,
  })
  const [refcount] = document.schemes
  const hot = refcount?.counted?.find(({ pattern, threads }) => pattern === 'hot' && threads === 1)
  expect(hot?.ops).toBeGreaterThanOrEqual(2 ** 18)
  if (hot?.perPair.instructions) {
    expect(hot.perPair.instructions).toBeGreaterThan(4)
    expect(hot.perPair.instructions).toBeLessThan(200)
  }
  const none = refcount?.counted?.every(({ perPair }) => perPair.cycles === null)
  expect(countersNote(document).includes('cycles')).toBe(none)
  const text = countersText(document, { columns: 100, colours: pc.createColors(false) } as Io)
  expect(text).toContain(none ? 'Not counted' : 'cycles')
  expect(text).not.toMatch(/NaN|undefined/)
})
