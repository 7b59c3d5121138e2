import { readFileSync } from 'node:fs'
import { prepareCost } from 'pagebox'
import { expect, test } from 'vitest'

// A thread that has ended before it is bound must not be taken for the one that asks.
test('measuring with threads leaves the caller its CPUs', () => {
  const allowed = (): string | undefined =>
    /Cpus_allowed_list:\s*(.*)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  const before = allowed()
  const sampler = prepareCost({ scheme: 'refcount', pages: 64, threads: 2 })
  for (let at = 0; at < 2000; at++) sampler.sample(1)
  sampler.close()
  expect(allowed()).toBe(before)
})
