import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as zlib from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { importBtf } from 'pagebox'
import { decompress } from '../../lib/btf/decompress.ts'
import { zstdFrameLength } from '../../lib/btf/zstdFrame.ts'
import { fault } from './fails.ts'
import { kernel } from './kernel.ts'
import { BtfWriter, elf } from './writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-btf-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, bytes: Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

const raw = kernel().toBuffer()
/** As a BPF program has it. */
const program = new BtfWriter()
program.int('int', 4)
const small = program.toBuffer()
const noise = (length: number, seed = 1): Buffer => {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

/** An x86 kernel image: a boot sector, setup code, and the compressed kernel in between other code. */
function bzImage(payload: Buffer): Buffer {
  const setup = 3
  const head = Buffer.alloc((setup + 1) * 512)
  head[0x1f1] = setup
  head.write('HdrS', 0x202, 'latin1')
  head.writeUInt16LE(0x20f, 0x206)
  head.writeUInt32LE(1000, 0x248)
  head.writeUInt32LE(payload.length + 4, 0x24c)
  const size = Buffer.alloc(4)
  return Buffer.concat([head, noise(1000), payload, size, noise(500, 2)])
}

describe('BTF is found', () => {
  test.each([
    ['raw', raw],
    ['raw, compressed', gzipSync(raw)],
    [
      'in ELF of 64 bits',
      elf([
        { name: '.text', bytes: noise(100) },
        { name: '.BTF', bytes: raw },
        { name: '.BTF_ids', bytes: noise(8) },
      ]),
    ],
    ['in ELF of 32 bits', elf([{ name: '.BTF', bytes: kernel({ wordBytes: 4 }).toBuffer() }], { is64: false })],
    [
      'in big-endian ELF of 64 bits',
      elf([{ name: '.BTF', bytes: kernel({ order: 'big' }).toBuffer() }], { order: 'big' }),
    ],
    [
      'in big-endian ELF of 32 bits',
      elf([{ name: '.BTF', bytes: kernel({ order: 'big', wordBytes: 4 }).toBuffer() }], { order: 'big', is64: false }),
    ],
    ['in an image as it is', Buffer.concat([noise(5000), raw, noise(5000, 3)])],
    ['in an image that has other BTF too', Buffer.concat([noise(99), small, noise(99), raw, small])],
    ['in a bzImage', bzImage(gzipSync(elf([{ name: '.BTF', bytes: raw }])))],
    [
      'in an image of which nothing is known',
      Buffer.concat([noise(3001), gzipSync(elf([{ name: '.BTF', bytes: raw }])), noise(777)]),
    ],
    [
      'behind what only looks like gzip',
      Buffer.concat([Buffer.from([0, 0x1f, 0x8b, 8, 0, 1, 2, 3, 4]), noise(99), gzipSync(raw)]),
    ],
  ])('%s', async (name, bytes) => {
    const found = await importBtf(file(`${name.replaceAll(/\W+/g, '-')}.bin`, bytes))
    expect(found.strideBytes).toBe(found.wordBytes === 8 ? 64 : 36)
    expect(found.byteOrder).toBe(name.includes('big-endian') ? 'big' : 'little')
    expect((await importBtf(bytes)).fields).toEqual(found.fields)
  })

  test('in a vmlinux of a gigabyte, of which only the section is read', async () => {
    const path = file('vmlinux', elf([{ name: '.BTF', bytes: raw }]))
    truncateSync(path, 3 * 2 ** 30)
    expect((await importBtf(path)).strideBytes).toBe(64)
  })

  test.skipIf(spawnSync('zstd', ['-V']).status !== 0).each([
    ['small', raw, []],
    ['of several blocks', noise(400_000), ['--no-check']],
    ['of one byte repeated', Buffer.alloc(300_000), ['-19']],
    ['of a known size', noise(70_000), ['--stream-size=70000', '--check']],
    ['empty', Buffer.alloc(0), []],
  ])('where a zstd frame ends: %s', (_name, bytes, options) => {
    const frame = execFileSync('zstd', ['-c', ...options], { input: bytes, maxBuffer: 2 ** 24 })
    expect(zstdFrameLength(frame)).toBe(frame.length)
    expect(zstdFrameLength(Buffer.concat([frame, noise(100)]))).toBe(frame.length)
    for (const cut of [0, 4, 5, 7, frame.length - 1]) expect(zstdFrameLength(frame.subarray(0, cut))).toBeUndefined()
  })

  test.skipIf(spawnSync('zstd', ['-V']).status !== 0)('in zstd, or the error says what to do', async () => {
    const image = bzImage(execFileSync('zstd', ['-c'], { input: elf([{ name: '.BTF', bytes: raw }]) }))
    if ('zstdDecompress' in zlib) expect((await importBtf(image)).strideBytes).toBe(64)
    else expect((await fault(() => importBtf(image))).message).toContain('/sys/kernel/btf/vmlinux')
  })

  test.skipIf(!existsSync('/sys/kernel/btf/vmlinux'))('of the running kernel, fast', async () => {
    const before = process.cpuUsage()
    const found = await importBtf('/sys/kernel/btf/vmlinux')
    const { user, system } = process.cpuUsage(before)
    expect(found.fields.some(({ name }) => name === '_refcount')).toBe(true)
    expect(found.doubts.some(({ about, kind }) => about === 'release' && kind === 'contradiction')).toBe(false)
    // Milliseconds of processor; it takes a tenth of that.
    expect((user + system) / 1000).toBeLessThan(3000)
  })
})

describe('what has none is refused', () => {
  test.each([
    ['ELF without it', elf([{ name: '.text', bytes: noise(64) }]), '/sys/kernel/btf/vmlinux'],
    ['ELF whose section was split off', elf([{ name: '.BTF', bytes: raw, type: 8 }]), 'without BTF'],
    ['ELF with a compressed section', elf([{ name: '.BTF', bytes: raw, flags: 0x800 }]), 'compressed'],
    ['ELF with other bytes in the section', elf([{ name: '.BTF', bytes: noise(500) }]), 'magic'],
    ['noise', noise(200_000), 'without BTF'],
    ['nothing', Buffer.alloc(0), 'without BTF'],
    ['one byte', Buffer.from([0x9f]), 'without BTF'],
    ['text', Buffer.from('CONFIG_BTF=y\n'.repeat(1000)), 'without BTF'],
    ['gzip that is cut short', gzipSync(raw).subarray(0, 300), 'cut short'],
    ['gzip of noise', gzipSync(noise(5000)), 'without BTF'],
    ['gzip of gzip of gzip of gzip of gzip', [1, 2, 3, 4, 5].reduce((bytes) => gzipSync(bytes), raw), 'at most'],
    ['xz', Buffer.concat([Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), noise(500)]), 'xz -dc'],
    [
      'a bzImage of xz',
      bzImage(Buffer.concat([Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), noise(500)])),
      '/sys/kernel/btf/vmlinux',
    ],
    ['lz4 in an image', Buffer.concat([noise(1000), Buffer.from([2, 0x21, 0x4c, 0x18]), noise(500)]), 'lz4'],
    ['more zeros than a kernel has, in gzip', gzipSync(Buffer.alloc(260 * 2 ** 20), { level: 1 }), 'at most'],
  ])('%s', async (_name, bytes, said) => {
    expect((await fault(() => importBtf(bytes))).message).toContain(said)
  })

  test('one file has one budget, however many of its parts look compressed', async () => {
    const zeros = gzipSync(Buffer.alloc(40_000))
    const budget = { tries: 3, bytes: 100_000 }
    expect((await decompress(zeros, budget)).length).toBe(40_000)
    await decompress(zeros, budget)
    expect((await fault(() => decompress(zeros, budget))).message).toContain('in all')
    expect((await fault(() => decompress(zeros, budget))).message).toContain('too many compressed parts')
  })

  // Two minutes and more, where each part has a budget of its own.
  test('parts that all are bombs, in a part that is one', { timeout: 60_000 }, async () => {
    const bombs = (bomb: Buffer, count: number): Buffer => Buffer.concat([noise(64), ...Array(count).fill(bomb)])
    const zeros = gzipSync(Buffer.alloc(100 * 2 ** 20), { level: 9 })
    const nested = bombs(gzipSync(bombs(zeros, 30)), 30)
    expect((await fault(() => importBtf(nested))).message).toContain('without BTF')
  })

  test('ELF cut short anywhere, or with wild numbers', async () => {
    const whole = elf([{ name: '.BTF', bytes: raw }])
    for (let length = 0; length < whole.length; length += length < 200 ? 1 : 997)
      await fault(() => importBtf(whole.subarray(0, length)))
    for (let at = 0; at < 64; at++) {
      const wild = Buffer.from(whole)
      wild.fill(0xff, at, at + 4)
      await importBtf(wild).catch((error) => expect(error.code).toBe('ERR_PAGEBOX_BTF'))
    }
  })

  test('a file that is no file, not there, or a gigabyte of something else', async () => {
    expect((await fault(() => importBtf(folder))).message).toContain('no regular file')
    expect((await fault(() => importBtf('/dev/zero'))).message).toContain('no regular file')
    expect(await fault(() => importBtf(join(folder, 'nothing')))).toMatchObject({ errno: 'ENOENT', argument: 'source' })
    const pipe = join(folder, 'pipe')
    if (spawnSync('mkfifo', [pipe]).status === 0) await fault(() => importBtf(pipe))
    const huge = file('huge', Buffer.alloc(0))
    truncateSync(huge, 2 ** 30)
    expect((await fault(() => importBtf(huge))).message).toContain('neither BTF nor ELF')
  })

  test.each([undefined, null, 7, {}, [], '', 'a\0b', new Uint16Array(4), new Float64Array(1)])(
    '%j is no source',
    async (value) => {
      await expect(importBtf(value as never)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_PAGEBOX_ARG_/),
      })
    },
  )

  test('options that do not exist, or are of another kind', async () => {
    await fault(() => importBtf(raw, { colour: 1 } as never), 'ERR_PAGEBOX_OPTION_UNKNOWN')
    await fault(() => importBtf(raw, { kconfig: 7 } as never), 'ERR_PAGEBOX_ARG_TYPE')
    await fault(() => importBtf(raw, { name: '../x' }), 'ERR_PAGEBOX_ARG_RANGE')
    expect(await fault(() => importBtf(raw, { kconfig: join(folder, 'none') }))).toMatchObject({
      argument: 'options.kconfig',
    })
  })
})

