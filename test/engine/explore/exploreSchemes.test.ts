import {
  type ExploreSchemesOptions,
  exploreSchemes,
  PageboxError,
  replay,
  type SchemesProgress,
  schemes,
} from 'pagebox'
import { describe, expect, test } from 'vitest'
import { runCli } from '../../cli/testIo.ts'

/* What few threads can do to one page, under every scheme. */

const small = { layouts: ['linux-6.12'], orders: [0], shapes: [{ threads: 2, ops: 1 }] } as const
/** A flag says pinned, and no count stands behind it. */
const operations = ['pin_page', 'unpin_page', 'maybe_pinned'] as const
const lost = { ...small, shapes: [{ threads: 2, ops: 2 }], operations, quirks: ['flag-without-count'] } as const

test('every scheme holds in every class of every pair of operations', async () => {
  const { rows, stoppedBy, classes } = await exploreSchemes(small)
  expect(stoppedBy).toBe('complete')
  expect(rows.map(({ scheme }) => scheme)).toEqual([...schemes].filter((each) => each.builtin).map(({ name }) => name))
  for (const row of rows) {
    expect(row).toMatchObject({ verdict: 'holds', programs: row.allPrograms, complete: row.allPrograms, violated: 0 })
    expect(row.classes).toBeGreaterThan(row.programs)
    expect(row.schedules).toBe(row.classes)
  }
  // The lock of the list makes orders of its own; an add does not.
  const classesOf = (name: string): number => rows.find(({ scheme }) => scheme === name)?.classes ?? 0
  expect(classesOf('lru-overlay')).toBeGreaterThan(classesOf('side-table'))
  expect(classes).toBe(rows.reduce((sum, row) => sum + row.classes, 0))
})

test('the same again is the same table', async () => {
  const counts = async (jobs: number): Promise<unknown> =>
    (await exploreSchemes({ ...small, jobs, schemes: ['refcount', 'packed-64'] })).rows.map((row) => ({
      ...row,
      seconds: 0,
    }))
  expect(await counts(2)).toEqual(await counts(1))
})

test('a scheme that has no place is refused with the reason', async () => {
  const { rows } = await exploreSchemes({ ...small, layouts: ['linux-4.20-32'], schemes: ['packed-64', 'refcount'] })
  expect(rows.map(({ verdict }) => verdict)).toEqual(['refused', 'holds'])
  expect(rows[0]?.reason).not.toBe('')
})

test('a declared scheme that loses an update is named, with a token that repeats it', async () => {
  const { name } = schemes.define({
    name: 'loses-updates',
    protocol: 'flag-and-word',
    countWord: 2,
    pinned: { word: 0, bit: 'lowest-free' },
  })
  const { rows } = await exploreSchemes({ ...lost, schemes: [name, 'flag-and-word'] })
  expect(rows.map(({ verdict }) => verdict)).toEqual(['violated', 'violated'])
  const [finding] = rows[0]?.first ?? []
  expect(finding?.threads.flat()).toContain('pin_page')
  const again = await replay(finding?.token ?? '')
  expect(again.outcome).toBe(finding?.outcome)
  expect(again.text).toBe(finding?.text)
})

