import { expect, test } from 'vitest'
import { explore, PageboxError, run, scenario, type WrittenScenario } from 'pagebox'
import { outcomesOf } from '../../../lib/engine/recording/outcomes.ts'
import { outcomesText } from '../../../lib/cli/text/outcomes.ts'
import type { Io } from '../../../lib/cli/io.ts'
import { type OutcomesReport, OutcomesTally } from '../../../lib/engine/recording/outcomesReport.ts'
import { toldRules } from '../../../lib/engine/recording/neededRules.ts'
import { kernelRules } from '../../../lib/page/rules.ts'
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

test('fields of descriptors by name belong to an outcome', async () => {
  const forking = scenario('fork against a store', {}, (b) => {
    const buf = b.mmap({ pages: 1 })
    b.store(buf, 10)
    b.thread('a', (t) => t.store(buf, 20))
    b.thread('b', (t) => t.fork())
  })
  const of = 'after'
  expect((await explore(forking, { strategy: 'dpor', outcomes: { of } })).seen).toHaveLength(1)
  const { seen } = await explore(forking, { strategy: 'dpor', outcomes: { of, fields: ['_refcount', '_mapcount'] } })
  const counts = seen?.map(({ result }) => result.fields['p:a'])
  // Stored after the fork: a page of its own. Before: both have it. A batch of the LRU holds one more reference.
  expect(counts).toHaveLength(2)
  expect(counts).toContainEqual({ _refcount: 2n, _mapcount: 0n })
  expect(counts).toContainEqual({ _refcount: 3n, _mapcount: 1n })
  for (const { result } of seen ?? []) expect(Object.keys(result.fields)).toHaveLength(2)
})

test('counts are signed: nobody maps one page of a large folio', async () => {
  const placed = {
    name: 'a get',
    setup: [{ op: 'set_up_page', pfn: 0, type: 'compound-head', order: 1 }],
    threads: [{ name: 'a', ops: [{ op: 'get_page', pfn: 0 }] }],
  } as unknown as WrittenScenario
  const fields = ['_refcount', '_mapcount']
  const { seen } = await explore(placed, { strategy: 'dpor', outcomes: { fields } })
  expect(seen?.map(({ result }) => result.fields)).toEqual([
    { 'page 0': { _refcount: 2n, _mapcount: -1n }, 'page 1': { _refcount: 0n, _mapcount: -1n } },
  ])
})

test.each([[['_refcount', 'wheels']], ['_refcount'], [Array(65).fill('_refcount')]])(
  'fields that there are not are refused: %j',
  async (fields) => {
    const asked = explore(stores, { outcomes: { fields: fields as string[] } })
    await expect(asked).rejects.toThrow(PageboxError)
    await expect(asked).rejects.toThrow(/options\.outcomes\.fields/)
  },
)

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
  expect(good).toMatchObject({ extent: 'complete', seen: 2, explained: 2, oneCpu: 0, extra: 0, mismatches: [] })
  const bad = await outcomesOf('f', recorded(20, 40), settings)
  expect(bad).toMatchObject({ seen: 2, explained: 1, extra: 1 })
  expect(bad.mismatches).toHaveLength(1)
  expect(bad.mismatches[0]).toMatchObject({ what: 'seen', expected: { after: [{ v: [40] }] } })
  expect(bad.mismatches[0]?.token).toMatch(/^[\w-]+$/)
})

