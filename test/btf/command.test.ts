import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { runCli } from '../cli/testIo.ts'
import { kernel } from './kernel.ts'
import { realKernel, realKernels } from './shared.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-btf-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, bytes: Buffer | string): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}
const little = write('6.12.1-mine.btf', kernel({ slabBit: 'odd_one' }).toBuffer())

/** Rows of a page type's table: byte, size and field. */
const rowsOf = (out: string, type: string): string[] =>
  (out.split(/\n\n/).find((part) => part.split('\n')[0]?.split(', ').includes(type)) ?? '')
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .trim()
        .split(/\s{2,}/)
        .slice(0, 3)
        .join(' '),
    )

describe('pagebox layout --btf', () => {
  test('draws a kernel word by word, with its doubts', async () => {
    const { code, out, err } = await runCli(['layout', '--btf', little])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n')[0]).toBe('linux-6.12.1-mine  struct page of v6.12 or later, before v6.14')
    expect(rowsOf(out, 'free')).toEqual([
      '0 8 flags',
      '8 8 buddy_list.next',
      '16 8 buddy_list.prev',
      '24 16 (free)',
      '40 8 buddy_order',
      '48 4 page_type',
      '52 4 _refcount',
      '56 8 (free)',
    ])
    expect(rowsOf(out, 'slab')).toContain('44 4 odd_one')
    expect(out).toContain('What the file does not say')
    expect(out).toMatch(/assumed +slab\.odd_one \(byte 44\) is unknown to pagebox/)
    expect(out).toMatch(/assumed +device-private-anon, device-private-file, device-coherent taken for present/)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  test('of a big-endian kernel shows the bytes of its memory', async () => {
    const { out } = await runCli(['layout', '--btf', write('big.btf', kernel({ order: 'big' }).toBuffer())])
    expect(rowsOf(out, 'tail').slice(0, 3)).toEqual(['0 7 _flags_1', '7 1 _folio_order', '8 8 compound_head'])
    expect(rowsOf(out, 'anon')).toContain('48 4 _mapcount')
  })

  test('one page type, and a configuration', async () => {
    const kconfig = write('other', '# Linux/x86 6.12.9 Kernel Configuration\nCONFIG_64BIT=y\nCONFIG_FS_DAX=y\n')
    const { out } = await runCli(['layout', '--btf', little, '--kconfig', kconfig, '--type', 'fsdax'])
    expect(out).toContain('struct page of v6.12\n')
    expect(out).toMatch(/told +no devdax in this kernel/)
    expect(out).not.toContain('buddy_list')
  })

  test('as one JSON document', async () => {
    const { out } = await runCli(['layout', '--btf', little, '--json'])
    const { layout, kernel: found, declaration } = JSON.parse(out)
    expect(layout).toMatchObject({ name: 'linux-6.12.1-mine', strideBytes: 64, freeFlagBits: 64 - 20 - 3 })
    expect(found.unknown).toEqual([{ member: 'slab.odd_one', byte: 44, bits: 1, types: ['slab'], over: [] }])
    expect(found.doubts.length).toBeGreaterThan(0)
    expect(declaration.definition.refcountOffsetBytes).toBe(52)
  })

  test('with a scheme shows what it claims of that kernel', async () => {
    const { code, out } = await runCli(['layout', '--btf', little, '--scheme', 'lru-overlay', '--type', 'fsdax'])
    expect(code).toBe(0)
    expect(out).toMatch(/pgmap +✗ collides/)
    // The same again: the name is taken now.
    expect((await runCli(['layout', '--btf', little, '--scheme', 'lru-overlay', '--type', 'anon'])).code).toBe(0)
  })

  test('a struct of any name, as pahole prints it', async () => {
    const { code, out } = await runCli(['layout', '--btf', little, '--struct', 'ptdesc'])
    expect(code).toBe(0)
    expect(out).toMatch(/^struct ptdesc \{\n/)
    expect(out).toMatch(/\n +void \* pt_mm; +\/\* 32 8 \*\/\n/)
    expect(out).toMatch(/\n}; +\/\* size 56 \*\/\n$/)
    const { structs } = JSON.parse((await runCli(['layout', '--btf', little, '--struct', 'ptdesc', '--json'])).out)
    expect(structs).toMatchObject([{ name: 'ptdesc', size: 56 }])
    expect(structs[0].members).toContainEqual(expect.objectContaining({ name: 'ptl', bitOffset: 320, bits: 32 }))
  })

  test.each([
    [['--btf', little, '--struct', 'nothing'], 'no struct or union "nothing"'],
    [['linux-6.12', '--struct', 'page'], '--struct belongs to --btf'],
    [['--btf', '/nonexistent'], 'ENOENT'],
    [['--btf', folder], 'no regular file'],
    [['--btf', write('text', 'no BTF at all')], 'without BTF'],
    [['--diff', 'linux-6.12', write('other.btf', 'no BTF')], 'other.btf: a file without BTF'],
    [['--btf', write('other.btf', 'no BTF')], 'other.btf: a file without BTF'],
    [['--btf', little, '--kconfig', write('bad', 'rubbish\n')], 'line 1'],
    [['--btf', little, '--type', 'annon'], 'Did you mean anon?'],
    [['--btf', little, '--scheme', 'nothing'], 'there is no scheme'],
    [['linux-6.12', '--btf', little], 'not both'],
    [['linux-6.12', '--kconfig', little], '--kconfig belongs to --btf'],
  ])('%j is wrong use, in one line', async (args, said) => {
    const { code, out, err } = await runCli(['layout', ...args])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(said)
    expect(err.trim().split('\n')).toHaveLength(1)
  })

  test.each(realKernels)('draws %s within 100 columns', async (name) => {
    const { code, out } = await runCli(['layout', '--btf', realKernel(name)])
    expect(code).toBe(0)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })
})
