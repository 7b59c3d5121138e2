import { spawnSync } from 'node:child_process'
import { explore, replay, type Scenario } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { outcomeNames } from '../../../lib/engine/scenario/outcome.ts'
import { readToken, writeToken } from '../../../lib/engine/explore/token.ts'
import { cliArguments } from '../../cli/command.ts'
import { broken, endless, pinning } from './scenarios.ts'

const mm: Scenario = { name: 'mm', mixes: [{ mm: 1 }, { mm: 1, chaos: 1 }], processes: 1, buffers: 2 }
const devices: Scenario = { name: 'devices', mixes: [{ touch: 1 }, { device: 1 }], processes: 2, buffers: 3 }

describe('a schedule is repeated', () => {
  test.each([
    ['written', pinning, broken],
    ['random', mm, { quirks: ['put-for-unpin'], ops: 6 }],
    ['of devices', devices, { quirks: ['put-for-unpin'], ops: 8, workloadSeed: 2 ** 40 }],
    ['with another seed', pinning, { ...broken, seed: 2n ** 63n, workloadSeed: 2n ** 64n - 1n }],
  ] as const)('%s: each finding ends as it did', async (_name, scenario, options) => {
    const { first } = await explore(scenario, { samples: 300, findings: 20, ...options })
    expect(first.length).toBeGreaterThan(0)
    for (const finding of first) {
      const again = await replay(finding.token)
      expect(again.text).toBe(finding.text)
      expect(again).toMatchObject({
        outcome: finding.outcome,
        invariant: finding.row?.invariant ?? '',
        token: finding.token,
      })
      const words = again.notes.map(({ what, op, result }) => `${what} ${op}${result === '' ? '' : ` ${result}`}`)
      // Of a long one the end is told.
      const all = finding.trace.map((line) => line.replace(/^thread \d+ /, ''))
      expect(words).toEqual(all.slice(-words.length))
      expect(again.skipped > 0 || words.length === all.length).toBe(true)
      expect(words.length).toBeGreaterThan(0)
    }
  })

  test('in another process, to the same text', async () => {
    const { first } = await explore(pinning, { samples: 100, ...broken })
    const { token } = first[0] as { token: string }
    const here = String(await replay(token))
    const { stdout, status } = spawnSync(process.execPath, [...cliArguments, 'replay', token], {
      encoding: 'utf8',
      env: { ...process.env, COLUMNS: '80' },
    })
    expect(stdout.trimEnd()).toBe(here)
    expect(status).toBe(1)
  })

  test('one of threads that cannot go on so is refused', async () => {
    const { first } = await explore(pinning, { samples: 100, ...broken })
    const parts = readToken((first[0] as { token: string }).token, 'token')
    for (const choices of [parts.choices.slice(0, 5), [...parts.choices, 0], [7, ...parts.choices], []])
      await expect(replay(writeToken({ ...parts, choices }))).rejects.toMatchObject({
        code: 'ERR_PAGEBOX_REPLAY_DIFFERS',
        message: expect.stringContaining('the schedule'),
      })
  })
})

test('outcomes have the names that the explorer counts by', async () => {
  const { outcomes } = await explore(pinning, { samples: 1 })
  expect(Object.keys(outcomes)).toEqual([...outcomeNames])
})

test('a scenario that never ends is given up at the limit of steps, which is said', async () => {
  const { outcomes, first } = await explore(endless, { samples: 3, maxSteps: 5000 })
  expect(outcomes.limit).toBe(3)
  expect(first[0]?.text).toMatch(/not at its end after the limit of 5000 steps; thread \d/)
  const again = await replay((first[0] as { token: string }).token)
  expect(again).toMatchObject({ outcome: 'limit', text: first[0]?.text })
  expect(again.broke).toBe(again.steps.length - 1)
})

test('an aborted replay is a typed error', async () => {
  const { first } = await explore(pinning, { samples: 100, ...broken })
  await expect(replay((first[0] as { token: string }).token, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ERR_PAGEBOX_ABORTED',
  })
})

describe('what a replay shows', () => {
  test('words before and after, decoded; entries; locks and who holds them', async () => {
    const found = await explore(pinning, { samples: 100, ...broken })
    const { steps, notes, threads, broke, page, outcome, invariant, text } = await replay(
      (found.first[0] as { token: string }).token,
    )
    expect({ outcome, invariant }).toEqual({ outcome: 'violation', invariant: 'pincount-exact' })
    expect(threads.slice(0, 3)).toEqual(['one', 'two', 'idle'])
    expect(notes.filter(({ what }) => what === 'begins').length).toBe(8)
    const counted = steps.filter(({ place }) => /_refcount$/.test(place) && place.startsWith(`page ${page} `))
    expect(counted.length).toBeGreaterThan(0)
    for (const { before, beforeText } of counted) expect(beforeText).toBe(String(BigInt.asIntN(32, before as bigint)))
    expect(
      steps.some(({ place, afterText }) => place === 'pte p:a' && /^pfn \d+ write dirty accessed/.test(afterText)),
    ).toBe(true)
    const ofFlags = steps.filter(({ place, beforeText }) => /^page \d+ word 0 flags$/.test(place) && beforeText !== '')
    expect(ofFlags.length).toBeGreaterThan(0)
    // PG_locked is bit 0, PG_dirty bit 4.
    for (const { before, beforeText } of ofFlags)
      for (const [bit, name] of [
        [0n, 'locked'],
        [4n, 'dirty'],
      ] as const)
        expect(beforeText.split('|').includes(name)).toBe((((before as bigint) >> bit) & 1n) === 1n)
    expect(text).toContain(`page ${page} `)
    expect(steps[broke as number]?.place).toMatch(new RegExp(`^page ${page} `))
    // A lock that was taken is held until it is given back.
    const held = new Map<string, string[]>()
    for (const step of steps) {
      if (step.lockEvent?.startsWith('takes'))
        held.set(step.lock as string, [...(held.get(step.lock as string) ?? []), step.thread])
      if (step.lockEvent === 'gives back') {
        const by = held.get(step.lock as string) ?? []
        expect(by).toContain(step.thread)
        by.splice(by.indexOf(step.thread), 1)
        if (by.length === 0) held.delete(step.lock as string)
      }
      expect(step.held).toEqual([...held].map(([lock, by]) => ({ lock, by })))
    }
    expect(held.size).toBe(0)
  })
})

test('of a schedule that does not end the last steps are told, and how many came before', async () => {
  const { first } = await explore(endless, { samples: 1, maxSteps: 50_000, strategy: 'pct' })
  const token = (first[0] as { token: string }).token
  const { steps, skipped, notes, text, outcome, broke } = await replay(token)
  expect(outcome).toBe('limit')
  expect(text).toContain('50000 steps')
  expect(steps).toHaveLength(8192)
  expect(skipped).toBeGreaterThan(40_000)
  expect(broke).toBe(8191)
  expect(notes.every(({ at }, i) => at >= (notes[i - 1]?.at ?? 0))).toBe(true)
  expect(String(await replay(token)).split('\n').length).toBeLessThan(2000)
})
