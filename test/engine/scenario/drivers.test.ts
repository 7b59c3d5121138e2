import { describe, expect, test } from 'vitest'
import { explore, run, type ScenarioOp, type WrittenScenario } from '../../../lib/index.ts'

const ops = (...list: object[]): ScenarioOp[] => list as ScenarioOp[]
const map = (buf: string, pages: number, value: number): ScenarioOp[] =>
  ops({ op: 'mmap', buf, pages, kind: 'anon-private', prot: 'rw' }, { op: 'store', buf, value })
const words = (buf: string, expect: number): object => ({ op: 'load', buf, must: 1, expect })
const states = (came: ReturnType<typeof run>): string[] =>
  came.ran
    .filter(({ op }) => op.op === 'pagemap')
    .map(({ result }) => (result.pages as { st: string }[]).map(({ st }) => st).join())
const scene = (setup: ScenarioOp[], ...list: object[]): WrittenScenario => ({
  name: 'drivers',
  setup,
  threads: [{ name: 'it', ops: ops(...list) }],
})
const clean = (came: ReturnType<typeof run>): void => {
  expect(came.audit).toEqual([])
  expect(came.leaks).toBe('')
  expect(came.livelocks).toEqual([])
}

describe('a driver that evicts when its memory is full', () => {
  // The memory of a device, in order.
  const size = 2048
  const there = { op: 'migrate_to_dev', dev: 0, buf: 'b' }
  const full = [...map('a', size, 1), ...ops({ op: 'migrate_to_dev', dev: 0, buf: 'a', must: 1 }), ...map('b', 4, 70)]

  test('without it, what does not fit stays in RAM', () => {
    const came = run(scene(full, there, { op: 'pagemap', buf: 'b' }, words('b', 70)))
    clean(came)
    expect(came.ran.find(({ op, thread }) => thread === 'it' && op.op === 'migrate_to_dev')?.result.ret).toBe('ENOENT')
    expect(states(came)).toEqual(['present,present,present,present'])
  })
  test('with it, the oldest pages move out', () => {
    const came = run(
      scene(
        full,
        { ...there, evict: 1, must: 1 },
        { op: 'pagemap', buf: 'b' },
        { op: 'pagemap', buf: 'a', page: 0, n: 5 },
        words('b', 70),
        words('a', 1),
      ),
    )
    clean(came)
    expect(states(came)).toEqual([
      'dev_private_w,dev_private_w,dev_private_w,dev_private_w',
      'present,present,present,present,dev_private_w',
    ])
  })
  test('what somebody holds stays; what there is no RAM for, too', () => {
    const came = run(
      scene(
        [
          ...map('a', 2, 1),
          ...ops({ op: 'migrate_to_dev', dev: 2, buf: 'a', must: 1 }, { op: 'pin', id: 1, via: 'vmsplice', buf: 'a' }),
          ...map('b', 2, 70),
        ],
        { op: 'fail_nth', site: 'device_page' },
        { ...there, dev: 2, evict: 1 },
        { op: 'pin_read', id: 1, must: 1, expect: 1 },
        words('a', 1),
        words('b', 70),
      ),
    )
    clean(came)
  })
  test('two that evict each other, in every order that is drawn', async () => {
    const thread = (buf: string): object[] => [
      { op: 'fail_nth', site: 'device_page' },
      { op: 'migrate_to_dev', dev: 0, buf, evict: 1 },
      { op: 'store', buf, value: 9 },
    ]
    const found = await explore(
      {
        name: 'evicted',
        pages: 256,
        setup: [...map('a', 2, 1), ...map('b', 2, 70)],
        threads: [
          { name: 'one', ops: ops(...thread('a')) },
          { name: 'two', ops: ops(...thread('b')) },
        ],
        after: ops(words('a', 9), words('b', 9)),
      },
      { strategy: 'random', samples: 300, seed: 2 },
    )
    expect(found.first.map(({ text }) => text)).toEqual([])
  })
})

