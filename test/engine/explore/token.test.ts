import { createHash } from 'node:crypto'
import { explore, layouts, PageboxError, replay, type ReplayOptions, type Scenario, schemes } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { opScenarios } from '../../../lib/engine/scenario/builtin.ts'
import { readToken, writeToken } from '../../../lib/engine/explore/token.ts'
import { forgetLayout } from '../../../lib/page/layouts.ts'
import { forgetScheme } from '../../../lib/pins/schemes.ts'
import { ownLayout } from '../../api/ownLayout.ts'
import { broken, long, pin, pinning, setup, unpin } from './scenarios.ts'

const first = async (scenario: Scenario, options: object): Promise<string> => {
  const { first: found } = await explore(scenario, { samples: 500, ...options })
  const [finding] = found
  if (finding === undefined) throw new Error('nothing was found')
  return finding.token
}
const codeOf = async (token: unknown, options: ReplayOptions = {}): Promise<string> =>
  replay(token as string, options).then(
    () => 'replayed',
    (error: unknown) => (error instanceof PageboxError ? `${error.code} ${error.message}` : `untyped ${String(error)}`),
  )

const token = await first(pinning, broken)

describe('a token', () => {
  test('says the same when it is written again', () => {
    const parts = readToken(token, 'token')
    expect(writeToken(parts)).toBe(token)
    expect(parts.scenario).toMatchObject({ name: pinning.name, from: 'given', carried: pinning })
    expect(parts.quirks).toEqual(broken.quirks)
    expect(token).toMatch(/^[\w-]+$/)
    expect(token.length).toBeLessThan(400)
  })

  test('is of the choices alone: the same schedule is the same text', async () => {
    expect(await first(pinning, broken)).toBe(token)
  })

  test('cut short anywhere is a typed error', async () => {
    for (let length = 0; length < token.length; length++)
      expect(await codeOf(token.slice(0, length)), `${length}`).toMatch(
        /^ERR_PAGEBOX_REPLAY_TOKEN .*(cut short|empty|altered)/,
      )
  })

  test('altered anywhere is a typed error, and never another schedule', async () => {
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A'
      const altered = token.slice(0, at) + other + token.slice(at + 1)
      expect(await codeOf(altered), altered).toMatch(/^ERR_PAGEBOX_REPLAY_(TOKEN|VERSION) /)
    }
    for (const more of [`${token}A`, `${token}AAAA`, `${token}=`, token.slice(1), `é${token}`])
      expect(await codeOf(more), more).toMatch(/^ERR_PAGEBOX_REPLAY_TOKEN /)
  })

  test('may have space around it, as a paste has', async () => {
    expect(await codeOf(` ${token}\n`)).toBe('replayed')
  })

  test.each([undefined, null, 3, {}, [], '', 'pagebox', 'é', '\0', '=', `${'A'.repeat(100_000)}`])(
    'none: %o',
    async (value) => {
      expect(await codeOf(value)).toMatch(/^ERR_PAGEBOX_(ARG_TYPE|REPLAY_TOKEN|REPLAY_VERSION) /)
    },
  )

  test('of another version is refused with both versions', async () => {
    const bytes = Buffer.from(token, 'base64url')
    const at = bytes.indexOf('0.1.0')
    expect(at).toBeGreaterThan(0)
    bytes.write('0.0.9', at)
    const body = bytes.subarray(0, -4)
    const other = Buffer.concat([body, createHash('sha256').update(body).digest().subarray(0, 4)])
    expect(await codeOf(other.toString('base64url'))).toMatch(
      /^ERR_PAGEBOX_REPLAY_VERSION .*pagebox 0\.0\.9, this is 0\.1\.0/,
    )
    // Whatever format it will have, or had, too.
    const format = bytes[0] ?? 0
    for (const each of [format + 1, format - 1]) {
      bytes[0] = each
      expect(await codeOf(bytes.toString('base64url'))).toMatch(/^ERR_PAGEBOX_REPLAY_VERSION /)
    }
  })
})

