import { describe, expect, test } from 'vitest'
import { explore, race, run, type ScenarioOp, scenario, type WrittenScenario } from '../../../lib/index.ts'
import { vocabulary } from '../../../lib/engine/scenario/vocabulary.ts'

/** What is set up, the operation in which each call of each site fails once, and what must hold afterwards. */
interface Case {
  readonly setup?: readonly ScenarioOp[]
  readonly op: ScenarioOp
  /** Besides: new memory works, everything goes back in the end. */
  readonly holds?: readonly ScenarioOp[]
  readonly hugePages?: boolean
}

const ops = (...list: object[]): ScenarioOp[] => list as ScenarioOp[]
const anon = { op: 'mmap', buf: 'a', pages: 4, kind: 'anon-private', prot: 'rw' }
const filled = ops(anon, { op: 'store', buf: 'a', value: 10 })
const words = { op: 'load', buf: 'a', must: 1, expect: 10 }
const kept = ops(words)
const out = { op: 'madvise', buf: 'a', advice: 'pageout' }
const child = { op: 'fork', child: 'q' }
const shared = ops({ ...anon, kind: 'anon-shared' }, { op: 'store', buf: 'a', value: 10 })
const disk = ops({ op: 'file', file: 0, pages: 4, value: 10 }, { ...anon, kind: 'disk-shared', file: 0 })
const big = 1024
const huge = ops(
  { ...anon, pages: big },
  { op: 'madvise', buf: 'a', advice: 'hugepage' },
  { op: 'store', buf: 'a', value: 10 },
)
const there = (dev: number): ScenarioOp => ({ op: 'migrate_to_dev', dev, buf: 'a' })
const middle = { page: 1, n: 2 }

