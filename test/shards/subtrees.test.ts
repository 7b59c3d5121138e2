import { type ExploreOptions, type ExploreScenarioResult, explore, scenario, type WrittenScenario } from 'pagebox'
import { describe, expect, test } from 'vitest'

/** Small ones, with locks. */
const scenarios: WrittenScenario[] = [
  scenario('two pins and a fork', { pages: 64 }, (b) => {
    const buf = b.mmap({ pages: 1 })
    b.thread('dma', (t) => t.unpin(t.pin(buf, { write: true })))
    b.thread('fork', (t) => t.fork())
  }),
  {
    name: 'two pins of a page that is there',
    pages: 64,
    setup: [
      { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' },
      { op: 'store', buf: 'a', value: 7 },
    ],
    threads: [1, 2].map((id) => ({
      name: `thread ${id}`,
      ops: [{ op: 'pin', id, via: 'gup', buf: 'a', page: 0, fast: 1 }],
    })),
  },
] as unknown as WrittenScenario[]

const parts = async (of: number, s: WrittenScenario, options: ExploreOptions): Promise<ExploreScenarioResult[]> => {
  const all: ExploreScenarioResult[] = []
  for (let index = 1; index <= of; index++) all.push(await explore(s, { ...options, shard: { index, of } }))
  return all
}
const sum = (all: ExploreScenarioResult[], key: 'classes' | 'schedules' | 'steps' | 'ops'): number =>
  all.reduce((total, each) => total + each[key], 0)
const hash = (all: readonly { hash: bigint }[]): bigint =>
  BigInt.asUintN(
    64,
    all.reduce((total, each) => total + each.hash, 0n),
  )
const results = (all: readonly ExploreScenarioResult[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { seen } of all)
    for (const { result, count } of seen ?? []) {
      const key = JSON.stringify(result)
      counts[key] = (counts[key] ?? 0) + count
    }
  return counts
}

describe.each(scenarios)('$name, shared', (s) => {
  test.each(['dpor'] as const)('visits each class once, by %s', async (strategy) => {
    const options = { strategy, samples: 200_000, outcomes: true }
    const whole = await explore(s, options)
    expect(whole.complete).toBe(true)
    for (const of of [1, 2, 7]) {
      const all = await parts(of, s, options)
      expect(all.every(({ complete }) => complete)).toBe(true)
      expect(sum(all, 'classes')).toBe(whole.classes)
      expect(sum(all, 'schedules')).toBe(whole.schedules)
      expect(sum(all, 'steps')).toBe(whole.steps)
      expect(sum(all, 'ops')).toBe(whole.ops)
      expect(results(all)).toEqual(results([whole]))
      expect(hash(all)).toBe(whole.hash)
    }
  })

  test('visits each schedule of few preemptions once', async () => {
    const options = { strategy: 'depth-first', bound: 2, samples: 200_000, outcomes: true } as const
    const whole = await explore(s, options)
    for (const of of [1, 2, 7]) {
      const all = await parts(of, s, options)
      expect(all.map(({ bound }) => bound)).toEqual(all.map(() => whole.bound))
      expect(sum(all, 'schedules')).toBe(whole.schedules)
      expect(hash(all)).toBe(whole.hash)
      expect(results(all)).toEqual(results([whole]))
    }
  })
})
