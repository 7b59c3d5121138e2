import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shardSchemas } from '../../lib/shards/schemas.ts'
import { runCli } from '../cli/testIo.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-shards-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string): string => join(folder, name)
const explore = ['explore', 'devices', '--samples', '60', '--seed', '4']
/** Without what no two runs have alike. */
const lasting = (text: string): string =>
  text.replaceAll(/"seconds":[0-9.e-]+/g, '').replaceAll(/[\d.]+ s, [\d,]+\/s/g, '')

test.each(Object.entries(shardSchemas()))('schemas/%s.schema.json is what the reader says', (name, schema) => {
  expect(JSON.parse(readFileSync(`schemas/${name}.schema.json`, 'utf8'))).toEqual(JSON.parse(JSON.stringify(schema)))
})

describe('pagebox merge', () => {
  beforeAll(async () => {
    for (const i of [1, 2, 3]) {
      const { code, out, err } = await runCli([...explore, '--shard', `${i}/3`, '--json'])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      writeFileSync(file(`${i}.json`), out)
    }
  })
  const parts = () => [2, 3, 1].map((i) => file(`${i}.json`))

  test('prints what one machine prints', async () => {
    const whole = await runCli([...explore, '--json'])
    const merged = await runCli(['merge', ...parts(), '--json'])
    expect(merged.code).toBe(0)
    expect(lasting(merged.out)).toBe(lasting(whole.out))
    expect(lasting((await runCli(['merge', ...parts()])).out)).toBe(lasting((await runCli(explore)).out))
  })

  test('ends with 1 where there is a finding, and writes its page', async () => {
    const bad = ['explore', 'pins-against-migration', '--samples', '20', '--quirks', 'put-for-unpin', '--shard']
    for (const i of [1, 2]) {
      const { code, out } = await runCli([...bad, `${i}/2`, '--json'])
      expect(code).toBe(1)
      writeFileSync(file(`bad-${i}.json`), out)
    }
    const files = [file('bad-1.json'), file('bad-2.json')]
    const merged = await runCli(['merge', ...files, '--html', file('found.html')])
    expect(merged.code).toBe(1)
    expect(merged.out).toContain('pagebox replay')
    expect(readFileSync(file('found.html'), 'utf8')).toContain('</html>')
    const { findings } = JSON.parse((await runCli(['merge', ...files, '--json'])).out) as {
      findings: { outcome: string; invariant: string; token: string }[]
    }
    expect(new Set(findings.map(({ outcome, invariant }) => `${outcome} ${invariant}`)).size).toBe(findings.length)
    const { code } = await runCli(['replay', findings[0]?.token as string])
    expect(code).toBe(1)
  })

  test('says what is missing, twice or of something else', async () => {
    const [two, three, one] = parts() as [string, string, string]
    const says = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await runCli(['merge', ...args])
      expect({ code, out }).toEqual({ code: 2, out: '' })
      return err
    }
    expect(await says(one, three)).toContain('of 3 shards one is missing: 2')
    expect(await says(one, two, two, three)).toContain(`shard 2/3 is there twice: ${two} and ${two}`)
    writeFileSync(file('other.json'), (await runCli([...explore.slice(0, -1), '5', '--shard', '2/3', '--json'])).out)
    expect(await says(one, file('other.json'), three)).toMatch(/1\.json is of seed .* 4|seed/)
    expect(await says(file('none.json'))).toContain('no such file')
    expect(await says(folder)).toContain('it is no regular file')
    writeFileSync(file('cut.json'), readFileSync(one, 'utf8').slice(0, 500))
    expect(await says(file('cut.json'))).toContain('cut.json: ')
    writeFileSync(file('proto.json'), '{"__proto__":{"kind":"pagebox-shard"},"constructor":{"prototype":{"a":1}}}')
    expect(await says(file('proto.json'))).toContain('proto.json: kind')
    writeFileSync(file('deep.json'), `${'['.repeat(200_000)}${']'.repeat(200_000)}`)
    expect(await says(file('deep.json'))).toContain('deep.json: ')
    writeFileSync(file('large.json'), '{')
    truncateSync(file('large.json'), 2 ** 31)
    expect(await says(file('large.json'))).toContain('it has 2147483648 bytes; at most 134217728 are read')
    const partial = await runCli(['merge', one, three, '--partial'])
    expect(partial.code).toBe(0)
    expect(partial.out).toContain('2 of 3 parts')
  })
})

test.each(['3/2', '0/1', '1/0', 'a/b', '1', '1/10000000', '', '1/2/3'])('--shard %o is wrong use', async (shard) => {
  for (const command of [['explore', 'devices'], ['stress'], ['zoo'], ['conform', 'none.jsonl'], ['compare']]) {
    const { code, out, err } = await runCli([...command, '--shard', shard])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('Give I/N, with N from 1 to 1000000 and I from 1 to N')
  }
})

test('what is of the whole goes with no part', async () => {
  for (const args of [
    ['explore', 'devices', '--html', 'a.html'],
    ['stress', '--until-fail'],
    ['zoo', '--save', 'a.json'],
    ['conform', 'a.jsonl', '--results', 'b'],
    ['compare', '--csv', 'a.csv'],
  ]) {
    const { code, err } = await runCli([...args, '--shard', '1/2'])
    expect(code).toBe(2)
    expect(err).toContain('is of the whole')
  }
})