const cases: Record<string, Case> = {
  mmap: { op: { ...anon } },
  'first write': { setup: ops(anon), op: { op: 'store', buf: 'a', value: 3 } },
  'first read': { setup: ops(anon), op: { op: 'load', buf: 'a' } },
  'write after a fork': {
    setup: [...filled, child],
    op: { op: 'store', buf: 'a', value: 20 },
    holds: ops({ ...words, proc: 'q' }),
  },
  'write to a zero page': { setup: ops(anon, { op: 'load', buf: 'a' }), op: { op: 'store', buf: 'a', value: 3 } },
  'write to a private file': {
    setup: ops({ ...anon, kind: 'file-private', fill: 10 }),
    op: { op: 'store', buf: 'a', value: 3, page: 0 },
    holds: ops({ op: 'load', buf: 'a', page: 1, n: 3, must: 1, expect: 11 }),
  },
  'read of a shared file': {
    setup: ops({ ...anon, kind: 'file-shared', fill: 10 }),
    op: { ...words, must: 0 },
    holds: kept,
  },
  'write to a hole of a shared file': {
    setup: ops({ ...anon, kind: 'file-shared' }),
    op: { op: 'store', buf: 'a', value: 3 },
  },
  'read of a disk file': { setup: disk, op: { op: 'load', buf: 'a' }, holds: kept },
  'write to a disk file': { setup: disk, op: { op: 'store', buf: 'a', value: 10 } },
  'write of a new disk page': { setup: disk, op: { op: 'bio_write', buf: 'a', page: 0, n: 4, file: 1, fpage: 0 } },
  'direct write': { setup: disk, op: { op: 'dio_write', buf: 'a', page: 0, n: 4, file: 0, fpage: 0 }, holds: kept },
  'direct read': {
    setup: [...disk, ...ops({ ...anon, buf: 'b' })],
    op: { op: 'dio_read', buf: 'b', page: 0, n: 4, file: 0, fpage: 0 },
    holds: kept,
  },
  'read of a file': { setup: disk, op: { op: 'file_read', file: 0, fpage: 0, n: 4 }, holds: kept },
  'write(2)': { setup: ops({ ...anon, kind: 'file-shared' }), op: { op: 'fd_write', buf: 'a', value: 10 } },
  fork: { setup: filled, op: child, holds: kept },
  'fork of a pinned page': {
    setup: [...filled, ...ops({ op: 'pin', id: 1, via: 'uring', buf: 'a' })],
    op: child,
    holds: [...kept, ...ops({ op: 'pin_read', id: 1, must: 1, expect: 10 }, { op: 'unpin', id: 1, must: 1 })],
  },
  'fork of all kinds': {
    setup: [
      ...filled,
      ...ops(
        { ...anon, buf: 'b', kind: 'file-private', fill: 5 },
        { op: 'store', buf: 'b', page: 1, value: 3 },
        { ...anon, buf: 'c' },
        { op: 'store', buf: 'c', value: 7 },
        { op: 'madvise', buf: 'c', advice: 'pageout' },
        { op: 'migrate_to_dev', dev: 0, buf: 'a', page: 0, n: 2 },
        { op: 'exclusive', dev: 1, buf: 'a', page: 3 },
      ),
    ],
    op: child,
    holds: kept,
  },
  'fork of a fork': {
    setup: [...filled, child, ...ops({ op: 'store', proc: 'q', buf: 'a', value: 30 })],
    op: { op: 'fork', proc: 'q', child: 'r' },
    holds: kept,
  },
  'mprotect in the middle': { setup: filled, op: { op: 'mprotect', buf: 'a', ...middle, prot: 'r' }, holds: kept },
  'munmap in the middle': {
    setup: filled,
    op: { op: 'munmap', buf: 'a', ...middle },
    holds: ops({ ...words, page: 0 }),
  },
  'mlock in the middle': { setup: filled, op: { op: 'mlock', buf: 'a', ...middle }, holds: kept },
  'mlock of empty memory': { setup: ops(anon), op: { op: 'mlock', buf: 'a' } },
  'munlock in the middle': {
    setup: [...filled, ...ops({ op: 'mlock', buf: 'a' })],
    op: { op: 'munlock', buf: 'a', ...middle },
    holds: kept,
  },
  'madvise in the middle': {
    setup: filled,
    op: { op: 'madvise', buf: 'a', ...middle, advice: 'dontfork' },
    holds: kept,
  },
  populate: { setup: ops(anon), op: { op: 'madvise', buf: 'a', advice: 'populate_write' } },
  mremap: { setup: filled, op: { op: 'mremap', buf: 'a', page: 0, n: 4, to: 'z' } },
  'mremap in the middle': {
    setup: filled,
    op: { op: 'mremap', buf: 'a', ...middle, to: 'z' },
    holds: ops({ ...words, page: 0 }),
  },
  'mremap of a file': {
    setup: ops({ ...anon, kind: 'file-shared', fill: 10 }, { op: 'load', buf: 'a' }),
    op: { op: 'mremap', buf: 'a', ...middle, to: 'z' },
  },
  pageout: { setup: filled, op: out, holds: kept },
  'pageout of shared memory': { setup: shared, op: out, holds: kept },
  'swap-in for reading': { setup: [...filled, out], op: { op: 'load', buf: 'a' }, holds: kept },
  'swap-in for writing': { setup: [...filled, out], op: { op: 'store', buf: 'a', value: 10 } },
  'swap-in after a fork': {
    setup: [...filled, child, out],
    op: { op: 'store', buf: 'a', value: 20 },
    holds: ops({ ...words, proc: 'q' }),
  },
  'swap-in of shared memory': { setup: [...shared, out], op: { op: 'load', buf: 'a' }, holds: kept },
  willneed: { setup: [...filled, out], op: { op: 'madvise', buf: 'a', advice: 'willneed' }, holds: kept },
  compact: { setup: [...filled, child], op: { op: 'compact' }, holds: [...kept, ...ops({ ...words, proc: 'q' })] },
  'gup for writing': {
    setup: [...filled, child],
    op: { op: 'gup', buf: 'a', mode: 'pin', write: 1 },
    holds: [...kept, ...ops({ ...words, proc: 'q' })],
  },
  'pin that unshares': {
    setup: [...filled, child],
    op: { op: 'pin', id: 1, via: 'gup', buf: 'a' },
    holds: [...kept, ...ops({ ...words, proc: 'q' })],
  },
  'long-term pin of coherent memory': {
    setup: [...filled, there(2)],
    op: { op: 'pin', id: 1, via: 'uring', buf: 'a' },
    holds: kept,
  },
  'pin of device memory': {
    setup: [...filled, there(0)],
    op: { op: 'pin', id: 1, via: 'gup', buf: 'a', write: 1 },
    holds: kept,
  },
  poke: { setup: [...filled, child], op: { op: 'poke', buf: 'a', value: 10 }, holds: ops({ ...words, proc: 'q' }) },
  'migration to a device': { setup: filled, op: there(0), holds: kept },
  'migration of holes': {
    setup: ops(anon, { op: 'store', buf: 'a', page: 1, value: 3 }),
    op: there(0),
    holds: ops({ op: 'load', buf: 'a', page: 1, must: 1, expect: 3 }),
  },
  'migration to coherent memory': {
    setup: [...filled, child],
    op: there(2),
    holds: [...kept, ...ops({ ...words, proc: 'q' })],
  },
  'migration that evicts': {
    setup: [
      ...filled,
      ...ops({ ...anon, buf: 'b' }, { op: 'store', buf: 'b', value: 20 }, { op: 'migrate_to_dev', dev: 0, buf: 'b' }),
    ],
    op: { ...there(0), evict: 1 },
    holds: [...kept, ...ops({ op: 'load', buf: 'b', must: 1, expect: 20 })],
  },
  'migration back': { setup: [...filled, there(0)], op: { op: 'migrate_to_sys', dev: 0, buf: 'a' }, holds: kept },
  'read of device memory': { setup: [...filled, there(0)], op: { op: 'load', buf: 'a' }, holds: kept },
  'write to coherent memory after a fork': {
    setup: [...filled, there(2), child],
    op: { op: 'store', buf: 'a', value: 20 },
    holds: ops({ ...words, proc: 'q' }),
  },
  'device read': { setup: [...filled, child], op: { op: 'dev_read', dev: 0, buf: 'a' }, holds: kept },
  'device write': {
    setup: [...filled, child],
    op: { op: 'dev_write', dev: 0, buf: 'a', value: 20 },
    holds: ops({ ...words, proc: 'q' }),
  },
  exclusive: {
    setup: [...filled, child],
    op: { op: 'exclusive', dev: 0, buf: 'a' },
    holds: [...kept, ...ops({ ...words, proc: 'q' })],
  },
  release: { setup: [...filled, there(0)], op: { op: 'release', dev: 0 }, holds: kept },
  'close of a device': { setup: [...filled, there(0)], op: { op: 'close_dev', dev: 0 }, holds: kept },
  'exit beside a device': {
    setup: [...filled, there(0), child, ...ops({ op: 'dev_read', proc: 'q', dev: 0, buf: 'a' })],
    op: { op: 'exit', proc: 'q' },
    holds: kept,
  },
  'first write of a huge page': {
    hugePages: true,
    setup: huge.slice(0, 2),
    op: { op: 'store', buf: 'a', page: 5, value: 15 },
  },
  'first read of a huge page': { hugePages: true, setup: huge.slice(0, 2), op: { op: 'load', buf: 'a', page: 5 } },
  'fork of huge pages': { hugePages: true, setup: huge, op: child, holds: kept },
  'write to a huge page after a fork': {
    hugePages: true,
    setup: [...huge, child],
    op: { op: 'store', buf: 'a', page: 5, value: 99 },
    holds: ops({ ...words, proc: 'q' }),
  },
  'munmap of a part of a huge page': {
    hugePages: true,
    setup: huge,
    op: { op: 'munmap', buf: 'a', page: 3, n: 2 },
    holds: ops({ ...words, page: 0, n: 3 }),
  },
  'mremap of huge pages': { hugePages: true, setup: huge, op: { op: 'mremap', buf: 'a', page: 0, n: big, to: 'z' } },
  'mremap of a part of a huge page': {
    hugePages: true,
    setup: huge,
    op: { op: 'mremap', buf: 'a', page: 3, n: 600, to: 'z' },
    holds: ops({ ...words, page: 0, n: 3 }),
  },
  'pageout of huge pages': { hugePages: true, setup: huge, op: out, holds: kept },
  'migration of huge pages': {
    hugePages: true,
    setup: huge,
    op: { op: 'migrate_to_dev', dev: 0, buf: 'a', page: 500, n: 30 },
    holds: kept,
  },
}