describe('a driver that leaves pages of others in the device', () => {
  const setup = [
    ...map('a', 2, 1),
    ...ops(
      { op: 'migrate_to_dev', dev: 0, buf: 'a', must: 1 },
      { op: 'fork', child: 'q' },
      { op: 'snapshot', proc: 'q', dev: 0, buf: 'a' },
    ),
  ]
  const look = { op: 'pagemap', buf: 'a' }

  test.each([
    [{ op: 'exit', proc: 'q' }, 'present,present'],
    [{ op: 'exit', proc: 'q', keep: 1 }, 'dev_private_r,dev_private_r'],
    [{ op: 'close_dev', proc: 'q', dev: 0 }, 'present,present'],
    [{ op: 'close_dev', proc: 'q', dev: 0, keep: 1 }, 'dev_private_r,dev_private_r'],
  ])('%j', (op, state) => {
    const came = run(scene(setup, op, look, words('a', 1), { op: 'store', buf: 'a', value: 5 }, words('a', 5)))
    clean(came)
    expect(states(came)).toEqual([state])
  })
  test('also when who migrated them is gone: they come back by the fault, and all memory with the last', () => {
    const came = run(
      scene(
        setup,
        { op: 'exit', keep: 1 },
        { ...look, proc: 'q' },
        { op: 'fork', proc: 'q', child: 'r' },
        { op: 'dev_read', proc: 'r', dev: 0, buf: 'a', must: 1, expect: 1 },
        { ...words('a', 1), proc: 'q' },
      ),
    )
    clean(came)
    expect(states(came)).toEqual(['dev_private_r,dev_private_r'])
  })
})

describe('a part of a pin is given back', () => {
  const setup = [...map('a', 4, 1), ...ops({ op: 'pin', id: 3, via: 'uring', buf: 'a', must: 1 })]
  const read = (): object[] => [{ op: 'pin_read', id: 3, must: 1 }]

  test('the rest is held, and counted from 0 again', () => {
    const came = run(
      scene(
        setup,
        { op: 'unpin', id: 3, page: 1, n: 2, must: 1 },
        ...read(),
        { op: 'unpin', id: 3, page: 0, must: 1 },
        ...read(),
        { op: 'unpin', id: 3, must: 1 },
        { op: 'unpin', id: 3 },
      ),
    )
    clean(came)
    const results = came.ran.filter(({ thread }) => thread === 'it').map(({ result }) => result.v ?? result.ret)
    expect(results).toEqual(['ok', [1, 4], 'ok', [4], 'ok', 'EINVAL'])
  })
  test.each([
    [{ page: 4 }, 'EINVAL'],
    [{ page: 2, n: 3 }, 'EINVAL'],
    [{ n: 5 }, 'EINVAL'],
    [{ page: 3, n: 0 }, 'ok'],
    [{ n: 4 }, 'ok'],
  ])('%j', (range, ret) => {
    const came = run(scene(setup, { op: 'unpin', id: 3, ...range }))
    clean(came)
    expect(came.ran.at(-1)?.result.ret).toBe(ret)
  })
  test('pages of a folio one after the other: it is pinned until the last', () => {
    const came = run(
      {
        ...scene(
          ops(
            { op: 'mmap', buf: 'a', pages: 512, kind: 'anon-private', prot: 'rw' },
            { op: 'madvise', buf: 'a', advice: 'hugepage' },
            { op: 'store', buf: 'a', value: 1 },
            { op: 'pin', id: 3, via: 'uring', buf: 'a', page: 0, n: 3, must: 1 },
          ),
          { op: 'unpin', id: 3, page: 0, n: 2 },
          { op: 'maybe_pinned', buf: 'a', page: 0 },
          { op: 'unpin', id: 3, page: 0 },
          { op: 'maybe_pinned', buf: 'a', page: 0 },
        ),
        hugePages: true,
      },
      {},
    )
    clean(came)
    expect(came.ran.filter(({ op }) => op.op === 'maybe_pinned').map(({ result }) => result.v)).toEqual([[1], [0]])
  })
})