describe('what differs is named', () => {
  const otherThreads = { ...pinning, threads: [pinning.threads[1], pinning.threads[0], pinning.threads[2]] } as Scenario
  test.each([
    ['scenario', { scenario: otherThreads }, /scenario: 'two pin, one unpins' in the token/],
    ['scenario', { scenario: { name: 'mix', mixes: [{ mm: 1 }] } }, /'mix' does something else/],
    ['scheme', { scheme: 'refcount-bias' }, /scheme: 'flag-and-word' in the token, 'refcount-bias' given/],
    ['layout', { layout: 'linux-4.20' }, /layout: 'linux-6.12' in the token, 'linux-4.20' given/],
    ['rules', { rules: 'v4.20' }, /rules: the layout's in the token, v4.20 given/],
    ['quirks', { quirks: [] }, /quirks: flag-without-count in the token, none given/],
    ['options', { writebackAsksPins: true }, /options: none in the token, writebackAsksPins given/],
  ])('%s', async (_name, options, expected) => {
    const said = await codeOf(token, options as ReplayOptions)
    expect(said).toMatch(/^ERR_PAGEBOX_REPLAY_DIFFERS /)
    expect(said).toMatch(expected)
  })

  test('all of it at once', async () => {
    const said = await codeOf(token, { scenario: otherThreads, layout: 'linux-4.20' })
    expect(said).toMatch(/layout: .*scenario: |scenario: .*layout: /)
  })

  test('nothing does where the same is given; names of threads say nothing', async () => {
    const named = { ...pinning, name: 'x', threads: pinning.threads.map(({ ops }, i) => ({ name: `t${i}`, ops })) }
    expect(await codeOf(token, { scenario: named, layout: 'linux-6.12', ...broken })).toBe('replayed')
  })

  test('a scheme that is defined otherwise, or not at all', async () => {
    const definition = { name: 'token-own', protocol: 'add', place: 'refcount', refsPerPin: 1024 } as const
    const own = schemes.define(definition)
    const scenario = { name: 'leaks', setup, threads: [{ name: 'one', ops: [pin(1), unpin(1)] }] }
    const found = await first(scenario, { scheme: own, quirks: ['put-for-unpin'] })
    expect(await codeOf(found)).toBe('replayed')
    // A short definition is in the token, and is gone again afterwards.
    forgetScheme(own.name)
    expect(await codeOf(found)).toBe('replayed')
    expect(schemes.has(own.name)).toBe(false)
    schemes.define({ ...definition, refsPerPin: 2 })
    expect(await codeOf(found)).toMatch(/DIFFERS .*scheme: 'token-own' is defined otherwise here/)
    forgetScheme(own.name)
    const parts = readToken(found, 'token')
    const { definition: _, ...alone } = parts.scheme
    expect(await codeOf(writeToken({ ...parts, scheme: alone }))).toMatch(
      /DIFFERS .*scheme: there is no 'token-own' here/,
    )
  })

  test('a layout that is not there', async () => {
    const layout = ownLayout('token-layout')
    const found = await first(pinning, { ...broken, layout })
    expect(await codeOf(found)).toBe('replayed')
    forgetLayout(layout.name)
    // Its words are those of a built-in one, whose name is another.
    expect(await codeOf(found)).toBe('replayed')
    const parts = readToken(found, 'token')
    const other = writeToken({ ...parts, layout: { name: layout.name, hash: '00000000' } })
    expect(await codeOf(other)).toMatch(/DIFFERS .*layout: there is no 'token-layout' here/)
    const changed = writeToken({ ...parts, layout: { name: 'linux-6.12', hash: '00000000' } })
    expect(await codeOf(changed)).toMatch(/DIFFERS .*layout: 'linux-6.12' has other words here/)
    expect(layouts.has(layout.name)).toBe(false)
  })
})

describe('a token is short', () => {
  test('of a scenario that pagebox has: its name', async () => {
    const scenario = opScenarios.find(({ name }) => name === 'pins-against-migration') as Scenario
    const found = await first(scenario, { quirks: ['put-for-unpin'], ops: 8 })
    const { scenario: of, random } = readToken(found, 'token')
    expect(of).toMatchObject({ name: scenario.name, from: 'named' })
    expect(random).toEqual({ threads: 2, ops: 8 })
    expect(await codeOf(found)).toBe('replayed')
    expect(await codeOf(found, { scenario })).toBe('replayed')
  })

  test('of a long one: its hash, and then the scenario is asked for', async () => {
    const found = await first(long, { quirks: ['put-for-unpin'], samples: 5 })
    expect(readToken(found, 'token').scenario.carried).toBeUndefined()
    expect(await codeOf(found)).toMatch(/^ERR_PAGEBOX_REPLAY_DIFFERS options\.scenario .*'long'/)
    expect(await codeOf(found, { scenario: long })).toBe('replayed')
  })
})
