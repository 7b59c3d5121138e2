import { explore, scenario } from 'pagebox'
import { expect, test } from 'vitest'

test('who frees after readers have left waits where nothing is queued yet, and no schedule goes on for ever', async () => {
  // Two threads queue page tables at once: one's is pushed, and run by the other, before it is counted.
  const both = scenario('first touch', { pages: 64 }, (b) => {
    const buf = b.mmap({ pages: 1 })
    b.thread('load', (t) => t.load(buf))
    b.thread('store', (t) => t.store(buf, 1))
  })
  const { schedules, steps, outcomes } = await explore(both, { strategy: 'dpor', samples: 2000 })
  expect(schedules).toBe(2000)
  expect(outcomes.clean).toBe(2000)
  expect(steps / schedules).toBeLessThan(5000)
})
