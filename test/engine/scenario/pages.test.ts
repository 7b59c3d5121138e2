import { describe, expect, test } from 'vitest'
import {
  type LayoutDefinition,
  type Scenario,
  type WrittenScenario,
  explore,
  layouts,
  race,
  run,
  scenario,
  schemes,
} from '../../../lib/index.ts'

const own = schemes.define({ name: 'bias-of-512', protocol: 'add', place: 'refcount', refsPerPin: 512 })
/** A layout of one's own: a copy of a built-in one, without what follows from the rest. */
function copied(name: string): string {
  const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...rest } =
    layouts.get('linux-6.12')
  layouts.define({ ...(structuredClone(rest) as LayoutDefinition), name })
  return name
}

/** Pins by pfn, a fork and a migration, which meet. */
const meeting = (): WrittenScenario =>
  scenario('pins by pfn, a fork, a migration', { pages: 256 }, (b) => {
    const buf = b.mmap({ pages: 2 })
    b.store(buf, 7)
    const gpu = b.device('private')
    const placed = b.setUpPages({ pfn: 0, pages: 8, order: 1 })
    b.thread('dma', (t) => {
      t.pinPage(placed, { page: 'random', n: 3 })
      t.maybePinned('same')
      t.pinsOf('held')
      t.unpinPage('same', { n: 3 })
      t.repeat(500, (r) => {
        r.pinPage(placed, { page: 'zipf' })
        r.unpinPage('same')
      })
      t.pinPage(buf, { page: 0 })
      t.barrier()
      t.barrier()
      t.unpinPage('held')
      t.barrier()
    })
    b.thread('forker', (t) => {
      t.barrier()
      t.exit(t.fork())
      t.barrier()
      t.barrier()
    })
    b.thread('gpu', (t) => {
      t.isolatePage(placed, { page: 7 })
      t.barrier()
      t.migrateToDevice(gpu, buf, { page: 0, n: 1 })
      t.barrier()
      t.putbackPage('held')
      t.barrier()
      t.migrateToDevice(gpu, buf, { page: 0, n: 1 })
    })
  })

const results = (of: Scenario, options = {}): string[] =>
  run(of, options).ran.map(({ thread, op, result }) => {
    const { ret, v = [], cpages = '' } = result as { ret?: string; v?: unknown[]; cpages?: unknown }
    return [thread, op.op, ret, ...v, cpages].filter((part) => part !== '' && part !== undefined).join(' ')
  })

const one = (...ops: object[]): Scenario => ({ name: 'one', threads: [{ name: 't', ops }] }) as unknown as Scenario
const setUp = { op: 'set_up_page', pfn: 0, pages: 4, type: 'anon' }

