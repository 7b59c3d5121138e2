// What a scenario expects of its operations.
import { explore, PageboxError, race, run, type ScenarioOp, type WrittenScenario } from 'pagebox'
import { expect, test } from 'vitest'

const op = (fields: Record<string, unknown>): ScenarioOp => fields as unknown as ScenarioOp
const map = (buf: string): ScenarioOp => op({ op: 'mmap', buf, pages: 2, kind: 'anon-private', prot: 'rw' })
const one = (...ops: ScenarioOp[]): WrittenScenario => ({
  name: 'one',
  setup: [map('a'), op({ op: 'store', buf: 'a', value: 4 })],
  threads: [{ name: 'only', ops }],
})
const isAsExpected = async (scenario: WrittenScenario): Promise<boolean> => {
  const rows = run(scenario).audit.filter(({ invariant }) => invariant === 'as-expected')
  const { outcomes } = await explore(scenario, { samples: 5, strategy: 'dpor' })
  const raced = await race(scenario, { rounds: 2 })
  expect(outcomes.violation > 0).toBe(rows.length > 0)
  expect(raced.audit.clean).toBe(rows.length === 0)
  return rows.length === 0
}

test('words are what is expected, page by page, in every engine', async () => {
  expect(await isAsExpected(one(op({ op: 'load', buf: 'a', expect: 4 })))).toBe(true)
  expect(await isAsExpected(one(op({ op: 'load', buf: 'a', expect: 5 })))).toBe(false)
  expect(
    await isAsExpected(one(op({ op: 'store', buf: 'a', page: 1, value: 9 }), op({ op: 'load', buf: 'a', expect: 4 }))),
  ).toBe(false)
})

test('the row says what came, and of which operation', () => {
  const { audit } = run(one(op({ op: 'load', buf: 'a', page: 0, expect: 7 })))
  expect(audit[0]).toMatchObject({
    invariant: 'as-expected',
    place: { kind: 'nowhere' },
    field: 'v',
    expected: 7n,
    found: 4n,
  })
  expect(audit[0]?.explanation).toBe('thread 1, {"op":"load","buf":"a","page":0,"expect":7}')
})

test('what must be may neither fail nor meet a signal', async () => {
  expect(await isAsExpected(one(op({ op: 'munmap', buf: 'a', must: 1 })))).toBe(true)
  expect(await isAsExpected(one(op({ op: 'load', buf: 'b', must: 1 })))).toBe(false)
  expect(await isAsExpected(one(op({ op: 'store', buf: 'b', value: 1, must: 1 })))).toBe(false)
  expect(await isAsExpected(one(op({ op: 'unpin', id: 3, must: 1 })))).toBe(false)
})

test('words that are not there are not expected to be anything', async () => {
  expect(await isAsExpected(one(op({ op: 'load', buf: 'b', expect: 1 })))).toBe(true)
  expect(await isAsExpected(one(op({ op: 'pin_read', id: 3, expect: 1 })))).toBe(true)
})

test.each([
  [op({ op: 'munmap', buf: 'a', expect: 1 }), /expect: 1; allowed: no field but/],
  [op({ op: 'load', buf: 'a', expect: -1 }), /expect: -1/],
  [op({ op: 'load', buf: 'a', expect: 1.5 }), /expect: 1.5/],
  [op({ op: 'load', buf: 'a', must: 2 }), /must: 2/],
  [op({ op: 'barrier', must: 1 }), /must: 1; allowed: no field but/],
])('%j is refused', (wrong, message) => {
  expect(() => run(one(wrong))).toThrow(PageboxError)
  expect(() => run(one(wrong))).toThrow(message)
})

