import { describe, expect, test } from 'vitest'
import { type Scenario, type WrittenScenario, explore, race, run, scenario } from '../../../lib/index.ts'

const pinAgainstMigration = (): WrittenScenario =>
  scenario('pin against migration', { pages: 256 }, (b) => {
    const buf = b.mmap({ pages: 1 })
    const gpu = b.device('private')
    b.store(buf, 7)
    b.thread('dma', (t) => {
      const pin = t.pin(buf, { write: true })
      t.pinRead(pin)
      t.unpin(pin)
    })
    b.thread('gpu', (t) => {
      t.migrateToDevice(gpu, buf)
      t.barrier()
    })
    b.thread('chaos', (t) => {
      t.repeat(2, (r) => r.compact())
      t.fork()
      t.barrier()
    })
    b.thread('last', (t) => t.barrier())
  })

/** The same with as many barriers everywhere. */
const meeting = (): WrittenScenario =>
  scenario('meeting', { pages: 256 }, (b) => {
    const buf = b.mmap({ pages: 2 })
    b.thread('one', (t) => {
      t.store(buf, 7)
      t.barrier()
      t.load(buf, { page: 0 })
    })
    b.thread('two', (t) => {
      t.repeat(3, (r) => r.store(buf, 5, { page: 'sequential' }))
      t.barrier()
    })
  })

const failing = (call: () => unknown): { code?: string; message?: string } => {
  try {
    call()
  } catch (error) {
    return error as { code: string; message: string }
  }
  return {}
}
const rejecting = (promise: Promise<unknown>): Promise<{ code?: string; message?: string }> =>
  promise.then(
    () => ({}),
    (error: { code: string; message: string }) => error,
  )

/** What each compaction of the setup moved. */
const movedBy = (...most: (number | undefined)[]): unknown[] => {
  const made = scenario('compactions', { pages: 256 }, (b) => {
    const buf = b.mmap({ pages: 8 })
    b.store(buf, 7)
    for (const n of most) b.compact(n === undefined ? {} : { n })
    b.thread('reader', (t) => t.load(buf))
  })
  const { ran, audit } = run(made)
  expect(audit).toEqual([])
  return ran.filter(({ op }) => op.op === 'compact').map(({ result }) => result.pages)
}

describe('a scenario', () => {
  test('compacts all, or a few pages from where the last one stopped', () => {
    expect(movedBy(undefined, undefined)).toEqual([8, 8])
    expect(movedBy(3, 3, 3, 32)).toEqual([3, 3, 2, 8])
    expect(movedBy(0, 2 ** 14)).toEqual([0, 8])
    expect(failing(() => movedBy(-1)).code).toBe('ERR_PAGEBOX_SCENARIO')
    expect(failing(() => movedBy(0.5)).code).toBe('ERR_PAGEBOX_SCENARIO')
  })

  test('is plain data, the same from JSON', async () => {
    const made = meeting()
    const read = JSON.parse(JSON.stringify(made)) as Scenario
    expect(read).toEqual(made)
    expect(run(read)).toEqual(run(made))
  })

  test('names what is wrong with it', () => {
    const wrong = (change: object) => failing(() => run({ ...meeting(), ...change } as Scenario))
    expect(wrong({ name: 7 }).code).toBe('ERR_PAGEBOX_SCENARIO')
    expect(wrong({ pages: -1 }).message).toContain('scenario.pages: -1')
    expect(wrong({ threads: [] }).message).toContain('scenario.threads')
    expect(wrong({ thread: [] }).message).toContain('scenario.thread:')
    expect(wrong({ threads: [{ name: 'x', ops: [{ op: 'stroe' }] }] }).message).toContain(
      'scenario.threads[0].ops[0].op',
    )
    const bad = { op: 'repeat', n: 2, ops: [{ op: 'load', buf: 'a', page: 'hottest' }] }
    expect(wrong({ threads: [{ name: 'x', ops: [bad] }] }).message).toContain(
      'scenario.threads[0].ops[0].ops[0] (load): page',
    )
    expect(failing(() => run(null as unknown as Scenario)).code).toBe('ERR_PAGEBOX_SCENARIO')
    expect(failing(() => scenario('x', {}, (b) => b.device('optical' as 'private'))).code).toBe('ERR_PAGEBOX_SCENARIO')
  })

  test('whose threads would wait forever is refused', async () => {
    const { code, message } = failing(() => run(pinAgainstMigration()))
    expect(code).toBe('ERR_PAGEBOX_SCENARIO')
    expect(message).toContain('thread 0 meets 0 barriers, thread 1 1')
    expect((await rejecting(race(pinAgainstMigration()))).code).toBe('ERR_PAGEBOX_SCENARIO')
    expect((await rejecting(explore(pinAgainstMigration()))).code).toBe('ERR_PAGEBOX_SCENARIO')
  })
})