const most = 200
function scene({ setup = [], op, holds = [], hugePages = false }: Case, site: string, nth: number): WrittenScenario {
  const sites = vocabulary().tables.failSites
  return {
    name: 'a failure',
    pages: hugePages ? 2 ** 14 : 512,
    ...(hugePages && { hugePages }),
    setup,
    threads: [
      {
        name: 'it',
        ops: ops(
          { op: 'fail_nth', site, nth },
          op,
          { op: 'injected' },
          ...sites.map((each) => ({ op: 'fail_nth', site: each, times: 0 })),
          ...holds,
          { ...anon, buf: 'y', must: 1 },
          { op: 'store', buf: 'y', value: 77, must: 1 },
          { op: 'load', buf: 'y', must: 1, expect: 77 },
        ),
      },
    ],
  }
}
const countOf = ({ ran }: ReturnType<typeof run>): number =>
  Number((ran.find(({ op }) => op.op === 'injected')?.result.v as number[] | undefined)?.[0])

describe('each call of each operation fails once, and nothing is lost', () => {
  let failed = 0
  test.each(Object.entries(cases))('%s', (_name, each) => {
    for (const site of vocabulary().tables.failSites) {
      for (let nth = 1; ; nth++) {
        // A huge page has hundreds of some kinds, all alike.
        if (each.hugePages && nth > 12) break
        expect(nth).toBeLessThan(most)
        const came = run(scene(each, site, nth))
        const what = `${site} ${nth}: ${came}`
        expect(came.audit, what).toEqual([])
        expect(came.leaks, what).toBe('')
        expect(came.livelocks, what).toEqual([])
        if (countOf(came) === 0) break
        failed++
      }
    }
  })
  test('there were many, and a failure is the operation’s', () => {
    expect(failed).toBeGreaterThan(200)
    const { ran } = run(scene(cases.mmap as Case, 'slab', 1))
    expect(ran[1]?.result.ret).toBe('ENOMEM')
    expect(countOf(run(scene(cases['first write'] as Case, 'page', 1)))).toBe(1)
  })
})

