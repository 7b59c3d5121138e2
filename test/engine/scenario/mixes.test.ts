import { explore, PageboxError, race, type RandomScenario, replay } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { opScenarios } from '../../../lib/engine/scenario/builtin.ts'
import type { RaceScenarioResult } from '../../../lib/engine/scenario/scenarioTypes.ts'
import { vocabulary } from '../../../lib/engine/scenario/vocabulary.ts'

const most = 0.15
/** Of one operation, where three threads on one processor meet more often than on three. */
const mostOfOne = 0.2
/** Fewer of one operation say nothing of its share. */
const fewest = 200

const groups = (): RandomScenario[] =>
  vocabulary().tables.mixGroups.map(({ name }) => ({ name, mixes: [{ [name]: 1 }], processes: 3 }))
const all = (): readonly RandomScenario[] => [...opScenarios, ...groups()]

const failed = ({ failures }: RaceScenarioResult['ops'][number]): number =>
  Object.values(failures).reduce((sum, count) => sum + count, 0)

const shareOf = ({ ops }: RaceScenarioResult): number =>
  ops.reduce((sum, op) => sum + failed(op), 0) / ops.reduce((sum, op) => sum + op.ops, 0)

const run = (scenario: RandomScenario, failing?: number, seed = 1) =>
  race(scenario, {
    // Pages by pfn are quick, and each is met a few times before a thread knows it.
    ops: scenario.name === 'pages' || scenario.name === 'pins' ? 60_000 : 15_000,
    seed,
    threads: Math.max(3, scenario.mixes.length),
    ...(failing !== undefined && { failing }),
  })

describe('a mix', () => {
  test.each(all().map((scenario) => [scenario.name, scenario] as const))(
    '%s: each operation does something, unless it is asked to fail',
    // How often threads meet is the machine's matter.
    { timeout: 120_000, retry: 2 },
    async (_name, scenario) => {
      const result = await run(scenario)
      expect(result.audit.clean).toBe(true)
      const tooMany = result.ops
        .filter((op) => op.ops >= fewest && failed(op) > mostOfOne * op.ops)
        .map((op) => `${op.op}: ${JSON.stringify(op.failures)} of ${op.ops}`)
      expect(tooMany).toEqual([])
      expect(shareOf(result)).toBeLessThan(most)

      const [none, half] = [await run(scenario, 0), await run(scenario, 0.5)]
      expect(shareOf(none)).toBeLessThan(shareOf(half))
      expect(shareOf(half)).toBeGreaterThan(shareOf(result))
      expect(half.audit.clean && none.audit.clean).toBe(true)
    },
  )

  test('a thread alone fails only where it is asked to', async () => {
    const alone: RandomScenario = { name: 'alone', mixes: [{ mm: 1, device: 1, chaos: 1 }], failing: 0 }
    const result = await race(alone, { ops: 20_000, threads: 1, seed: 3 })
    expect(result.audit.clean).toBe(true)
    expect(shareOf(result)).toBeLessThan(0.03)
    const asked = await race(alone, { ops: 20_000, threads: 1, seed: 3, failing: 1 })
    // What nothing can make fail does not.
    expect(shareOf(asked)).toBeGreaterThan(0.8)
  })

  test('a thread alone does the same again for the same seed, and something else for another', async () => {
    const counts = async (seed: number, failing?: number) =>
      (
        await race(
          { name: 'again', mixes: [{ mm: 1, device: 1 }] },
          { ops: 3000, threads: 1, seed, rounds: 1, ...(failing !== undefined && { failing }) },
        )
      ).ops.map(({ op, ops, failures }) => [op, ops, failures])
    const first = await counts(5)
    expect(first.reduce((sum, [, ops]) => sum + Number(ops), 0)).toBe(3000)
    expect(await counts(5)).toEqual(first)
    expect(await counts(6)).not.toEqual(await counts(5))
    expect(await counts(5, 0.4)).not.toEqual(await counts(5))
  })

  test('says which ways through memory management it took', async () => {
    const { reached } = await run(opScenarios[0] as RandomScenario)
    const count = (group: string, name: string): number | undefined =>
      reached.find((each) => each.group === group && each.name === name)?.count
    for (const [group, name] of [
      ['fault', 'zero-page'],
      ['fault', 'anon-page'],
      ['cow', 'copy-shared'],
      ['cow', 'fork-copies'],
      ['swap', 'in-alone'],
      ['swap', 'out'],
      ['migration', 'moved'],
    ] as const)
      expect(count(group, name), `${group} ${name}`).toBeGreaterThan(0)
    // No devices in this mix.
    expect(count('migration', 'to-device')).toBe(0)
    expect(count('fault', 'device-private')).toBe(0)
    const { reached: devices } = await run(opScenarios[1] as RandomScenario)
    const toDevice = devices.find(({ name }) => name === 'to-device')
    expect(toDevice?.count).toBeGreaterThan(0)
    expect(toDevice?.summary).toBe('a page moves to a device')
    expect(new Set(devices.map(({ group, name }) => `${group} ${name}`)).size).toBe(devices.length)
  })

  test('is explored with the same share, which a token carries', async () => {
    const scenario: RandomScenario = { name: 'explored', mixes: [{ mm: 1, chaos: 1 }] }
    const options = { samples: 30, ops: 6, seed: 2 } as const
    const usual = await explore(scenario, options)
    expect((await explore(scenario, options)).hash).toBe(usual.hash)
    expect((await explore(scenario, { ...options, failing: 0.05 })).hash).toBe(usual.hash)
    expect((await explore({ ...scenario, failing: 1 }, options)).hash).not.toBe(usual.hash)
    const found = await explore(scenario, { ...options, failing: 0.9, quirks: ['put-for-unpin'], ops: 30, samples: 60 })
    const first = found.first[0]
    expect(first).toBeDefined()
    const again = await replay((first as NonNullable<typeof first>).token)
    expect(again.outcome).toBe(first?.outcome)
  })

  test.each([-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY, '10%', null, {}, true])(
    'refuses to fail %s',
    async (failing) => {
      const scenario = { name: 'x', mixes: [{ mm: 1 }] }
      const options = { failing } as { failing: number }
      for (const call of [
        () => race({ ...scenario, failing: failing as number }, { ops: 1 }),
        () => race(scenario, { ops: 1, ...options }),
        () => explore(scenario, { samples: 1, ...options }),
      ])
        await expect(call()).rejects.toThrow(PageboxError)
    },
  )

  test('lists that are written down take no share', async () => {
    const written = { name: 'x', threads: [{ name: 'a', ops: [{ op: 'yield' }] }] } as never
    await expect(race(written, { rounds: 1, failing: 0.1 })).rejects.toMatchObject({ code: 'ERR_PAGEBOX_ARG_RANGE' })
    await expect(explore(written, { samples: 1, failing: 0.1 })).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_ARG_RANGE',
    })
  })
})