/** A device asks for a page of its own while a program stores; 7.2 has one kind of such entries. */
const exclusive = (seen: ConcurrentRecording['seen']): ConcurrentRecording => ({
  id: 'exclusive',
  kind: 'outcomes',
  kernel: '7.2',
  setup: [
    { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' },
    { op: 'store', buf: 'a', value: 10 },
    { op: 'open_dev', dev: 0 },
  ],
  setup_results: [{ ret: 'ok' }, { ret: 'ok' }, { ret: 'ok' }],
  threads: [
    { proc: 'p', ops: [{ op: 'store', buf: 'a', value: 20 }] },
    { proc: 'p', ops: [{ op: 'exclusive', dev: 0, buf: 'a' }] },
  ],
  after: [{ op: 'pagemap', buf: 'a' }],
  seen,
})
const got = (word: number, st: string, more = {}): ConcurrentRecording['seen'][number] => ({
  count: 1,
  results: [[{ ret: 'ok' }], [{ ret: 'ok', cpages: 1, v: [word] }]],
  after: [{ pages: [{ st, ex: 0, file: 0, sd: 1, ...more }] }],
})

test.each([
  ['the kind of the entry', got(20, 'dev_exclusive'), ['exclusive-one-kind']],
  [
    'the kind and the map count',
    got(20, 'dev_exclusive', { mc: 1 }),
    ['exclusive-one-kind', 'exclusive-keeps-mapping'],
  ],
  ['another word', got(21, 'dev_exclusive'), []],
  ['a page that is not there', got(20, 'none'), []],
] as const)('an outcome that only a rule of the kernel gives names it: %s', async (_, outcome, needs) => {
  const found = await outcomesOf('f', exclusive([outcome]), settings)
  const [missing] = found.mismatches.filter(({ what }) => what === 'seen')
  expect(missing?.needs).toEqual(needs)
  const tally = new OutcomesTally(10)
  tally.add('f', found)
  const report = tally.report()
  expect(report).toMatchObject({ missing: 1, waiting: needs.length > 0 ? 1 : 0 })
  expect(Object.keys(report?.needs ?? {}).sort()).toEqual([...needs].sort())
})

test('rules that are named are rules', () => {
  const names = kernelRules().map(({ name }) => name)
  for (const rule of toldRules) expect(names).toContain(rule)
})

/** A written page that a device has. */
const onDevice = {
  setup: [
    { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' },
    { op: 'store', buf: 'a', value: 10 },
    { op: 'migrate_to_dev', dev: 0, buf: 'a' },
  ],
  setup_results: [{ ret: 'ok' }, { ret: 'ok' }, { ret: 'ok', cpages: 1, v: [10] }],
}

/** A page comes back from a device, then goes to swap: only if the CPU that pages it out has it in no other's batch. */
test('what threads do one after the other on one CPU may be what the kernel did', async () => {
  const page = (st: string, more: object) => ({ pages: [{ st, file: 0, sd: 1, ...more }] })
  const found = await outcomesOf(
    'f',
    {
      id: 'one CPU',
      kind: 'outcomes',
      kernel: '7.2',
      ...onDevice,
      threads: [
        { proc: 'p', ops: [{ op: 'madvise', buf: 'a', advice: 'pageout' }] },
        { proc: 'p', ops: [{ op: 'store', buf: 'a', value: 20 }] },
      ],
      after: [
        { op: 'pagemap', buf: 'a' },
        { op: 'load', buf: 'a' },
      ],
      seen: [
        {
          count: 447,
          results: [[{ ret: 'ok' }], [{ ret: 'ok' }]],
          after: [page('present', { ex: 1, mc: 1, kf: 'ANON|ANON_EXCLUSIVE' }), { v: [20] }],
        },
        { count: 8, results: [[{ ret: 'ok' }], [{ ret: 'ok' }]], after: [page('swap', { ex: 0 }), { v: [20] }] },
      ],
    } as ConcurrentRecording,
    settings,
  )
  expect(found).toMatchObject({ seen: 2, explained: 2, oneCpu: 1, mismatches: [] })
  const tally = new OutcomesTally(10)
  tally.add('f', found)
  const report = tally.report() as OutcomesReport
  expect(report).toMatchObject({ explained: 2, oneCpu: 1 })
  const io = { columns: 100 } as Io
  expect(outcomesText(report, io)).toMatch(/explored too +1\n.*on one processor +1\n/)
})

/** Between a fault and the next try of the processor others go on: what the fault has done stays. */
test('a fault that was overtaken has mended the page, and the store fails', async () => {
  const s = scenario('overtaken', {}, (b) => {
    const buf = b.mmap({ pages: 1 })
    b.store(buf, 10)
    b.op({ op: 'fork', child: 'c' })
    b.op({ op: 'exit', proc: 'c' })
    b.thread('protects', (t) => t.mprotect(buf, 'r'))
    b.thread('stores', (t) => t.store(buf, 20))
    b.after((t) => {
      t.pagemap(buf)
      t.load(buf)
    })
  })
  const { complete, seen } = await explore(s, { strategy: 'dpor', outcomes: true, samples: 100_000 })
  expect(complete).toBe(true)
  const told = seen?.map(({ result }) => {
    const [pages, words] = result.after as unknown as [{ pages: [{ kf: string }] }, { v: [number] }]
    const exclusive = pages.pages[0].kf.includes('ANON_EXCLUSIVE')
    return `${result.threads[1]?.[0]?.ret} ${Number(words.v[0])}${exclusive ? ' exclusive' : ''}`
  })
  expect([...new Set(told)].sort()).toEqual(['fault 10', 'fault 10 exclusive', 'ok 20 exclusive'])
})

/** The driver of the recordings drops the mapping once more when the processor's fault is done. */
test('a device that enters a page as it comes back to the processor may fault a second time', async () => {
  const read = (faults: number, word: number): ConcurrentRecording['seen'][number] => ({
    count: 1,
    results: [[{ ret: 'ok' }], [{ ret: 'ok', cpages: 1, faults, v: [word] }]],
    after: [{ v: [20] }],
  })
  const found = await outcomesOf(
    'f',
    {
      id: 'dev:st|dr',
      kind: 'outcomes',
      kernel: '7.2',
      ...onDevice,
      threads: [
        { proc: 'p', ops: [{ op: 'store', buf: 'a', value: 20 }] },
        { proc: 'p', ops: [{ op: 'dev_read', dev: 0, buf: 'a' }] },
      ],
      after: [{ op: 'load', buf: 'a' }],
      seen: [read(0, 10), read(1, 10), read(1, 20), read(2, 20)],
    } as ConcurrentRecording,
    settings,
  )
  expect(found).toMatchObject({ extent: 'complete', seen: 4, explained: 4, mismatches: [] })
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