describe('pages by pfn in a scenario', () => {
  test('are pinned beside a fork and a migration, which sees them', () => {
    const { ran, audit, leaks } = run(meeting(), { scheme: own })
    expect([audit, leaks]).toEqual([[], ''])
    const of = (name: string): unknown[] => ran.filter(({ op }) => op.op === name).map(({ result }) => result)
    expect(of('maybe_pinned')).toEqual([{ ret: 'ok', v: [1] }])
    expect(of('pins_of')).toEqual([{ ret: 'ok', v: [3, 0] }])
    expect(new Set(of('unpin_page').map((each) => (each as { ret: string }).ret))).toEqual(new Set(['ok']))
    // Whoever pinned it by pfn keeps it where it is.
    expect(of('migrate_to_dev')).toMatchObject([{ ret: 'ENOENT' }, { ret: 'ok', cpages: 1 }])
    expect(of('isolate_page')).toEqual([{ ret: 'ok' }])
    expect(of('putback_page')).toEqual([{ ret: 'ok' }])
  })

  test('are raced, an own scheme on an own layout among the rest, and the audit is clean', async () => {
    const layout = copied('own-6.12-of-pages')
    for (const options of [{ scheme: own, layout }, { scheme: 'folio-pincount' }, { scheme: 'lru-overlay' }]) {
      const raced = await race(meeting(), { ...options, rounds: 10 })
      expect([String(raced), raced.audit.clean, raced.rounds]).toEqual([String(raced), true, 10])
      const pins = raced.ops.find(({ op }) => op === 'pin_page')
      expect([pins?.ops, pins?.failures]).toEqual([10 * 502, {}])
    }
  })

  test('show a quirk of an own scheme in both engines', async () => {
    const quirks = ['put-for-unpin']
    const { audit, leaks } = run(meeting(), { scheme: own, quirks })
    expect(audit.length + leaks.length).toBeGreaterThan(0)
    const raced = await race(meeting(), { scheme: own, quirks, rounds: 3 })
    expect([raced.stoppedBy, raced.audit.clean, raced.rounds]).toEqual(['audit', false, 1])
    expect(() => run(meeting(), { scheme: 'side-table', quirks: ['strictly-greater'] })).toThrow(/side-table/)
    await expect(race(meeting(), { scheme: own, quirks: ['nonsense'] })).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_ARG_RANGE',
    })
  })

  test('belong to the thread that took them, and what it keeps is released and accounted for', () => {
    expect(
      results({
        ...one(
          { op: 'unpin_page', pfn: 0 },
          { op: 'put_page', pfn: 0 },
          { op: 'putback_page', pfn: 0 },
          { op: 'pin_page', pfn: 0, n: 2 },
          { op: 'unpin_page', pfn: 0, n: 3 },
          { op: 'pin_page', pfn: 1, referenced: 1 },
          { op: 'get_page', pfn: 1 },
          { op: 'pin_page', pfn: 1, referenced: 1 },
          { op: 'isolate_page', pfn: 2 },
          { op: 'isolate_page', pfn: 2 },
          { op: 'release_page', pfn: 0 },
          { op: 'maybe_pinned', pfn: 0 },
        ),
        setup: [setUp],
      } as Scenario),
    ).toEqual([
      'setup set_up_page ok',
      't unpin_page NOT_PINNED',
      't put_page NOT_REFERENCED',
      't putback_page EINVAL',
      't pin_page ok',
      't unpin_page NOT_PINNED',
      't pin_page NOT_REFERENCED',
      't get_page ok',
      't pin_page ok',
      't isolate_page ok',
      't isolate_page EBUSY',
      't release_page ok',
      't maybe_pinned ok 1',
    ])
    const kept = one({ op: 'pin_page', pfn: 0, n: 2 }, { op: 'get_page', pfn: 1 }, { op: 'isolate_page', pfn: 2 })
    const { audit, leaks } = run({ ...kept, setup: [setUp] } as Scenario, { scheme: 'lru-overlay' })
    expect([audit, leaks]).toEqual([[], ''])
  })

  test('are what a buffer maps now, or nothing', () => {
    const mmap = { op: 'mmap', buf: 'a', pages: 2, kind: 'anon-private', prot: 'rw' }
    expect(
      results(
        one(
          { op: 'pin_page', buf: 'a', page: 0 },
          mmap,
          { op: 'pin_page', buf: 'a', page: 0 },
          { op: 'store', buf: 'a', value: 1 },
          { op: 'pin_page', buf: 'a', page: 'hot' },
          { op: 'pins_of', buf: 'a', page: 0 },
          { op: 'unpin_page', page: 'held' },
          { op: 'unpin_page', page: 'held' },
        ),
        { scheme: 'side-table' },
      ),
    ).toEqual([
      't pin_page EFAULT',
      't mmap ok',
      't pin_page EFAULT',
      't store ok',
      't pin_page ok',
      't pins_of ok 1 1',
      't unpin_page ok',
      't unpin_page ENOENT',
    ])
    const { ran } = run({
      ...one({ op: 'pin_page', pfn: 9 }, { op: 'pin_page', pfn: 5000 }),
      setup: [setUp],
    } as Scenario)
    expect(ran.slice(1).map(({ result }) => result.ret)).toEqual(['EAGAIN', 'ERANGE'])
  })

  test('are refused in words where they cannot be meant', () => {
    for (const [op, message] of [
      [{ op: 'pin_page' }, /either pfn or buf/],
      [{ op: 'pin_page', pfn: 0, buf: 'a' }, /either pfn or buf/],
      [{ op: 'unpin_page', pfn: 0, page: 'same' }, /either pfn or buf/],
      [{ op: 'pin_page', pfn: 2 ** 24 }, /below 16777216/],
      [{ op: 'pin_page', pfn: 0, n: 0 }, /from 1 to/],
      [{ op: 'pin_page', pfn: 0, n: 2 ** 31 }, /from 1 to/],
      [{ op: 'set_up_page', pfn: 0, type: 'nonsense' }, /type: 'nonsense'/],
      [{ op: 'set_up_page', pfn: 0, type: 'anon', order: 11 }, /0 to 10/],
      [{ op: 'set_up_page', pfn: 0, type: 'anon', order: 2, pages: 6 }, /multiple/],
      [{ op: 'load', buf: 'a', page: 'held' }, /sequential/],
    ] as const)
      expect(() => run(one(op))).toThrow(message)
  })

  test('are drawn by a mix, and race with all else', async () => {
    const mixed: Scenario = {
      name: 'mixed',
      mixes: [
        { pages: 1, mm: 1 },
        { pages: 1, device: 1 },
        { chaos: 1, pages: 1 },
      ],
    }
    for (const scheme of ['refcount-bias', 'packed-64', 'folio-pincount']) {
      const raced = await race(mixed, { scheme, ops: 3000, seed: 5 })
      expect([String(raced), raced.audit.clean]).toEqual([String(raced), true])
    }
    // Its count lies where pages of devices and page tables have something else: nothing but that is hurt.
    const overlaid = await race(mixed, { scheme: 'lru-overlay', ops: 3000, seed: 5 })
    const others = overlaid.audit.rows.filter(({ invariant }) => !['pgmap-intact', 'words-kept'].includes(invariant))
    expect(others).toEqual([])
  })
})

// The page may be freed, or set up anew, while somebody by pfn only takes a reference.
describe('pages that come and go', () => {
  const op = {
    s: { op: 'set_up_page', pfn: 2, type: 'anon' },
    r: { op: 'release_page', pfn: 2 },
    g: { op: 'get_page', pfn: 2 },
    p: { op: 'put_page', pfn: 2 },
    P: { op: 'pin_page', pfn: 2 },
    U: { op: 'unpin_page', pfn: 2 },
  } as const
  const ops = (letters: string) => [...letters].map((letter) => op[letter as keyof typeof op])
  const threads = [
    ['gp', 's'],
    ['g', 'r'],
    ['gr', 'rs'],
    ['PU', 'rs'],
    ['P', 'sr'],
  ] as const

  test.each(['lru-overlay', 'refcount-bias', 'side-table'])('under %s', async (scheme) => {
    for (const [first, second] of threads) {
      const written = {
        name: `${first} ${second}`,
        setup: ops('s'),
        threads: [
          { name: 'a', ops: ops(first) },
          { name: 'b', ops: ops(second) },
        ],
      }
      const { first: findings } = await explore(written, { scheme, samples: 2000 })
      expect(findings, written.name).toEqual([])
    }
    const drawn = { name: 'random', mixes: [{ pages: 1 }, { pages: 1 }] } as const
    const { first: findings } = await explore(drawn, { scheme, seed: 7, samples: 6000, samplesEach: 20, ops: 14 })
    expect(findings).toEqual([])
  })
})