const kinds = [
  [[{ mm: 8, fail_nth: 30 }], 1],
  [[{ mm: 8, chaos: 4, fail_nth: 30 }], 2],
  [[{ touch: 4, device: 4, chaos: 3, fail_nth: 20 }], 3],
] as const

describe('among random operations', () => {
  test.each(kinds)('explored: %j', async (mixes, seed) => {
    const found = await explore(
      { name: 'failing', mixes },
      { samples: 150, threads: 2, ops: 12, seed, workloadSeed: seed },
    )
    expect(found.first.map((each) => `${each.text} ${each.token}`)).toEqual([])
    expect(found.outcomes.clean).toBe(150)
  })
  test.each(kinds)('raced: %j', async (mixes, seed) => {
    const found = await race({ name: 'failing', mixes }, { ops: 4000, threads: 2, seed })
    expect(found.audit.rows.map(String)).toEqual([])
    expect(found.audit).toMatchObject({ clean: true, leaks: '', livelocks: [] })
    expect(found.ops.find(({ op }) => op === 'fail_nth')?.ops).toBeGreaterThan(0)
  })
})

describe('per thread, and a function of what it does', () => {
  const two = scenario('two', { pages: 256 }, (b) => {
    const buf = b.mmap({ pages: 2 })
    b.thread('one', (t) => {
      t.store(buf, 1, { page: 0 })
      t.injected()
    })
    b.thread('two', (t) => {
      t.store(buf, 2, { page: 1 })
      t.injected()
    })
  })
  const results = (came: ReturnType<typeof run>): unknown[] => came.ran.slice(1).map(({ result }) => result)

  test('an option fails in one thread, or in each', () => {
    expect(results(run(two, { failures: [{ site: 'page', thread: 'two' }] }))).toEqual([
      { ret: 'ok' },
      { ret: 'ok', v: [0] },
      { ret: 'ok' },
      { ret: 'fault', st: ['OOM'] },
      { ret: 'ok', v: [1] },
    ])
    expect(results(run(two, { failures: [{ site: 'page' }] }))).toHaveLength(6)
  })
  test('in each schedule the same thread fails, and a token carries it', async () => {
    const found = await explore(two, {
      samples: 200,
      seed: 4,
      outcomes: true,
      failures: [{ site: 'page', thread: 'two' }],
    })
    expect(found.outcomes.clean).toBe(200)
    expect(found.seen?.map(({ result }) => result.threads[1]?.[1])).toEqual(
      found.seen?.map(() => ({ ret: 'fault', st: ['OOM'] })),
    )
  })
  test('in a race', async () => {
    const found = await race(two, { rounds: 20, failures: [{ site: 'page', thread: 'two' }] })
    expect(found.audit).toMatchObject({ clean: true })
    expect(found.ops.find(({ op }) => op === 'store')?.failures).toEqual({ EFAULT: 20 })
  })
  test('several calls in a row', () => {
    const s = (times: number): WrittenScenario =>
      scenario('a row', {}, (b) => {
        b.thread('it', (t) => {
          t.failNth('page', { nth: 2, times })
          const buf = t.mmap({ pages: 5 })
          t.store(buf, 1)
          t.injected()
        })
      })
    expect(run(s(2)).ran[2]?.result).toEqual({ ret: 'fault', st: ['ok', 'OOM', 'OOM', 'ok', 'ok'] })
    expect(run(s(0)).ran[2]?.result).toEqual({ ret: 'ok' })
  })
})