test('a fault on a page that another thread is just swapping in does not run out of memory', async () => {
  const { complete, outcomes } = await explore(
    {
      name: 'two swap in',
      setup: [map('a'), op({ op: 'store', buf: 'a', value: 1 }), op({ op: 'madvise', buf: 'a', advice: 'pageout' })],
      threads: [
        { name: 'reader', ops: [op({ op: 'load', buf: 'a', page: 0, must: 1 })] },
        { name: 'writer', ops: [op({ op: 'store', buf: 'a', page: 0, value: 2, must: 1 })] },
      ],
    },
    { strategy: 'dpor', samples: 50_000 },
  )
  expect([complete, outcomes.violation]).toEqual([true, 0])
})

test('a debugger writes where the process may not, into a copy', async () => {
  const { ran, audit } = run({
    name: 'poke',
    setup: [
      op({ op: 'file', file: 0, pages: 1, value: 1 }),
      op({ op: 'mmap', buf: 'a', pages: 1, kind: 'disk-private', file: 0, prot: 'r' }),
    ],
    threads: [
      {
        name: 'debugger',
        ops: [
          op({ op: 'store', buf: 'a', value: 5 }),
          op({ op: 'poke', buf: 'a', value: 6, must: 1 }),
          op({ op: 'load', buf: 'a', expect: 6, must: 1 }),
          op({ op: 'file_read', file: 0, fpage: 0, n: 1, expect: 1, must: 1 }),
          op({ op: 'poke', buf: 'z', value: 6 }),
        ],
      },
    ],
  })
  expect(audit).toEqual([])
  expect(ran.map(({ result }) => result.ret)).toEqual(['ok', 'ok', 'fault', 'ok', undefined, 'ok', 'EFAULT'])
})

test('a monitor fills holes from the cache: read-only where the mapping is private', () => {
  const { ran, audit } = run({
    name: 'continue',
    setup: [op({ op: 'mmap', buf: 'a', pages: 1, kind: 'file-private', fill: 3, prot: 'rw' })],
    threads: [
      {
        name: 'monitor',
        ops: [
          op({ op: 'uffd_continue', buf: 'a', must: 1 }),
          op({ op: 'uffd_continue', buf: 'a' }),
          op({ op: 'load', buf: 'a', expect: 3, must: 1 }),
          op({ op: 'store', buf: 'a', value: 4, must: 1 }),
          op({ op: 'fd_read', buf: 'a', expect: 3, must: 1 }),
          op({ op: 'uffd_continue', buf: 'b' }),
        ],
      },
    ],
  })
  expect(audit).toEqual([])
  expect(ran.map(({ result }) => result.ret).slice(1)).toEqual(['ok', 'EEXIST', undefined, 'ok', 'ok', 'ENOENT'])
})

test('dax files: truncate gives blocks back, and not under a reference', () => {
  const setup = [
    op({ op: 'dax_file', file: 0, pages: 2 }),
    op({ op: 'mmap', buf: 'a', pages: 2, kind: 'dax-shared', file: 0, prot: 'rw' }),
    op({ op: 'store', buf: 'a', value: 1 }),
  ]
  const { ran, audit } = run({
    name: 'dax',
    setup,
    threads: [
      {
        name: 'only',
        ops: [
          op({ op: 'get_page', buf: 'a', page: 1 }),
          op({ op: 'truncate', file: 0, pages: 1 }),
          op({ op: 'put_page', page: 'held' }),
          op({ op: 'truncate', file: 0, pages: 1 }),
          op({ op: 'load', buf: 'a', page: 0, expect: 1, must: 1 }),
          op({ op: 'load', buf: 'a', page: 1 }),
          op({ op: 'dax_file', file: 1, pages: 1 }),
          op({ op: 'truncate', file: 1, pages: 1 }),
          op({ op: 'truncate', file: 0, pages: 9 }),
        ],
      },
    ],
  })
  expect(audit).toEqual([])
  expect(ran.map(({ result }) => result.ret).slice(3)).toEqual([
    'ok',
    'EBUSY',
    'ok',
    'ok',
    undefined,
    undefined,
    'EINVAL',
    'ENOENT',
    'ENOSPC',
  ])
})
