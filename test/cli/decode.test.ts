import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Ran, runCli } from './testIo.ts'

const logOf = (name: string): string => readFileSync(new URL(`../dump/logs/${name}.txt`, import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'pagebox-decode-'))
afterAll(() => rmSync(folder, { recursive: true }))

const decode = (args: string[], input = ''): Promise<Ran> => runCli(['decode', ...args], { input, columns: 80 })

describe('pagebox decode of a log', () => {
  test('on standard input, as JSON', async () => {
    const { code, out } = await decode(['--json'], logOf('11'))
    expect(code).toBe(0)
    const { dumps } = JSON.parse(out)
    expect(dumps).toHaveLength(1)
    expect(dumps[0]).toMatchObject({
      layout: 'linux-6.18',
      confidence: 'high',
      type: 'hugetlb',
      flags: ['uptodate', 'owner_2', 'head'],
      refcount: 2,
      mapcount: 0,
      zone: 3,
      node: 1,
      lastCpupid: 131071,
      order: 18,
      pins: { pins: 0, exact: true },
      pfn: '0xc080000',
      warnings: [],
    })
    expect(dumps[0].words[0]).toBe('0x17ffff0000000848')
    expect(dumps[0].mapping.address).toBe('0xff1100082366c6e8')
  })

  test('named where words stand is told where a log goes', async () => {
    const { code, err } = await decode(['console.log'])
    expect(code).toBe(2)
    expect(err).toContain('"console.log" is no hexadecimal word; a log is read by --file')
  })

  test('from a file', async () => {
    const path = join(folder, 'dmesg.txt')
    writeFileSync(path, `${logOf('10')}\nother lines\n${logOf('19')}`)
    const { out } = await decode(['--file', path, '--json'])
    expect(JSON.parse(out).dumps.map(({ type }: { type: string }) => type)).toEqual(['anon', 'file'])
  })

  test("the help's own example works on what dmesg prints", async () => {
    const grep = logOf('10')
      .split('\n')
      .filter((line) => line.includes('raw:'))
      .join('\n')
    const { code, out } = await decode(['-'], grep)
    expect(code).toBe(0)
    expect(out).toContain('anon  refcount:1 mapcount:0 order:0 zone:? node:?')
  })

  test.each(['01', '03', '05', '06', '07', '08', '10', '11', '13', '14', '15', '17', '19', '21', '23', '24', '25'])(
    'log %s fits a terminal of 80 columns and says why',
    async (name) => {
      const { code, out } = await decode([], logOf(name))
      expect(code).toBe(0)
      expect(out).toContain('why:')
      for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    },
  )

  test('a log without a dump is wrong use, and says how long it was', async () => {
    const { code, err } = await decode([], 'nothing\nof\nthis kind\n')
    expect(code).toBe(2)
    expect(err).toContain('no dump of a descriptor in standard input (3 lines)')
    expect((await decode(['--file', join(folder, 'missing.txt')])).code).toBe(2)
    expect((await decode(['--file', 'x', '0'])).err).toContain('exclude each other')
  })

  test('escapes of a log do not reach the terminal', async () => {
    const { out } = await decode([], `${logOf('10')}\n`.replace('VM_WARN', '\u001b[31m\u001b]0;x\u0007VM_WARN'))
    expect(out).not.toContain('\u001b')
    expect(out).toContain('VM_WARN_ON_ONCE_FOLIO')
  })
})

describe('pagebox decode of words', () => {
  const line = '017ff00000020018 0 0 ffff8881353896c9 0 0 1ffffffff 0'

  test('one document that is itself the dump, and holds it in a list as that of a log', async () => {
    const page = JSON.parse((await decode(['--json', ...line.split(' ')])).out)
    expect(page).toMatchObject({ type: 'anon', zone: null, node: null, refcount: 1 })
    expect(page.dumps).toHaveLength(1)
    expect(page.dumps[0].type).toBe('anon')
  })

  test('a layout makes zone and node known; an era has none', async () => {
    expect((await decode(['--layout', 'linux-6.12', ...line.split(' ')])).out).toContain('zone:2 node:0')
    expect((await decode(['--layout', 'linux-5.10', ...line.split(' ')])).out).toContain('zone:? node:?')
    expect((await decode(['--layout', 'linux-5.1', ...line.split(' ')])).err).toContain('Did you mean linux-5.10?')
  })

  test('words of 8 digits are those of a 32-bit kernel', async () => {
    const narrow = '00000000 118022c0 118022c0 00000000 00000000 00000000 ffffffff 00000000'.split(' ')
    expect(JSON.parse((await decode(['--json', ...narrow])).out).wordBytes).toBe(4)
    const { code, err } = await decode(['--layout', 'linux-6.12', ...narrow])
    expect([code, err]).toEqual([2, expect.stringContaining('32-bit')])
  })

  test('lines that were pasted as arguments', async () => {
    const { out } = await decode(['raw:', ...line.split(' ')])
    expect(out).toContain('anon  refcount:1')
  })

  test('the scheme of the caller counts its own pins', async () => {
    const words = ['17ffe0000000028', 'dead000000000100', 'dead000000000122', '0', '0', '0', 'fffffffeffffffff', '0']
    expect((await decode(['--scheme', 'refcount-bias', ...words])).out).toMatch(/pins: +unknown: _refcount is -2/)
    expect((await decode(['--scheme', 'side-table', ...words])).out).toMatch(/pins: +unknown: side-table keeps none/)
  })
})