describe('what is not allowed', () => {
  const of = (op: object): WrittenScenario => ({ name: 'bad', threads: [{ name: 'it', ops: ops(op) }] })
  test.each([
    [{ op: 'fail_nth' }, 'site'],
    [{ op: 'fail_nth', site: 'disk' }, 'site'],
    [{ op: 'fail_nth', site: 'page', nth: 0 }, 'nth'],
    [{ op: 'fail_nth', site: 'page', times: -1 }, 'times'],
    [{ op: 'fail_nth', site: 'page', times: 0.5 }, 'times'],
    [{ op: 'injected', must: 2 }, 'must'],
    [{ op: 'resume', id: 1 }, 'id'],
  ])('%j', (op, field) => {
    expect(() => run(of(op))).toThrow(
      expect.objectContaining({ code: 'ERR_PAGEBOX_SCENARIO', argument: expect.stringContaining(field) }),
    )
  })
  test.each([
    [7, 'options.failures'],
    [[{ site: 'nowhere' }], 'options.failures[0].site'],
    [[{ site: 'page', thread: 'nobody' }], 'options.failures[0].thread'],
    [[{ site: 'page', nth: 0 }], 'options.failures[0].nth'],
    [[{ site: 'page', often: 1 }], 'options.failures[0]'],
  ])('%j', (failures, argument) => {
    expect(() => run(of({ op: 'injected' }), { failures: failures as never })).toThrow(
      expect.objectContaining({ argument: expect.stringContaining(argument) }),
    )
  })
  test('of a random scenario a mix says it', async () => {
    await expect(race({ name: 'r', mixes: [{ mm: 1 }] }, { failures: [{ site: 'page' }], ops: 1 })).rejects.toThrow(
      /fail_nth/,
    )
  })
})
