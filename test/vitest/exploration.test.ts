import { replay, type Scenario, schemes, shrink } from 'pagebox'
import { assertBox } from 'pagebox/assert'
import { expect as expectExplored } from 'pagebox/vitest'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { broken, endless, pinning } from '../engine/explore/scenarios.ts'

afterEach(() => vi.unstubAllEnvs())

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it passed',
    (error: Error) => error.message,
  )
const two: Scenario = { ...pinning, threads: pinning.threads.slice(0, 2) }

describe('toSurviveExploration', () => {
  test('passes where every schedule is clean', async () => {
    await expectExplored(two).toSurviveExploration({ samples: 200 })
    await assertBox.toSurviveExploration(two, { samples: 50 })
  })

  test('a failure shows the shortest scenario, its timeline, the token and the command that repeats it', async () => {
    const message = await messageOf(expectExplored(two).toSurviveExploration({ samples: 500, ...broken }))
    expect(message).toContain("expected 'two pin, one unpins' to survive")
    expect(message).toContain('violation: pincount-exact at page')
    expect(message).toContain('(3 operations, 1 switch)')
    expect(message).toContain('{"op":"unpin","id":2}')
    expect(message).toMatch(/^ +one +two$/m)
    expect(message).toContain('┌ pin id 2')
    const [, token] = /^token: ([\w-]+)$/m.exec(message) ?? []
    expect(message).toContain(`to repeat it: npx pagebox replay ${token}`)
    const again = await replay(token as string)
    expect(again).toMatchObject({ outcome: 'violation', invariant: 'pincount-exact', ops: 3 })
    expect(message).toContain(String(again))
    expect((await shrink(token as string)).token).toBe(token)
  })

  test('a scheme of ones own is explored, and named by the token', async () => {
    // Its count lies in the word that anonymous pages need for `index`.
    const own = schemes.define({
      name: 'exploration-own',
      protocol: 'flag-and-word',
      pinned: { word: 0, bit: 'lowest-free' },
      countWord: 4,
      countBits: 32,
    })
    const message = await messageOf(expectExplored(two).toSurviveExploration({ samples: 50, scheme: own }))
    expect(message).toContain('exploration-own')
    expect(message).toMatch(/^token: /m)
  })

  test('the other way round, it says what the clean result is worth', async () => {
    const message = await messageOf(expectExplored(two).not.toSurviveExploration({ samples: 20, strategy: 'random' }))
    expect(message).toContain('none did: 20 schedules, seed 1; ')
  })
})

describe('toReach and toNeverReach', () => {
  test('by outcome and by invariant', async () => {
    await expectExplored(two).toReach('violation', { samples: 300, ...broken })
    await expectExplored(two).toReach('pincount-exact', { samples: 300, ...broken })
    await expectExplored(two).toReach('clean', { samples: 20 })
    await expectExplored(two).toNeverReach('deadlock', { samples: 20 })
    await expectExplored(endless).toReach('limit', { samples: 2, maxSteps: 2000, strategy: 'random' })
    await assertBox.not.toReach(two, 'livelock', { samples: 20 })
  })

  test('what was not reached, and what should not have been', async () => {
    expect(await messageOf(expectExplored(two).toReach('deadlock', { samples: 20, strategy: 'random' }))).toContain(
      "to reach 'deadlock'; it did not: 20 schedules, seed 1; ",
    )
    const message = await messageOf(expectExplored(two).toNeverReach('violation', { samples: 300, ...broken }))
    expect(message).toContain("never to reach 'violation'; it does")
    expect(message).toMatch(/^token: /m)
    expect(message).toContain('┌ pin id')
  })
})

describe('seeds and samples of the environment', () => {
  test('are those of tests that have none of their own', async () => {
    vi.stubEnv('PAGEBOX_SEED', '77')
    vi.stubEnv('PAGEBOX_SAMPLES', '33')
    const clean = (options?: object) =>
      messageOf(expectExplored(two).not.toSurviveExploration({ strategy: 'random', ...options }))
    expect(await clean()).toContain('33 schedules, seed 77')
    expect(await clean({ seed: 5, samples: 7 })).toContain('7 schedules, seed 5')
    vi.stubEnv('PAGEBOX_SEED', '')
    expect(await clean()).toContain('seed 1;')
  })

  test.each([
    ['PAGEBOX_SEED', 'x'],
    ['PAGEBOX_SEED', '-1'],
    ['PAGEBOX_SAMPLES', '0'],
    ['PAGEBOX_WORKLOAD_SEED', '1.5'],
  ])('%s=%s is refused by name', async (name, value) => {
    vi.stubEnv(name, value)
    await expect(expectExplored(two).toSurviveExploration()).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_ARG_RANGE',
    })
  })
})

describe('anything else is a typed error', () => {
  test.each([undefined, null, 3, 'pins', {}, [], () => {}])('received: %o', async (received) => {
    for (const matcher of [
      (value: unknown) => assertBox.toSurviveExploration(value),
      (value: unknown) => assertBox.toReach(value, 'violation'),
      (value: unknown) => assertBox.toNeverReach(value, 'violation'),
    ])
      await expect(matcher(received)).rejects.toMatchObject({ code: 'ERR_PAGEBOX_ARG_TYPE' })
  })

  test('outcomes and options that there are not', async () => {
    await expect(assertBox.toReach(two, 'luck')).rejects.toMatchObject({ code: 'ERR_PAGEBOX_ARG_RANGE' })
    await expect(assertBox.toReach(two, undefined as never)).rejects.toMatchObject({ code: 'ERR_PAGEBOX_ARG_TYPE' })
    await expect(assertBox.toSurviveExploration(two, { luck: 1 } as never)).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_OPTION_UNKNOWN',
    })
    await expect(assertBox.toSurviveExploration(two, 3 as never)).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_ARG_TYPE',
    })
    await expect(assertBox.toSurviveExploration({ name: 'x', threads: [] })).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_SCENARIO',
    })
  })
})
