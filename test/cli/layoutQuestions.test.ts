import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { kernel } from '../btf/kernel.ts'
import { realKernel, realKernels } from '../btf/shared.ts'
import { runCli } from './testIo.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-layout-'))
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, bytes: Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}
const little = write('6.12.1-mine.btf', kernel().toBuffer())
const big = write('6.12.1-big.btf', kernel({ order: 'big' }).toBuffer())

describe('pagebox layout --free-bits', () => {
  test('names what is free on all, word by word', async () => {
    const { code, out } = await runCli('layout linux-6.12 --free-bits 12 --type anon,file --orders 0,9'.split(' '))
    expect(code).toBe(0)
    expect(out).toContain('12 bits side by side: yes')
    expect(out).toMatch(/^page +0 +0 +24-35 +12 +✓ enough$/m)
  })

  test('without them names the nearest, and who holds them on which pages', async () => {
    const { out } = await runCli('layout linux-4.20 --free-bits 32 --type anon,fsdax'.split(' '))
    expect(out).toContain('32 bits: no; 15 bits are')
    expect(out).toMatch(/^page +5 +40 +0-31 +32 +32 +private on anon$/m)
    expect(out).toMatch(/^page +3 +24 +0-31 +32 +32 +mapping$/m)
  })

  test('asks any kernel, whatever its byte order', async () => {
    const json = async (file: string) => {
      const { out } = await runCli(['layout', '--btf', file, '--free-bits', '8', '--type', 'anon,slab', '--json'])
      const { enough, free } = JSON.parse(out)
      return { enough, free }
    }
    expect(await json(big)).toEqual(await json(little))
    expect((await json(little)).enough).toBe('one piece')
  })

  test.each(realKernels)('answers for %s within 80 columns', async (name) => {
    const { code, out } = await runCli(['layout', '--btf', realKernel(name), '--free-bits', '20'], { columns: 80 })
    expect(code).toBe(0)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })
})

describe('pagebox layout --diff', () => {
  test.each([
    ['two names', ['--diff', 'linux-4.20', 'linux-6.12']],
    ['the layout and a name', ['linux-4.20', '--diff', 'linux-6.12']],
  ])('takes %s', async (_, args) => {
    const { code, out } = await runCli(['layout', ...args, '--type', 'slab'])
    expect(code).toBe(0)
    expect(out.split('\n')[0]).toBe('linux-4.20 → linux-6.12')
    expect(out).toMatch(/^~ +slab_cache +byte 24, 8 bytes +byte 8, 8 bytes$/m)
    expect(out).toMatch(/^\+ +obj_exts +- +byte 56, 8 bytes$/m)
    expect(out).toContain('+ only in linux-6.12   - only in linux-4.20   ~ moved, or of another width')
  })

  test.each([
    ['--btf and a name', ['--btf', little, '--diff', 'linux-6.12'], 'linux-6.12.1-mine → linux-6.12'],
    ['a name and a file', ['--diff', 'linux-6.12', little], 'linux-6.12 → linux-6.12.1-mine'],
    ['two files', ['--diff', little, big], 'linux-6.12.1-mine → linux-6.12.1-big'],
  ])('takes %s', async (_, args, first) => {
    const { code, out, err } = await runCli(['layout', ...args])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n')[0]).toBe(first)
  })

  test('of one and the same is none', async () => {
    expect((await runCli(['layout', '--diff', little, little])).out).toContain('no difference')
  })
})

test.each([
  [['--diff', 'linux-6.12'], 'compares two layouts, and 1'],
  [['--diff', 'linux-6.12', 'linux-4.20', 'linux-6.12-32'], 'and 3 were given'],
  [['--diff', 'linux-6.12', 'linux-6.13'], 'Did you mean linux-6.12?'],
  [['--diff', 'linux-6.12', '/nonexistent'], 'ENOENT'],
  [['--diff', 'linux-6.12', 'linux-4.20', '--type', 'annon'], 'Did you mean anon?'],
  [['--diff', 'linux-6.12', 'linux-4.20', '--scheme', 'lru-overlay'], '--scheme does not go with --diff'],
  [['--diff', 'linux-6.12', 'linux-4.20', '--free-bits', '3'], '--free-bits does not go with --diff'],
  [['linux-6.12', '--free-bits', '0'], 'from 1 to 512'],
  [['linux-6.12', '--free-bits', '4', '--orders', '12'], 'from 0 to 10'],
  [['linux-6.12', '--free-bits', '4', '--type', 'page-table', '--orders', '3'], 'no page-table pages of order 3'],
  [['linux-6.12', '--free-bits', '4', '--btf', little], 'not both'],
  [['linux-6.12', '--orders', '0'], '--orders belongs to --free-bits'],
  [['--free-bits', '3', '--kconfig', little], '--kconfig belongs to --btf'],
])('%j is wrong use', async (args, said) => {
  const { code, out, err } = await runCli(['layout', ...args])
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(said)
})

test('a drawing explains its marks, and shows which flag bits are free', async () => {
  const { out } = await runCli('layout linux-4.20 --scheme lru-overlay --type anon,slab'.split(' '))
  expect(out).toContain('41-54 last_cpupid, 26-40 free\n')
  for (const mark of ['(free): no field', '✓ by right: lru-overlay', '✗ collides: lru-overlay'])
    expect(out).toContain(`\n${mark}`)
  expect((await runCli(['layout', 'linux-6.12', '--type', 'anon'])).out).not.toMatch(/^\(free\)|^✓|^✗/m)
})
