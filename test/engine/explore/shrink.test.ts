import { explore, replay, type Scenario, type ScenarioOp, shrink, type WrittenScenario } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { scenarioText } from '../../../lib/engine/explore/scenarioText.ts'
import { readToken } from '../../../lib/engine/explore/token.ts'
import { broken, load, pin, pinning, setup, unpin } from './scenarios.ts'

const tokenOf = async (scenario: Scenario, options: object): Promise<string> => {
  const { first } = await explore(scenario, { samples: 1000, ...options })
  if (first[0] === undefined) throw new Error('nothing was found')
  return first[0].token
}
const kind = ({ outcome, invariant }: { outcome: string; invariant: string }) => ({ outcome, invariant })
const opsIn = ({ threads }: WrittenScenario): ScenarioOp[] => threads.flatMap(({ ops }) => ops)

describe('the shortest form', () => {
  test('has the operations that are needed, in the threads that are needed', async () => {
    const token = await tokenOf(pinning, broken)
    const before = await replay(token)
    const short = await shrink(token)
    expect(kind(short)).toEqual(kind(before))
    expect(opsIn(short.scenario as WrittenScenario)).toEqual(expect.arrayContaining([pin(1), pin(2), unpin(2)]))
    expect(short).toMatchObject({ ops: 3, switches: 1, stoppedBy: 'shortest' })
    expect(short.threads.slice(0, 2)).toEqual(['one', 'two'])
    expect((short.scenario as WrittenScenario).threads.map(({ name }) => name)).toEqual(['one', 'two'])
    // And it is a token like any other.
    expect(String(await replay(short.token))).toBe(String(short))
  })

  test('is the same each time', async () => {
    const token = await tokenOf(pinning, broken)
    const [a, b] = [await shrink(token), await shrink(token)]
    expect(a.token).toBe(b.token)
    expect(a.scenario).toEqual(b.scenario)
    expect(a.tried).toBe(b.tried)
  })

  test('is a local one: without any of its operations it does not come about', async () => {
    const short = await shrink(await tokenOf(pinning, broken))
    const scenario = short.scenario as WrittenScenario
    for (const [i, thread] of scenario.threads.entries())
      for (const at of thread.ops.keys()) {
        const threads = scenario.threads.with(i, { ...thread, ops: thread.ops.toSpliced(at, 1) })
        const { first } = await explore({ ...scenario, threads }, { ...broken, samples: 5000 })
        expect(
          first.filter((found) => found.row?.invariant === short.invariant && found.outcome === short.outcome),
        ).toEqual([])
      }
  })

  test('of one that has shrunk is itself', async () => {
    const short = await shrink(await tokenOf(pinning, broken))
    const again = await shrink(short.token)
    expect(again.token).toBe(short.token)
  })

  test('keeps what comes after the threads where that is needed, and leaves out what is not', async () => {
    // Both pin; what comes after unpins once: the flag that the other pin needs is gone.
    const late: WrittenScenario = {
      name: 'late',
      setup,
      threads: [
        { name: 'one', ops: [load, pin(1)] },
        { name: 'two', ops: [load, pin(2)] },
      ],
      after: [load, unpin(2), load],
    }
    const short = await shrink(await tokenOf(late, broken))
    const scenario = short.scenario as WrittenScenario
    expect(scenario.after).toEqual([unpin(2)])
    expect(opsIn(scenario)).toEqual([pin(1), pin(2)])
    expect(scenarioText(scenario)).toContain('"after": [')
    expect(JSON.parse(scenarioText(scenario))).toEqual(JSON.parse(JSON.stringify(scenario)))
  })

  test('of random operations is a scenario that is written down', async () => {
    const random: Scenario = { name: 'mix', mixes: [{ mm: 1 }, { mm: 1 }], processes: 1, buffers: 2 }
    const short = await shrink(await tokenOf(random, { quirks: ['put-for-unpin'], ops: 8 }))
    expect(short.scenario).toMatchObject({ name: 'mix, shrunk' })
    expect(short.ops).toBeLessThanOrEqual(2)
    // As a file, too, with what the options said.
    const file = JSON.parse(JSON.stringify(short.scenario)) as Scenario
    const { outcomes } = await explore(file, { quirks: ['put-for-unpin'], samples: 100 })
    expect(outcomes.clean).toBe(0)
  })

  test('has no repeats that are not needed', async () => {
    const repeats = {
      name: 'again and again',
      setup,
      threads: [
        { name: 'one', ops: [{ op: 'repeat', n: 9, ops: [load, { op: 'repeat', n: 3, ops: [pin(1), load] }] }] },
        { name: 'two', ops: [pin(2), unpin(2)] },
      ],
    } as unknown as Scenario
    const short = await shrink(await tokenOf(repeats, broken))
    expect(JSON.stringify(short.scenario)).not.toContain('"repeat"')
    expect(short.ops).toBe(3)
  })

  test('keeps barriers together: a scenario whose threads would wait for ever is no smaller one', async () => {
    const barrier = { op: 'barrier' } as unknown as ScenarioOp
    const met = {
      name: 'met',
      setup,
      threads: [
        { name: 'one', ops: [pin(1), barrier, load] },
        { name: 'two', ops: [barrier, pin(2), unpin(2)] },
      ],
    }
    const short = await shrink(await tokenOf(met, broken))
    expect(kind(short)).toEqual({ outcome: 'violation', invariant: 'pincount-exact' })
  })
})

test('an abort keeps the shortest until then', async () => {
  const token = await tokenOf(pinning, broken)
  const abort = new AbortController()
  let told = 0
  const short = await shrink(token, {
    signal: abort.signal,
    onProgress: ({ done, ops, total, seconds }) => {
      expect(done).toBeGreaterThan(0)
      expect(ops).toBeGreaterThan(0)
      expect(total).toBeNull()
      expect(seconds).toBeGreaterThanOrEqual(0)
      if (++told === 2) abort.abort()
    },
  })
  expect(short.stoppedBy).toBe('abort')
  expect(kind(short)).toEqual({ outcome: 'violation', invariant: 'pincount-exact' })
  expect(await replay(short.token)).toMatchObject({ outcome: 'violation' })
})

test('what cannot be made shorter is a typed error', async () => {
  const { readScenario } = await import('../../../lib/engine/scenario/readScenario.ts')
  const { oneSchedule, resultOf, subjectOfToken } = await import('../../../lib/engine/explore/replay.ts')
  const clean: Scenario = { name: 'clean', setup, threads: [{ name: 'one', ops: [load] }] }
  const parts = readToken(await tokenOf(pinning, broken), 'token')
  const { subject } = subjectOfToken(parts, {} as never)
  const of = { ...subject, read: readScenario(clean), threads: 1 }
  const { token } = resultOf(of, 0, await oneSchedule('replay', of, 0, [], undefined))
  expect(await replay(token)).toMatchObject({ outcome: 'clean', broke: null })
  await expect(shrink(token)).rejects.toMatchObject({ code: 'ERR_PAGEBOX_ARG_RANGE' })
  await expect(shrink('', {})).rejects.toMatchObject({ code: 'ERR_PAGEBOX_REPLAY_TOKEN' })
  await expect(shrink(token, { samples: 0 })).rejects.toMatchObject({ code: 'ERR_PAGEBOX_ARG_RANGE' })
  await expect(shrink(token, { many: 1 } as never)).rejects.toMatchObject({ code: 'ERR_PAGEBOX_OPTION_UNKNOWN' })
})