describe('what ends it early', () => {
  test('schedules', async () => {
    const found = await exploreSchemes({ ...small, schemes: ['refcount', 'sharded'], samples: 40 })
    expect(found.stoppedBy).toBe('samples')
    expect(found.schedules).toBe(40)
    for (const row of found.rows) expect(row).toMatchObject({ verdict: 'so far', schedules: 20 })
  })
  test('schedules of a program: the others come all the same', async () => {
    const found = await exploreSchemes({ ...small, schemes: ['refcount'], samplesEach: 2 })
    expect(found).toMatchObject({ stoppedBy: 'samples', rows: [{ verdict: 'so far', largest: 2 }] })
    expect(found.rows[0]?.programs).toBe(found.rows[0]?.allPrograms)
  })
  test('seconds', async () => {
    const found = await exploreSchemes({ schemes: ['lru-overlay', 'refcount'], layouts: ['linux-6.12'], seconds: 0.5 })
    expect(found.stoppedBy).toBe('seconds')
    expect(found.rows.length).toBeGreaterThan(0)
  })
  test('a signal, with what there is; the end is known before', async () => {
    const stop = new AbortController()
    const told: SchemesProgress[] = []
    const onProgress = (progress: SchemesProgress): void => {
      told.push(progress)
      if (progress.schedules > 2000) stop.abort()
    }
    const found = await exploreSchemes({
      layouts: ['linux-6.12'],
      signal: stop.signal,
      onProgress,
      progressIntervalMs: 1,
    })
    expect(found.stoppedBy).toBe('abort')
    expect(found.schedules).toBeGreaterThan(0)
    for (const { done, total } of told) expect(done).toBeLessThanOrEqual(total ?? 0)
    const aborted = exploreSchemes({ signal: AbortSignal.abort() })
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_PAGEBOX_ABORTED' })
  })
  test('what onProgress throws', async () => {
    const onProgress = (): void => {
      throw new Error('enough')
    }
    await expect(exploreSchemes({ layouts: ['linux-6.12'], onProgress, progressIntervalMs: 1 })).rejects.toThrow(
      'enough',
    )
  })
})

test.each([
  [{ schemes: [] }, 'options.schemes'],
  [{ schemes: ['no-such'] }, 'options.schemes[0]'],
  [{ layouts: ['no-such'] }, 'options.layouts[0]'],
  [{ orders: [4] }, 'options.orders[0]'],
  [{ shapes: [{ threads: 4, ops: 1 }] }, 'options.shapes[0].threads'],
  [{ shapes: [{ threads: 2, ops: 5 }] }, 'options.shapes[0].ops'],
  [{ operations: ['fork'] }, 'options.operations[0]'],
  [{ operations: [] }, 'operations'],
  [{ operations: ['put_page'] }, 'put_page without get_page'],
  [{ shapes: [{ threads: 3, ops: 4 }] }, 'programs: more than'],
  [{ samples: 0 }, 'options.samples'],
  [{ seconds: -1 }, 'options.seconds'],
  [{ jobs: 0 }, 'options.jobs'],
  [{ quirk: [] }, 'quirk'],
])('refused: %j', async (options, where) => {
  const asked = exploreSchemes({ ...small, ...(options as unknown as ExploreSchemesOptions) })
  await expect(asked).rejects.toThrow(PageboxError)
  await expect(asked).rejects.toThrow(where)
})

describe('on the command line', () => {
  const line = ['schemes', '--explore', '--layout', 'linux-6.12', '--shape', '2x1', '--order', '0']
  test('a table, and exit code 0', async () => {
    const { code, out } = await runCli([...line, 'refcount', 'sharded'], { columns: 160 })
    expect(code).toBe(0)
    expect(out).toMatch(/refcount +linux-6\.12 +2 × 1 +\d+ +\d+/)
    expect(out).toContain('every program in every class; none violates')
  })
  test('a violation: the program, the command that repeats it, exit code 1', async () => {
    const { code, out } = await runCli([
      ...line.slice(0, 4),
      '--shape',
      '2x2',
      '--quirks',
      'flag-without-count',
      '--operations',
      operations.join(','),
      'flag-and-word',
    ])
    expect(code).toBe(1)
    expect(out).toMatch(/thread 1: .*pin_page/)
    const [, token] = /pagebox replay (\S+)/.exec(out) ?? []
    expect((await replay(token ?? '')).outcome).toBe('violation')
  })
  test('one JSON document', async () => {
    const { code, out } = await runCli([...line, 'refcount', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ stoppedBy: 'complete', rows: [{ scheme: 'refcount', verdict: 'holds' }] })
  })
  test('wrong use', async () => {
    for (const [args, text] of [
      [['schemes', '--seconds', '3'], '--seconds is for --explore'],
      [['schemes', '--explore', '--shape', '2by3'], '2by3'],
      [['schemes', '--explore', 'no-such'], 'no-such'],
      [['schemes', '--explore', '--layout', 'no-such'], 'no-such'],
    ] as const) {
      const { code, err } = await runCli([...args])
      expect(code).toBe(2)
      expect(err).toContain(text)
    }
  })
})
