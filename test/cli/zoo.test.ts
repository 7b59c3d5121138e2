import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zoo } from 'pagebox'
import { afterAll, expect, test } from 'vitest'
import { runCli } from './testIo.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-zoo-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('zoo --list says what there is, and what is not', async () => {
  const { code, out } = await runCli(['zoo', '--list'])
  expect(code).toBe(0)
  for (const { id } of zoo()) expect(out).toContain(id)
  expect(out).toContain('Not here, and why:')
  const json = JSON.parse((await runCli(['zoo', '--list', '--json'])).out)
  expect(json.entries.map(({ id }: { id: string }) => id)).toEqual(zoo().map(({ id }) => id))
  expect(json.omissions.length).toBeGreaterThan(0)
})

test('zoo ID explains, shows the shortest form and how to repeat it', async () => {
  const html = join(folder, 'one.html')
  const saved = join(folder, 'one.json')
  const { code, out, err } = await runCli(['zoo', 'single-flag', '--html', html, '--save', saved])
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain('One flag, two pinners (2018)')
  expect(out).toMatch(/Found by dpor in schedule \d+: violation: pincount-exact/)
  expect(out).toContain('The shortest form')
  expect(out).toMatch(/Without flag-without-count: absent\./)
  const token = /pagebox replay (\S+)/.exec(out)?.[1] ?? ''
  const again = await runCli(['replay', token])
  expect(again.code).toBe(1)
  expect(again.out).toContain('pincount-exact')
  expect(readFileSync(html, 'utf8')).toContain('<html')
  const explored = await runCli(['explore', saved, '--scheme', 'flag-and-word', '--no-shrink'])
  expect(explored.code).toBe(1)
})

test('zoo ID --json is one document', async () => {
  const { code, out } = await runCli(['zoo', 'put-for-unpin', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(out).entries).toMatchObject([
    { id: 'put-for-unpin', year: 2019, found: true, runs: 1, absentWhenFixed: true, complete: true, holds: true },
  ])
})

test('a name that is none gets an offer and exit code 2', async () => {
  const { code, out, err } = await runCli(['zoo', 'dirty-cwo'])
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain('Did you mean dirty-cow?')
})

test('an interrupt prints what was done', async () => {
  const aborting = new AbortController()
  let lines = 0
  const { code, out } = await runCli(['zoo'], {
    signal: aborting.signal,
    interactive: true,
    err: (text) => {
      // The second entry has begun.
      if (/: looking/.test(text) || /making/.test(text)) lines++
      if (lines > 3) aborting.abort(new Error('SIGINT'))
    },
  })
  expect([130, 143, 0]).toContain(code)
  expect(out).toMatch(/\d+ of \d+ found, repeated and absent/)
})