describe('run', () => {
  test('goes thread by thread, each up to its barrier', () => {
    const { ran, audit, leaks } = run(meeting())
    expect(ran.map(({ thread, op }) => `${thread} ${op.op}`)).toEqual([
      'setup mmap',
      'one store',
      'two store',
      'two store',
      'two store',
      'one load',
    ])
    expect(ran.at(-1)?.result).toEqual({ v: [5] })
    expect(audit).toEqual([])
    expect(leaks).toBe('')
  })
})

describe('race', () => {
  test('runs the lists of a scenario once a round', async () => {
    const result = await race(meeting(), { rounds: 20, scheme: 'folio-pincount' })
    expect(result.stoppedBy).toBe('rounds')
    expect(result.audit).toEqual({ clean: true, rows: [], leaks: '', livelocks: [], round: null })
    expect(result.ops.find(({ op }) => op === 'store')?.ops).toBe(80)
    expect(result.threads).toHaveLength(2)
  })

  test('runs random operations until it is told to stop', async () => {
    const abort = new AbortController()
    let told = 0
    const result = await race(
      { name: 'mix', mixes: [{ mm: 1 }, { device: 1, pageout: 1 }] },
      {
        seed: 3,
        signal: abort.signal,
        progressIntervalMs: 10,
        onProgress({ ops }) {
          told = ops
          if (ops > 500) abort.abort()
        },
      },
    )
    expect(told).toBeGreaterThan(500)
    expect(result.stoppedBy).toBe('abort')
    expect(result.audit.rows).toEqual([])
  })

  test('refuses what it cannot do', async () => {
    const wrong = (value: unknown) => rejecting(race(value as Scenario))
    expect((await wrong({ name: 'x', mixes: [{ fly: 1 }] })).code).toBe('ERR_PAGEBOX_SCENARIO')
    expect((await wrong({ name: 'x', mixes: [{ barrier: 1 }] })).code).toBe('ERR_PAGEBOX_SCENARIO')
    expect((await wrong({ name: 'x', mixes: [{ mm: 0 }] })).code).toBe('ERR_PAGEBOX_SCENARIO')
    expect((await rejecting(race(meeting(), { threads: 7 }))).code).toBe('ERR_PAGEBOX_ARG_RANGE')
    expect((await rejecting(race(meeting(), { scheme: 'lru-overlay', layout: 'none' }))).code).toMatch(/^ERR_PAGEBOX_/)
  })
})

describe('explore', () => {
  test('samples schedules, the same with the same seed', async () => {
    const once = await explore(meeting(), { samples: 50, seed: 5 })
    const again = await explore(meeting(), { samples: 50, seed: 5 })
    const other = await explore(meeting(), { samples: 50, seed: 6 })
    expect(once.outcomes.clean).toBe(50)
    expect(once.first).toEqual([])
    expect(again.hash).toBe(once.hash)
    expect(other.hash).not.toBe(once.hash)
  })

  test('of random operations finds nothing', async () => {
    const found = await explore(
      { name: 'mix', mixes: [{ mm: 1 }, { touch: 1, device: 1, chaos: 1 }] },
      { samples: 100, threads: 3 },
    )
    expect(found.first).toEqual([])
    expect(found.outcomes.clean).toBe(100)
    expect(found.ops).toBe(1200)
  })
})