describe('the configuration beside it', () => {
  const text = '# Linux/x86 6.12.9 Kernel Configuration\nCONFIG_64BIT=y\n'

  test('is taken, and said', async () => {
    const path = file('own.btf', raw)
    file('own.config', Buffer.from(text))
    const found = await importBtf(path)
    expect(found.release.text).toBe('v6.12')
    expect(found.doubts).toContainEqual(expect.objectContaining({ about: 'configuration', kind: 'asked' }))
    expect((await importBtf(path, { kconfig: false })).release.text).not.toBe('v6.12')
  })

  test('as a distribution has it, and compressed', async () => {
    const path = file('vmlinuz-6.12.9-x', bzImage(gzipSync(raw)))
    file('config-6.12.9-x', gzipSync(text))
    const found = await importBtf(path)
    expect(found).toMatchObject({ release: { text: 'v6.12' }, name: 'vmlinuz-6.12.9-x' })
    await fault(() => importBtf(path, { kconfig: gzipSync(text).subarray(0, 20) }))
  })

  test('the name of the file makes the name of the layout', async () => {
    expect((await importBtf(file('7.1.2-amd64.btf', raw))).name).toBe('linux-7.1.2-amd64')
    expect((await importBtf(file('a \x1b[31m<b>=1.btf', raw))).name).toMatch(/^[\w.-]+$/)
    expect((await importBtf(raw, { name: 'mine' })).name).toBe('mine')
  })
})
