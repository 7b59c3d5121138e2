import { expect, test } from 'vitest'
import { explore, run, scenario } from 'pagebox'
import { outcomesOf } from '../../../lib/engine/recording/outcomes.ts'
import { parseLine } from '../../../lib/engine/recording/read.ts'
import type { ConcurrentRecording } from '../../../lib/engine/recording/types.ts'

const settings = { samples: 4000, secondsEach: 20 }
const stores = scenario('two stores', {}, (b) => {
  const buf = b.mmap({ pages: 1 })
  b.store(buf, 10)
  b.thread('a', (t) => t.store(buf, 20))
  b.thread('b', (t) => t.store(buf, 30))
  b.after((t) => t.load(buf))
})

/** As a kernel gave it; `last` are the words that the load after it saw. */
const recorded = (...last: number[]): ConcurrentRecording => ({
  id: 'two stores',
  kind: 'outcomes',
  kernel: '7.2',
  setup: stores.setup ?? [],
  setup_results: [{ ret: 'ok' }, { ret: 'ok' }],
  threads: stores.threads.map(({ ops }) => ({ proc: 'p', ops })),
  after: stores.after ?? [],
  seen: last.map((word) => ({ count: 1, results: [[{ ret: 'ok' }], [{ ret: 'ok' }]], after: [{ v: [word] }] })),
})

test('every distinct final result is listed once, in the same order each time, and counts add up', async () => {
  const found = await explore(stores, { strategy: 'dpor', outcomes: true })
  expect(found.complete).toBe(true)
  expect(found.seen?.map(({ result }) => result.after)).toEqual([[{ v: [20] }], [{ v: [30] }]])
  expect(found.seen?.reduce((sum, { count }) => sum + count, 0)).toBe(found.schedules)
  expect(found.seenFull).toBe(false)
  const again = await explore(stores, { strategy: 'dpor', outcomes: true })
  expect(again.seen).toEqual(found.seen)
})

test('only what was asked for makes outcomes differ', async () => {
  const threads = await explore(stores, { strategy: 'dpor', outcomes: { of: 'threads' } })
  expect(threads.seen).toHaveLength(1)
  expect((await explore(stores, { samples: 2 })).seen).toBeNull()
})

test('what threads named is there after them', () => {
  const s = scenario('pin, then look', {}, (b) => {
    const buf = b.mmap({ pages: 1 })
    b.thread('a', (t) => t.store(buf, 7))
  })
  const ops = [
    { op: 'pin', id: 3, via: 'uring', buf: 'a' },
    { op: 'fork', child: 'c' },
  ]
  const made = { ...s, threads: [{ name: 'a', ops: [...(s.threads[0]?.ops ?? []), ...ops] }] }
  const after = [
    { op: 'pin_read', id: 3 },
    { op: 'load', buf: 'a', proc: 'c' },
  ]
  const ran = run({ ...made, after }).ran.filter(({ thread }) => thread === 'after')
  expect(ran.map(({ result }) => result)).toEqual([{ ret: 'ok', v: [7] }, { v: [7] }])
})

test('outcomes of the kernel are explained, one that cannot be is missing, with the nearest', async () => {
  const good = await outcomesOf('f', recorded(20, 30), settings)
  expect(good).toMatchObject({ extent: 'complete', seen: 2, explained: 2, extra: 0, mismatches: [] })
  const bad = await outcomesOf('f', recorded(20, 40), settings)
  expect(bad).toMatchObject({ seen: 2, explained: 1, extra: 1 })
  expect(bad.mismatches).toHaveLength(1)
  expect(bad.mismatches[0]).toMatchObject({ what: 'seen', expected: { after: [{ v: [40] }] } })
  expect(bad.mismatches[0]?.token).toMatch(/^[\w-]+$/)
})

test('a setup that gave something else is a mismatch of its own', async () => {
  const found = await outcomesOf(
    'f',
    { ...recorded(20, 30), setup_results: [{ ret: 'ok' }, { ret: 'ENOMEM' }] },
    settings,
  )
  expect(found.mismatches.map(({ what }) => what)).toEqual(['setup'])
})

test('operations that there are not are named, and nothing is explored', async () => {
  const found = await outcomesOf('f', { ...recorded(20), after: [{ op: 'teleport' }] }, settings)
  expect(found).toMatchObject({ unsupported: ['teleport'], schedules: 0, mismatches: [] })
})

test.each([
  ['cut off', (line: string) => line.slice(0, -20)],
  ['another kind', (line: string) => line.replace('"outcomes"', '"dreams"')],
  ['results of no operation', (line: string) => line.replace('"after":[{"v":[20]}]', '"after":[]')],
])('a line that is %s is refused', (_, change) => {
  const line = JSON.stringify(recorded(20))
  expect(parseLine(line, 'f:1')).toMatchObject({ id: 'two stores' })
  expect(() => parseLine(change(line), 'f:1')).toThrow(expect.objectContaining({ code: 'ERR_PAGEBOX_RECORDING' }))
})
