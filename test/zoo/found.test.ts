import { runZooEntry, zoo } from 'pagebox'
import { describe, expect, test } from 'vitest'

// Each bug is found with its quirks on, made short, repeated from the token, and absent without them.
describe.concurrent('the zoo', () => {
  test.each(zoo().map(({ id }) => id))('%s', { timeout: 120_000 }, async (id) => {
    const result = await runZooEntry(id)
    const { entry, found, shortest, replayed, fixed } = result
    expect(found, 'found within its budget').not.toBeNull()
    expect(found?.runs).toBeLessThanOrEqual(entry.budget.schedules)
    expect(found?.outcome).not.toBe('clean')
    expect([shortest?.outcome, shortest?.invariant]).toEqual([found?.outcome, found?.invariant])
    expect(shortest?.quirks).toEqual(entry.quirks)
    expect(replayed, 'repeated').toBe(true)
    expect(fixed?.absent, 'absent when fixed').toBe(true)
    const { bound } = entry.absence
    if (bound === undefined) expect(fixed?.complete, 'every class of schedules').toBe(true)
    else expect(fixed?.complete === true || (fixed?.bound ?? -1) >= bound, 'all of few preemptions').toBe(true)
    expect(fixed?.others).toEqual(
      entry.remains === undefined ? [] : [expect.stringContaining(entry.remains.split(':')[0] as string)],
    )
    expect(result.holds).toBe(true)
  })
})
