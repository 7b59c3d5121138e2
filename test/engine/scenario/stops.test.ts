import { describe, expect, test } from 'vitest'
import { explore, race, run, type ScenarioOp, scenario, type WrittenScenario } from '../../../lib/index.ts'
import { vocabulary } from '../../../lib/engine/scenario/vocabulary.ts'

const ops = (...list: object[]): ScenarioOp[] => list as ScenarioOp[]
const anon = { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' }
const filled = ops(anon, { op: 'store', buf: 'a', value: 10 })
const words = { op: 'load', buf: 'a', must: 1, expect: 10 }
const out = { op: 'madvise', buf: 'a', advice: 'pageout' }
const look = { op: 'pagemap', buf: 'a' }

/** One operation that stops, and another thread that looks in between and lets it go on. */
const stopped = (setup: ScenarioOp[], op: object, between: object[], after: object[] = [words]): WrittenScenario => ({
  name: 'in between',
  pages: 256,
  setup,
  threads: [
    { name: 'it', ops: ops(op, { op: 'yield' }) },
    { name: 'other', ops: ops(...between, { op: 'resume', must: 1 }, look) },
  ],
  after: ops(...after),
})
const clean = (came: ReturnType<typeof run>): void => {
  expect(came.audit).toEqual([])
  expect(came.leaks).toBe('')
  expect(came.livelocks).toEqual([])
}
const seen = (came: ReturnType<typeof run>): { st: string; kf?: string }[] =>
  came.ran
    .filter(({ op }) => op.op === 'pagemap')
    .flatMap(({ result }) => result.pages as { st: string; kf?: string }[])

describe('states in between, in a run', () => {
  test.each([
    ['pageout:isolated', 'present'],
    ['pageout:swap_cache', 'present'],
    ['pageout:unmapped', 'swap'],
    ['pageout:writing', 'swap'],
    ['pageout:written', 'swap'],
  ])('%s', (stop_at, state) => {
    const came = run(stopped(filled, { ...out, stop_at }, [look]))
    clean(came)
    const [between, then] = seen(came)
    expect(between?.st).toBe(state)
    expect(then?.st).toBe('swap')
    if (stop_at === 'pageout:swap_cache') expect(between?.kf).toMatch(/SWAPCACHE/)
    if (stop_at === 'pageout:isolated') expect(between?.kf).not.toMatch(/LRU/)
    expect(came.ran.map(({ thread, op }) => `${thread} ${op.op}`)).toEqual([
      'setup mmap',
      'setup store',
      'other pagemap',
      'it madvise',
      'other resume',
      'other pagemap',
      'it yield',
      'after load',
    ])
  })

  test('a page whose entries are gone is still read through the reference that somebody has', () => {
    const setup = [...filled, ...ops({ op: 'pin', id: 1, via: 'vmsplice', buf: 'a' })]
    const between = [{ op: 'pin_read', id: 1, must: 1, expect: 10 }, look]
    const came = run(stopped(setup, { ...out, stop_at: 'pageout:unmapped' }, between))
    clean(came)
    expect(seen(came)[0]?.st).toBe('swap')
  })

  test('migration entries, in the page table of both processes', () => {
    const setup = [...filled, ...ops({ op: 'fork', child: 'q' })]
    const came = run(
      stopped(
        setup,
        { op: 'compact', stop_at: 'migrate:unmapped' },
        [look, { ...look, proc: 'q' }],
        [words, { ...words, proc: 'q' }],
      ),
    )
    clean(came)
    expect(seen(came).map(({ st }) => st)).toEqual([
      expect.stringMatching(/^migration/),
      expect.stringMatching(/^migration/),
      'present',
    ])
  })

  test.each(['device:collected', 'device:copied', 'device:moved'])('a migration to a device: %s', (stop_at) => {
    const came = run(stopped(filled, { op: 'migrate_to_dev', dev: 0, buf: 'a', stop_at }, [look]))
    clean(came)
    expect(seen(came).map(({ st }) => st)).toEqual([expect.stringMatching(/^migration/), 'dev_private_w'])
  })

  test.each(['device:collected', 'device:copied', 'device:moved'])(
    'a page that comes back by a fault: %s',
    (stop_at) => {
      const setup = [...filled, ...ops({ op: 'migrate_to_dev', dev: 0, buf: 'a' })]
      const came = run(
        stopped(setup, { op: 'store', buf: 'a', value: 20, stop_at }, [look], [{ ...words, expect: 20 }]),
      )
      clean(came)
      expect(seen(came).map(({ st }) => st)).toEqual([expect.stringMatching(/^migration/), 'present'])
    },
  )

  test('memory goes while its page is on the way to a device: the device does not keep it', () => {
    const gone = { op: 'madvise', buf: 'a', advice: 'dontneed' }
    const came = run(stopped(filled, { op: 'migrate_to_dev', dev: 0, buf: 'a', stop_at: 'device:moved' }, [gone], []))
    clean(came)
    const it = came.ran.find(({ op }) => op.op === 'migrate_to_dev')
    expect(it?.result).toEqual({ ret: 'ENOENT' })
  })

  test('exclusive access that is taken away before the device knows of it', () => {
    const gone = { op: 'madvise', buf: 'a', advice: 'dontneed' }
    const came = run(stopped(filled, { op: 'exclusive', dev: 0, buf: 'a', stop_at: 'exclusive:made' }, [gone], []))
    clean(came)
    expect(came.ran.find(({ op }) => op.op === 'exclusive')?.result).toEqual({ ret: 'ENOENT' })
  })

  test('a copy on write that is overtaken', () => {
    const setup = [...filled, ...ops({ op: 'fork', child: 'q' })]
    const came = run(
      stopped(
        setup,
        { op: 'store', buf: 'a', value: 20, stop_at: 'cow:copied' },
        [
          { ...words, op: 'load' },
          { op: 'exit', proc: 'q' },
        ],
        [{ ...words, expect: 20 }],
      ),
    )
    clean(came)
  })

  test('who needs what the stopped operation holds waits for it, and it goes on by itself', () => {
    // The entry is a migration entry: a load waits until it is gone. Nobody resumes.
    const s: WrittenScenario = {
      name: 'waiting',
      pages: 256,
      setup: filled,
      threads: [
        { name: 'it', ops: ops({ op: 'compact', stop_at: 'migrate:unmapped' }) },
        { name: 'other', ops: ops(words) },
        { name: 'third', ops: ops(look) },
      ],
    }
    const came = run(s)
    expect(came.audit).toEqual([])
    expect(came.leaks).toBe('')
    expect(seen(came)[0]?.st).toMatch(/^migration/)
    expect(came.ran.map(({ thread }) => thread)).toEqual(['setup', 'setup', 'third', 'it', 'other'])
  })

  test('a point that the operation does not pass stops nobody; a resume of nobody says so', () => {
    const came = run({
      name: 'nobody',
      pages: 256,
      setup: filled,
      threads: [
        { name: 'it', ops: ops({ ...words, stop_at: 'pageout:written' }) },
        { name: 'other', ops: ops({ op: 'resume' }) },
      ],
    })
    clean(came)
    expect(came.ran.at(-1)?.result).toEqual({ ret: 'ENOENT' })
  })

  test('barriers hold, and the first thread goes on first', () => {
    const s: WrittenScenario = {
      name: 'barriers',
      pages: 256,
      setup: filled,
      threads: [
        { name: 'it', ops: ops({ ...out, stop_at: 'pageout:written' }, { op: 'barrier' }, look) },
        { name: 'other', ops: ops({ op: 'resume', must: 1 }, { op: 'barrier' }, words) },
      ],
    }
    const came = run(s)
    clean(came)
    expect(came.ran.slice(2).map(({ thread, op }) => `${thread} ${op.op}`)).toEqual([
      'it madvise',
      'other resume',
      'it pagemap',
      'other load',
    ])
  })
})

describe('in the other engines', () => {
  const s = stopped(filled, { ...out, stop_at: 'pageout:written' }, [look])

  test('explored: every schedule has the state in between', async () => {
    const found = await explore(s, { samples: 400, seed: 3, outcomes: true })
    expect(found.outcomes.clean).toBe(400)
    for (const { result } of found.seen ?? [])
      expect(result.threads[1]?.at(-1)).toMatchObject({ pages: [{ st: 'swap' }] })
  })
  test('a stop that nobody resumes ends with the others', async () => {
    const alone: WrittenScenario = {
      name: 'alone',
      pages: 256,
      setup: filled,
      threads: [
        { name: 'it', ops: ops({ ...out, stop_at: 'pageout:unmapped' }) },
        { name: 'other', ops: ops(look) },
      ],
    }
    const found = await explore(alone, { samples: 200, seed: 3 })
    expect(found.outcomes.clean).toBe(200)
    const raced = await race(alone, { rounds: 20 })
    expect(raced.audit).toMatchObject({ clean: true, livelocks: [] })
  })
  test('raced', async () => {
    const raced = await race(s, { rounds: 30 })
    expect(raced.audit).toMatchObject({ clean: true, livelocks: [] })
  })
  test('a token carries stops and what is expected', async () => {
    const wrong = stopped(filled, { ...out, stop_at: 'pageout:written' }, [look], [{ ...words, expect: 11 }])
    const { replay } = await import('../../../lib/index.ts')
    const found = await explore(wrong, { samples: 5, seed: 3 })
    const token = found.first[0]?.token as string
    const again = await replay(token)
    expect(again.outcome).toBe('violation')
  })
})

describe('built, and refused', () => {
  test('with the builder', () => {
    const s = scenario('write-out', { pages: 256 }, (b) => {
      const buf = b.mmap({ pages: 1 })
      b.store(buf, 10)
      b.thread('reclaim', (t) => t.pageout(buf, { stopAt: 'pageout:written' }))
      b.thread('reader', (t) => {
        t.pagemap(buf)
        t.resume()
      })
    })
    expect(s.threads[0]?.ops[0]).toMatchObject({ op: 'madvise', stop_at: 'pageout:written' })
    clean(run(s))
  })
  test.each([
    [{ ...out, stop_at: 'pageout:nowhere' }, 'stop_at'],
    [{ ...out, stop_at: 'nowhere' }, 'stop_at'],
    [{ op: 'yield', stop_at: 'pageout:written' }, 'stop_at'],
  ])('%j', (op, field) => {
    expect(() => run({ name: 'bad', threads: [{ name: 'it', ops: ops(op) }] })).toThrow(
      expect.objectContaining({ code: 'ERR_PAGEBOX_SCENARIO', argument: expect.stringContaining(field) }),
    )
  })
  test('there is nobody beside a setup', () => {
    const threads = [{ name: 'it', ops: ops({ op: 'yield' }) }]
    expect(() =>
      run({ name: 'bad', setup: [...filled, ...ops({ ...out, stop_at: 'pageout:written' })], threads }),
    ).toThrow(/stop_at or a resume in the setup/)
    expect(() => run({ name: 'bad', threads, after: ops({ op: 'resume' }) })).toThrow(
      /stop_at or a resume in what comes after/,
    )
  })
  test('each point has a name and says what it is', () => {
    for (const { name, what } of vocabulary().tables.stopPoints.slice(1)) {
      expect(name).toMatch(/^[a-z]+:[a-z_]+$/)
      expect(what).not.toBe('')
    }
  })
})
