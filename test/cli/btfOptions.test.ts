import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeLog, importBtf } from 'pagebox'
import { afterAll, describe, expect, test } from 'vitest'
import { layoutArguments } from '../../lib/cli/importedLayout.ts'
import { kernel } from '../btf/kernel.ts'
import { realKernel, realKernels } from '../btf/shared.ts'
import { runCli } from './testIo.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-btf-options-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, '6.12.1-mine.btf')
writeFileSync(file, kernel().toBuffer())

// PG_uptodate, PG_lru, PG_swapbacked; zone and node stand where this kernel has them.
const words = '17ffffc0020028 ffffea0004001008 ffff888012345608 ffff8880123456a9 7f12 0 100000000 0'.split(' ')

describe('decode --btf', () => {
  test('knows the widths of zone and node of words alone', async () => {
    const decoded = async (args: string[]) => {
      const { code, out } = await runCli(['decode', ...args, '--json', ...words])
      const { layout, zone } = JSON.parse(out)
      return { code, layout, zone }
    }
    const { highFields } = await importBtf(file)
    const place = highFields.find(({ name }) => name === 'zone')
    if (place === undefined) throw new Error('the kernel has zones')
    const zone = Number((BigInt(`0x${words[0]}`) >> BigInt(place.shift)) & ((1n << BigInt(place.bits)) - 1n))
    expect(await decoded([])).toEqual({ code: 0, layout: 'linux-6.12', zone: null })
    expect(await decoded(['--btf', file])).toEqual({ code: 0, layout: 'linux-6.12.1-mine', zone })
  })

  test('leaves what is of another kernel to the eras', async () => {
    const log = `page:ffffea0000001000 count:1 mapcount:1 mapping:ffff8880123456a9 index:0x7f12
flags: 0x17ffffc0080034(uptodate|lru|active|swapbacked)
raw: 0017ffffc0080034 ffffea0004001008 ffff888012345608 ffff8880123456a9
raw: 0000000000007f12 0000000000000000 0000000100000000 0000000000000000
`
    const path = join(folder, 'old.log')
    writeFileSync(path, log)
    const { out } = await runCli(['decode', '--btf', file, '--file', path, '--json'])
    expect(JSON.parse(out).dumps[0].layout).toBe('linux-4.20')
  })

  test('in the API takes what importBtf resolves to', async () => {
    const { dumps } = decodeLog(
      `flags: 0x17ffffc0020028(uptodate|lru|swapbacked)\nraw: ${words.slice(0, 4).join(' ')}\nraw: 0000000000007f12 ${'0'.repeat(16)} 0000000100000000 ${'0'.repeat(16)}\n`.replace(
        'raw: 17ff',
        'raw: 0017ff',
      ),
      { layout: await importBtf(file) },
    )
    expect(dumps[0]).toMatchObject({ layout: 'linux-6.12.1-mine', type: 'anon' })
  })

  test.each(realKernels)('takes %s, even where no box can be made of it', async (name) => {
    const { code, err } = await runCli(['decode', '--btf', realKernel(name), ...words])
    expect({ code, err }).toEqual({ code: 0, err: '' })
  })
})

test('compare --btf: one more layout, on which costs are measured', { timeout: 120_000 }, async () => {
  const args = ['compare', '--quick', '--schemes', 'refcount-bias', '--layouts', 'linux-6.12', '--btf', file, '--json']
  const { code, out } = await runCli(args)
  expect(code).toBe(0)
  const document = JSON.parse(out)
  const [first, own] = document.layouts.map(({ name }: { name: string }) => name)
  expect(first).toBe('linux-6.12')
  expect(own).toMatch(/^linux-6\.12\.1-mine/)
  expect(document.settings.costLayout).toBe(own)
})

describe('stress --btf', () => {
  test('races on that kernel', { timeout: 60_000 }, async () => {
    const { code, out, err } = await runCli(['stress', '--btf', file, '--seconds', '0.2', '--threads', '2', '--json'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out).settings.box.layout).toMatch(/^linux-6\.12\.1-mine/)
  })

  test('is repeated by the file, not by a name that the next process does not know', () => {
    expect(layoutArguments({ layout: 'x', btf: '/a b/v.btf', kconfig: 'c' })).toBe(`--btf '/a b/v.btf' --kconfig c`)
    expect(layoutArguments({ layout: 'linux-6.12' })).toBe('--layout linux-6.12')
    expect(layoutArguments({ layout: 'x', btf: "it's" })).toBe(`--btf 'it'\\''s'`)
  })
})

/* Machines have words of 8 bytes; whatever else a kernel lacks for a command is named. */
describe.each(realKernels)('%s', (name) => {
  const narrow = /i386|armhf/.test(name)
  const on = ['--btf', realKernel(name)]
  test('pages of it race', { timeout: 60_000 }, async () => {
    const { code, out } = await runCli(['stress', ...on, '--seconds', '0.1', '--threads', '2'])
    expect({ code, clean: out.includes('audit clean') }, out).toEqual({ code: 0, clean: true })
  })

  test.each([
    ['stress', 'mm', '--seconds', '0.1', '--threads', '2'],
    ['stress', 'devices', '--seconds', '0.1', '--threads', '2'],
    ['explore', 'pins-against-migration', '--samples', '20'],
  ])('%s %s runs, or says what it lacks', { timeout: 60_000 }, async (...args) => {
    const { code, err } = await runCli([...args, ...on])
    expect(code, err).toBe(narrow ? 2 : 0)
    if (narrow) expect(err).toContain('address spaces need descriptors of 8-byte words')
  })
})

test.each([
  [['decode', '--btf', file, '--layout', 'linux-6.12', ...words], '--layout and --btf exclude each other'],
  [['stress', '--btf', file, '--layout', 'linux-6.12'], '--layout and --btf exclude each other'],
  [['decode', '--kconfig', file, ...words], '--kconfig belongs to --btf'],
  [['compare', '--kconfig', file], '--kconfig belongs to --btf'],
  [['stress', '--kconfig', file], '--kconfig belongs to --btf'],
  [['compare', '--btf', '/nonexistent'], 'ENOENT'],
  [['stress', '--btf', folder], 'no regular file'],
])('%j is wrong use', async (args, said) => {
  const { code, out, err } = await runCli(args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(said)
})
