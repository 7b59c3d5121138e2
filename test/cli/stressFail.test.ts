import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { race, type WrittenScenario } from '../../lib/index.ts'
import { failureArguments, injectedFailure } from '../../lib/cli/injectedFailures.ts'
import { runCli } from './testIo.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-stress-fail-'))
const file = join(folder, 'forks.json')
/** Two that do the same: whose calls are counted decides what fails. */
const forks = {
  name: 'forks',
  pages: 512,
  setup: [
    { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' },
    { op: 'store', buf: 'a', value: 7 },
  ],
  threads: [
    {
      name: 'parent',
      ops: [
        { op: 'fork', child: 'c' },
        { op: 'load', buf: 'a' },
      ],
    },
    { name: 'other', ops: [{ op: 'fork', child: 'q' }, { op: 'injected' }] },
  ],
} as unknown as WrittenScenario
beforeAll(() => writeFileSync(file, JSON.stringify(forks)))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Op {
  op: string
  ops: number
  failures: Record<string, number>
}
async function forksOf(...args: string[]): Promise<Op & { slices: number }> {
  const { code, out } = await runCli(['stress', file, '--seconds', '0.1', '--json', ...args])
  expect(code).toBe(0)
  const { ops, slices } = JSON.parse(out) as { ops: Op[]; slices: number }
  return { ...(ops.find(({ op }) => op === 'fork') as Op), slices }
}

describe('stress --fail', () => {
  test('without it nothing fails', async () => {
    expect((await forksOf()).failures).toEqual({})
  })
  test('of one thread: one of two forks fails in each round, however they meet', async () => {
    const { ops, failures, slices } = await forksOf('--fail', 'table@parent')
    expect(ops).toBeGreaterThan(slices)
    // The time of a slice may end between the two of its last round.
    expect(Math.abs((failures.ENOMEM ?? 0) - ops / 2)).toBeLessThanOrEqual(slices / 2)
    expect(Object.keys(failures)).toEqual(['ENOMEM'])
  })
  test('of every thread: each has a first call of its own', async () => {
    const { ops, failures } = await forksOf('--fail', 'table:1')
    expect(failures).toEqual({ ENOMEM: ops })
  })
  test('the nth beyond what a thread calls fails never', async () => {
    expect((await forksOf('--fail', 'table:1000')).failures).toEqual({})
  })
  test('a race from JavaScript is told alike', async () => {
    const { ops, audit } = await race(forks, { rounds: 50, failures: [{ site: 'table', thread: 'parent' }] })
    expect(audit.clean).toBe(true)
    expect(ops.find(({ op }) => op === 'fork')).toMatchObject({ ops: 100, failures: { ENOMEM: 50 } })
  })
  test('what fails is in the command that repeats it', () => {
    const asked = ['page', 'copy:2', 'table:1:3@parent', "slab@it's"]
    const failures = asked.reduce(
      (before, each) => injectedFailure(each, before),
      [] as ReturnType<typeof injectedFailure>,
    )
    expect(failureArguments(failures)).toEqual([
      '--fail page',
      '--fail copy:2',
      '--fail table:1:3@parent',
      "--fail 'slab@it'\\''s'",
    ])
  })
  test('it is in the command of a run that was not clean', async () => {
    const wrong = {
      ...forks,
      threads: [{ name: 'it', ops: [{ op: 'fork', child: 'c', must: 1 }] }],
    }
    const bad = join(folder, 'must.json')
    writeFileSync(bad, JSON.stringify(wrong))
    const { code, out } = await runCli(['stress', bad, '--seconds', '0.1', '--fail', 'table:1@it'])
    expect(code).toBe(1)
    expect(out).toContain('--fail table:1@it')
    expect((await runCli(['stress', bad, '--seconds', '0.1'])).code).toBe(0)
  })
  test.each([
    [['--fail', 'disk'], /failures\[0\]\.site.*page, table, slab, copy, swap_slot, device_page/],
    [['--fail', 'page@nobody'], /failures\[0\]\.thread/],
    [['--fail', 'page:0'], /nth must be .* from 1/],
    [['--fail', 'page:x'], /SITE:NTH/],
    [['--fail', 'page', '--mix', 'mm=1'], /--mix is for random scenarios/],
  ])('refused: %j', async (args, said) => {
    const { code, err } = await runCli(['stress', file, '--seconds', '0.1', ...args])
    expect(code).toBe(2)
    expect(err).toMatch(said)
  })
  test.each([
    ['pins', /--fail is for scenarios of operations, not of pins/],
    ['mm', /gives fail_nth a weight/],
  ])('not for %s', async (name, said) => {
    const { code, err } = await runCli(['stress', name, '--seconds', '0.1', '--fail', 'page'])
    expect(code).toBe(2)
    expect(err).toMatch(said)
  })
})
