import { describe, expect, test } from 'vitest'
import { type ScenarioOp, type WrittenScenario, explore, race, run } from '../../../lib/index.ts'

const repeat = (n: number, ops: readonly ScenarioOp[]): ScenarioOp => ({ op: 'repeat', n, ops }) as ScenarioOp
const idle: ScenarioOp = { op: 'yield' } as ScenarioOp
const scenario = (ops: readonly ScenarioOp[], setup: readonly ScenarioOp[] = []): WrittenScenario => ({
  name: 'long',
  setup,
  threads: [
    { name: 't', ops },
    { name: 'u', ops: [idle] },
  ],
})
const nest = (body: readonly ScenarioOp[]): ScenarioOp => repeat(1e9, [repeat(1e9, [repeat(1e9, body)])])

const failing = async (call: () => unknown): Promise<{ code?: string; message?: string }> => {
  try {
    await call()
  } catch (error) {
    return error as { code: string; message: string }
  }
  return {}
}

describe('a repeat that comes to no operation', () => {
  const nothing = scenario([nest([]), idle, nest([repeat(0, [idle])])], [nest([])])

  test('costs nothing', async () => {
    expect(run(nothing).ran.map(({ thread, op }) => `${thread} ${op.op}`)).toEqual(['t yield', 'u yield'])
    expect(await race(nothing, { rounds: 3 })).toMatchObject({ stoppedBy: 'rounds', rounds: 3, audit: { clean: true } })
    expect(await explore(nothing, { samples: 3 })).toMatchObject({
      stoppedBy: 'complete',
      schedules: 1,
      outcomes: { clean: 1 },
    })
  })
})

describe('limits are checked before anything runs', () => {
  test.each([
    ['a setup', scenario([idle], [repeat(1e12, [idle])]), '1000000000000 operations'],
    ['a nested setup', scenario([idle], [nest([idle])]), '18446744073709551615 operations'],
    ['one operation too many', scenario([idle], [repeat(1000, [repeat(1000, [idle])]), idle]), '1000001 operations'],
  ])('%s', async (_, long, count) => {
    for (const engine of [run, race, explore]) {
      const error = await failing(() => engine(long))
      expect(error).toMatchObject({ code: 'ERR_PAGEBOX_SCENARIO', message: expect.stringContaining(count) })
      expect(error.message).toContain('1000000')
    }
  })

  test.each([
    ['operations of a thread', scenario([repeat(1e12, [idle])]), '1000000000001 operations'],
    ['nested', scenario([nest([idle])]), '18446744073709551615 operations'],
    [
      'setup and threads together',
      scenario([repeat(600_000, [idle])], [repeat(400_000, [idle])]),
      '1000001 operations',
    ],
  ])('run: %s', async (_, long, count) => {
    const error = await failing(() => run(long))
    expect(error).toMatchObject({ code: 'ERR_PAGEBOX_SCENARIO', message: expect.stringContaining(count) })
  })

  test('barriers are operations', async () => {
    const meet = repeat(1e6, [{ op: 'barrier' } as ScenarioOp])
    const error = await failing(() =>
      run({
        name: 'meet',
        threads: [
          { name: 't', ops: [meet] },
          { name: 'u', ops: [meet] },
        ],
      }),
    )
    expect(error).toMatchObject({
      code: 'ERR_PAGEBOX_SCENARIO',
      message: expect.stringContaining('2000000 operations'),
    })
  })

  test('results of a run do not fill the memory', async () => {
    const map = { op: 'mmap', buf: 'a', pages: 4096, kind: 'anon-private', prot: 'rw' } as ScenarioOp
    const error = await failing(() => run(scenario([repeat(100_000, [{ op: 'load', buf: 'a' } as ScenarioOp])], [map])))
    expect(error).toMatchObject({ code: 'ERR_PAGEBOX_SCENARIO', message: expect.stringContaining('words') })
  })
})

describe('a long scenario hears its signal', () => {
  const soon = (): AbortSignal => AbortSignal.timeout(200)
  const stores: ScenarioOp[] = [
    { op: 'mmap', buf: 'a', pages: 256, kind: 'anon-private', prot: 'rw' } as ScenarioOp,
    repeat(400_000, [{ op: 'store', buf: 'a', value: 1 } as ScenarioOp]),
  ]

  test('in the setup', async () => {
    expect(await race(scenario([idle], stores), { rounds: 5, signal: soon() })).toMatchObject({
      stoppedBy: 'abort',
      audit: { clean: true },
    })
    // No schedule was had.
    await expect(explore(scenario([idle], stores), { samples: 5, signal: soon() })).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_ABORTED',
    })
  })

  test('in the setup of a race that is out of time', async () => {
    expect(await race(scenario([idle], stores), { seconds: 0.2 })).toMatchObject({ stoppedBy: 'time' })
  })

  test.each([
    ['operations', [repeat(1e12, [idle])]],
    ['nested operations', [nest([idle])]],
  ])('in %s of threads', async (_, ops) => {
    expect(await race(scenario(ops), { seconds: 60, signal: soon() })).toMatchObject({ stoppedBy: 'abort' })
    expect(await race(scenario(ops), { seconds: 0.2 })).toMatchObject({ stoppedBy: 'time' })
  })

  test('in the middle of a schedule', async () => {
    const endless = scenario([repeat(1e12, [idle])])
    await expect(explore(endless, { samples: 100, signal: AbortSignal.timeout(10) })).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_ABORTED',
    })
  })

  test('at barriers', async () => {
    const meet = [repeat(4e9, [{ op: 'barrier' } as ScenarioOp])]
    const threads = [
      { name: 't', ops: meet },
      { name: 'u', ops: meet },
    ]
    expect(await race({ name: 'meet', threads }, { seconds: 60, signal: soon() })).toMatchObject({ stoppedBy: 'abort' })
  })
})
