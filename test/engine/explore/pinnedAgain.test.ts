import { explore, type Scheme, schemes, type WrittenScenario } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { pagebox } from '../../../lib/cli/subject.ts'

/* A pin that looked at a page before another thread gave up its last pin, and counts when that one pins again. */

const thread = (name: string, ...ops: readonly string[]): WrittenScenario['threads'][number] => ({
  name,
  ops: ops.map((op) => ({ op, pfn: 0 })),
})
const again: WrittenScenario = {
  name: 'pinned again',
  pages: 16,
  setup: [{ op: 'set_up_page', pfn: 0, type: 'anon', order: 0 }],
  threads: [thread('asks', 'pin_page', 'maybe_pinned'), thread('again', 'pin_page', 'unpin_page', 'pin_page')],
}

const narrow = (['refuse', 'saturate', 'spill'] as const).map((atLimit) =>
  schemes.define({
    name: `narrow-flag-${atLimit}`,
    protocol: 'flag-and-word',
    countWord: 2,
    countShift: 12,
    countBits: 5,
    atLimit,
    pinned: { word: 0, bit: 'lowest-free' },
    wasLru: { word: 1, bit: 1 },
  }),
)

describe('whoever has counted is seen to have', () => {
  test.each<{ scheme: Scheme; name: string }>(
    [...pagebox.schemes, ...narrow].map((scheme) => ({ scheme, name: scheme.name })),
  )('$name, in every class of schedules', async ({ scheme }) => {
    const { stoppedBy, first, classes } = await explore(again, { scheme, strategy: 'dpor', samples: 100_000 })
    expect(first.map(({ text }) => text)).toEqual([])
    expect(stoppedBy).toBe('complete')
    expect(classes).toBeGreaterThan(50)
  })
})
