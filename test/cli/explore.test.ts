import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { broken, endless, long, meeting, pinning } from '../engine/explore/scenarios.ts'
import { runCli } from './testIo.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-explore-'))
const at = (name: string): string => join(folder, name)
const file = at('pins.json')
const flags = ['--scheme', broken.scheme, '--quirks', broken.quirks.join()]
beforeAll(() => {
  writeFileSync(file, JSON.stringify(pinning))
  writeFileSync(at('pins.ts'), `export default ${JSON.stringify(pinning)}\n`)
  writeFileSync(at('endless.json'), JSON.stringify(endless))
  writeFileSync(at('long.json'), JSON.stringify(long))
  writeFileSync(at('meeting.json'), JSON.stringify(meeting))
  writeFileSync(at('bad.json'), '{ "name": ')
  writeFileSync(at('bad.ts'), 'throw new Error("no")\n')
  writeFileSync(at('none.json'), JSON.stringify({ name: 'x', threads: [] }))
  writeFileSync(at('unknown.json'), JSON.stringify({ name: 'x', threads: [{ name: 'a', ops: [{ op: 'fly' }] }] }))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('explore', () => {
  test('clean: exit 0, and what that is worth', async () => {
    const { code, out } = await runCli(['explore', file, '--samples', '200'])
    expect(code).toBe(0)
    expect(out).toContain('200 schedules')
    expect(out).toContain('clean')
    expect(out).toMatch(/sampled|complete/)
  })

  test('what it finds: exit 1, the shortest form, its timeline, the command that repeats it', async () => {
    const { code, out } = await runCli(['explore', file, '--samples', '500', ...flags])
    expect(code).toBe(1)
    expect(out).toContain('violation: pincount-exact')
    expect(out).toContain('The shortest form, 3 operations, 1 switch (')
    expect(out).toContain('┌ pin id 2')
    for (const line of out.split('\n').filter((each) => !/pagebox replay|"op"/.test(each)))
      expect([...line].length, line).toBeLessThanOrEqual(100)
    const [, token] = /pagebox replay ([\w-]+)$/m.exec(out) ?? []
    const again = await runCli(['replay', token as string])
    expect(again.code).toBe(1)
    expect(out).toContain(again.out.trimEnd())
  })

  test('a module is a scenario too', async () => {
    const json = await runCli(['explore', file, '--samples', '100', ...flags, '--json', '--no-shrink'])
    const module = await runCli(['explore', at('pins.ts'), '--samples', '100', ...flags, '--json', '--no-shrink'])
    expect(module.code).toBe(1)
    expect(JSON.parse(module.out).hash).toBe(JSON.parse(json.out).hash)
  })

  test('--json is one document of the shape that is promised', async () => {
    const { code, out } = await runCli(['explore', file, '--samples', '500', ...flags, '--json'])
    expect(code).toBe(1)
    const document = JSON.parse(out)
    expect(document).toMatchObject({
      outcome: 'violation',
      complete: false,
      bound: null,
      schedules: 500,
      seconds: expect.any(Number),
      guarantee: expect.any(String),
    })
    expect('classes' in document).toBe(true)
    const [finding] = document.findings
    expect(finding).toMatchObject({
      outcome: 'violation',
      invariant: 'pincount-exact',
      shortest: { ops: 3, switches: 1 },
    })
    expect((await runCli(['replay', finding.token, '--json'])).code).toBe(1)
    const replayed = JSON.parse((await runCli(['replay', finding.shortest.token, '--json'])).out)
    expect(replayed).toMatchObject({ outcome: 'violation', invariant: 'pincount-exact', ops: 3, switches: 1 })
    for (const { result, count, token } of document.outcomes)
      expect({ result, count, token }).toEqual({
        result: expect.any(String),
        count: expect.any(Number),
        token: result === 'clean' ? null : expect.any(String),
      })
    expect(document.outcomes.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(500)
  })

  test('--save writes a scenario that shows it, --html the page', async () => {
    const [saved, html] = [at('short.json'), at('page.html')]
    await runCli(['explore', file, '--samples', '500', ...flags, '--save', saved, '--html', html])
    expect(JSON.parse(readFileSync(saved, 'utf8'))).toMatchObject({ quirks: broken.quirks })
    // The quirk is in the file: the scheme alone is asked for.
    expect((await runCli(['explore', saved, '--scheme', broken.scheme, '--samples', '500'])).code).toBe(1)
    expect(readFileSync(html, 'utf8')).toContain('script-src &#39;sha256-')
  })

  test('a full disk loses nothing that was found', async () => {
    const { code, out, err } = await runCli(['explore', file, '--samples', '500', ...flags, '--html', '/dev/full'])
    expect(code).toBe(2)
    expect(err).toContain('cannot write /dev/full: ENOSPC')
    expect(out).toContain('pagebox replay ')
  })

  test('a page that cannot be written is known before the work', async () => {
    const { code, out, err } = await runCli(['explore', file, '--samples', '500', '--html', at('no/such/folder.html')])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('ENOENT')
  })

  test('a scenario that never ends: the limit of steps, said as such', async () => {
    const { code, out } = await runCli([
      'explore',
      at('endless.json'),
      '--samples',
      '3',
      '--max-steps',
      '2000',
      '--no-shrink',
    ])
    expect(code).toBe(1)
    expect(out.replaceAll('\n', ' ')).toContain('limit: not at its end after the limit of 2000 steps')
  })

  test('a scenario that no token carries: the command names its file', async () => {
    const args = ['explore', at('long.json'), '--samples', '3', '--quirks', 'put-for-unpin', '--no-shrink']
    const { code, out } = await runCli(args)
    expect(code).toBe(1)
    const [, token, name] = /pagebox replay ([\w-]+) (\S+)$/m.exec(out) ?? []
    expect(name).toBe(at('long.json'))
    expect((await runCli(['replay', token as string, name as string])).code).toBe(1)
    const without = await runCli(['replay', token as string])
    expect(without.code).toBe(2)
    expect(without.err).toContain("'long'")
  })

  test('--fail makes an allocation of a thread fail, in each schedule and in what repeats it', async () => {
    writeFileSync(
      at('short.json'),
      JSON.stringify({
        name: 'short of memory',
        setup: [
          { op: 'mmap', buf: 'b', pages: 1, kind: 'anon-private', prot: 'rw' },
          { op: 'store', buf: 'b', value: 7 },
        ],
        threads: [
          {
            name: 'parent',
            ops: [{ op: 'fork', child: 'c' }, { op: 'store', buf: 'b', value: 8 }, { op: 'injected' }],
          },
          { name: 'other', ops: [{ op: 'injected' }] },
        ],
      }),
    )
    const explore = async (...fail: string[]) =>
      (await runCli(['explore', at('short.json'), '--outcomes', '--samples', '50', ...fail])).out
    expect(await explore()).not.toContain('OOM')
    const failed = await explore('--fail', 'page@parent', '--fail', 'slab:9')
    expect(failed).toContain('OOM')
    const [, token] = /pagebox replay (\S+)/.exec(failed) ?? []
    const repeated = await runCli(['replay', token as string])
    expect(repeated).toMatchObject({ code: 0 })
    expect(repeated.out).toContain('fail_nth')
    expect(await explore('--fail', 'page:2@parent')).not.toContain('OOM')
  })

  test.each([
    [['explore', file, '--fail', 'disk'], /failures\[0\]\.site.*page, table, slab, copy, swap_slot, device_page/],
    [['explore', file, '--fail', 'page@nobody'], /failures\[0\]\.thread/],
    [['explore', file, '--fail', 'page:0'], /nth must be .* from 1/],
    [['explore', file, '--fail', 'page:x'], /SITE:NTH/],
    [['explore', file, '--fail', 'page:1:2:3'], /SITE:NTH/],
    [['explore', file, '--fail', '@one'], /SITE:NTH/],
    [['explore', 'mm', '--fail', 'page'], /gives fail_nth a weight/],
    [['explore'], /missing required argument 'scenario'/],
    [['explore', 'no-such'], /there is no scenario "no-such"/],
    [['explore', at('nowhere.json')], /there is no such file/],
    [['explore', at('bad.json')], /it is no JSON/],
    [['explore', at('bad.ts')], /it throws Error: no/],
    [['explore', at('none.json')], /scenario\.threads: .*1 to \d+ threads/],
    [['explore', at('unknown.json')], /ops\[0\]\.op: 'fly'/],
    [['explore', folder], /its name says no format/],
    [['explore', file, '--strategy', 'luck'], /there is no strategy "luck".*random/],
    [['explore', file, '--bound', '-1'], /whole number from 0/],
    [['explore', file, '--bound', '65'], /bound must be an integer from 0 to 64; got 65/],
    [['explore', 'mm', '--threads', '9'], /threads must be an integer from 1 to 8; got 9/],
    [['explore', file, '--options', 'luck'], /'luck'/],
    [['explore', file, '--samples', '0'], /whole number from 1/],
    [['explore', file, '--max-steps', '0'], /whole number from 1/],
    [['explore', file, '--memory', 'weak'], /Allowed choices are sc/],
    [['explore', file, '--quirks', 'luck'], /there is no quirk "luck"/],
    [['explore', file, '--quirks', 'double-last-unpin'], /cannot show 'double-last-unpin'/],
    [['explore', file, '--threads', '2'], /options\.threads/],
    [['explore', file, '--scheme', 'luck'], /there is no scheme "luck"/],
    [['replay'], /missing required argument 'token'/],
    [['replay', 'luck'], /ERR_PAGEBOX_REPLAY_TOKEN/],
    [['replay', ''], /the token is empty/],
    [['replay', 'AAAA', 'no-such'], /there is no scenario "no-such"/],
  ])('%j is wrong use', async (args, expected) => {
    const { code, out, err } = await runCli(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(expected)
    expect(err).not.toMatch(/\n {4}at /)
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: what was found until then is printed', async (reason, expected) => {
    const abort = new AbortController()
    const { code, out } = await runCli(['explore', file, '--samples', '1000000000', '--no-shrink', ...flags], {
      interactive: true,
      signal: abort.signal,
      // As the process does it, when something has been found.
      err: (text) => {
        if (/^\r\S*[1-9]\d* of 1000000000 schedules/.test(text)) abort.abort(reason)
      },
    })
    expect(code).toBe(expected)
    expect(out).toContain('stopped before all of them were run')
    expect(out).toMatch(/pagebox replay [\w-]+/)
  })

  test('--outcomes: each distinct result, how often, and what repeats it', async () => {
    const { code, out } = await runCli(['explore', at('meeting.json'), '--outcomes'])
    expect(code).toBe(0)
    for (const words of ['20,21', '20,8', '7,21', '7,8'])
      expect(out).toMatch(new RegExp(`^ *\\d +1: .*\\| 2: ret ok v ${words} +\\d+$`, 'm'))
    const [, number, token] = /^ {2}(\d) {2}pagebox replay ([\w-]+)$/m.exec(out) ?? []
    expect(number).toBe('1')
    const again = await runCli(['replay', token as string])
    expect(again.code).toBe(0)
    const random = await runCli(['explore', 'devices', '--samples', '20', '--outcomes'])
    expect(random.code).toBe(0)
    expect(random.out).toMatch(/clean +20/)
  })

  test('--outcomes --json, and stopped in the middle: what was found until then is in the document', async () => {
    const whole = JSON.parse((await runCli(['explore', at('meeting.json'), '--outcomes', '--json'])).out)
    expect(whole).toMatchObject({ complete: true, seenFull: false, outcomes: [{ result: 'clean' }] })
    expect(
      whole.seen.map((each: { result: { threads: { v?: string[] }[][] } }) => each.result.threads[1]?.[0]?.v),
    ).toHaveLength(4)
    for (const each of whole.seen)
      expect(each).toMatchObject({ result: { threads: expect.any(Array), after: [] }, count: expect.any(Number) })
    const abort = new AbortController()
    const args = [
      'explore',
      at('meeting.json'),
      '--outcomes',
      '--json',
      '--strategy',
      'random',
      '--samples',
      '1000000000',
    ]
    const { code, out } = await runCli(args, {
      interactive: true,
      signal: abort.signal,
      err: (text) => {
        if (/^\r\S*[1-9]\d* of 1000000000 schedules/.test(text)) abort.abort('SIGINT')
      },
    })
    expect(code).toBe(130)
    const document = JSON.parse(out)
    expect(document.stoppedBy).toBe('abort')
    expect(document.seen.length).toBeGreaterThan(1)
    expect(document.seen.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(document.schedules)
  })

  test('files that were not to be written yet are not there', () => {
    expect(existsSync(at('no'))).toBe(false)
  })
})
