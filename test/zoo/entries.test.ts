import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { PageboxError, quirks, runZooEntry, zoo, zooEntry, zooOmissions } from 'pagebox'
import { expect, test } from 'vitest'
import { readScenario } from '../../lib/engine/scenario/readScenario.ts'

const folder = join(import.meta.dirname, '../../zoo')

test('there are at least 24, each in a file of its name', () => {
  const ids = zoo().map(({ id }) => id)
  expect(ids.length).toBeGreaterThanOrEqual(24)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(existsSync(join(folder, `${id}.json`)), id).toBe(true)
  expect(readdirSync(folder)).toHaveLength(ids.length + 1) // omissions.json
})

test.each(zoo().map((entry) => [entry.id, entry] as const))('%s says all that is known of it', (id, entry) => {
  expect(id).toMatch(/^[a-z][a-z0-9-]+$/)
  expect(entry.year).toBeGreaterThan(2015)
  expect(entry.year).toBeLessThan(2027)
  for (const text of [entry.title, entry.fix, entry.invariant]) expect(text.length).toBeGreaterThan(10)
  expect(entry.explanation.length).toBeGreaterThan(200)
  const known = quirks().map(({ name }) => name)
  expect(entry.quirks.length).toBeGreaterThan(0)
  for (const quirk of entry.quirks) expect(known).toContain(quirk)
  expect(readScenario(entry.scenario).name).toBe(id)
  expect(entry.budget.schedules).toBeLessThanOrEqual(20_000)
})

test('every quirk has an entry', () => {
  const shown = new Set(zoo().flatMap((entry) => entry.quirks))
  expect(quirks().filter(({ name }) => !shown.has(name))).toEqual([])
})

test('what cannot be shown is named with its reason', () => {
  expect(zooOmissions().length).toBeGreaterThan(0)
  for (const { title, year, reason } of zooOmissions()) {
    expect(title.length).toBeGreaterThan(10)
    expect(year).toBeGreaterThan(2015)
    expect(reason.length).toBeGreaterThan(30)
  }
})

test('nobody changes an entry', () => {
  expect(() => {
    ;(zooEntry('dirty-cow').scenario.threads as unknown[]).push(1)
  }).toThrow(TypeError)
})

test.each([
  ['dirty-cwo', /did you mean 'dirty-cow'/],
  [7, /id: 7/],
  [undefined, /id: /],
  ['', /id: ''/],
])('the name %j is refused', async (id, message) => {
  const refused = { name: 'PageboxError', message: expect.stringMatching(message) }
  expect(() => zooEntry(id as string)).toThrow(expect.objectContaining(refused))
  await expect(runZooEntry(id as string)).rejects.toMatchObject(refused)
})

test('a signal that is aborted already begins nothing', async () => {
  await expect(runZooEntry('dirty-cow', { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ERR_PAGEBOX_ABORTED',
  })
})

test('an abort keeps what was found', async () => {
  const aborting = new AbortController()
  const result = await runZooEntry('dirty-cow', {
    signal: aborting.signal,
    progressIntervalMs: 1,
    onProgress: ({ phase }) => {
      if (phase === 'shrink') aborting.abort()
    },
  })
  expect(result).toMatchObject({ stoppedBy: 'abort', holds: false, fixed: null })
  expect(result.found?.invariant).toBe('as-expected')
})

test('progress names its phases, and what it throws ends the call', async () => {
  const phases = new Set<string>()
  await runZooEntry('single-flag', { progressIntervalMs: 1, onProgress: ({ phase }) => void phases.add(phase) })
  expect(phases).toContain('shrink')
  const thrown = new Error('enough')
  await expect(
    runZooEntry('single-flag', {
      progressIntervalMs: 1,
      onProgress: ({ phase }) => {
        if (phase === 'shrink') throw thrown
      },
    }),
  ).rejects.toBe(thrown)
})

test('an option that there is not is refused', async () => {
  await expect(runZooEntry('dirty-cow', { sinal: 1 } as never)).rejects.toBeInstanceOf(PageboxError)
})
