import { describe, expect, test } from 'vitest'
import { memberAt, membersOf } from '../../lib/btf/members.ts'
import { printType } from '../../lib/btf/print.ts'
import { Btf } from '../../lib/btf/types.ts'
import { fault } from './fails.ts'
import { kernel } from './kernel.ts'
import { BtfWriter } from './writer.ts'

const structId = (btf: Btf, name: string): number => btf.composite(name)?.id as number

describe.each(['little', 'big'] as const)('BTF in %s-endian order', (order) => {
  test('types, sizes and members', () => {
    const w = new BtfWriter(order)
    const long = w.int('long unsigned int', 8)
    const u32 = w.int('unsigned int', 4)
    const word = w.typedef('word_t', w.constant(long))
    const pair = w.array(w.array(u32, 3), 2)
    const inner = w.union('', [
      { name: 'whole', type: word },
      { name: 'halves', type: w.array(u32, 2) },
    ])
    w.struct('thing', [
      { name: 'first', type: u32 },
      { name: '', type: inner },
      { name: 'pair', type: pair },
      { name: 'next', type: w.ptr(w.fwd('thing')) },
    ])
    const btf = new Btf(w.toBuffer())
    const id = structId(btf, 'thing')
    expect(btf.byteOrder).toBe(order)
    expect(btf.wordBytes).toBe(8)
    expect(btf.sizeOf(id)).toBe(48)
    expect(membersOf(btf, id).map(({ name, bitOffset, bits }) => [name, bitOffset / 8, bits / 8])).toEqual([
      ['first', 0, 4],
      ['whole', 8, 8],
      ['halves', 8, 8],
      ['pair', 16, 24],
      ['next', 40, 8],
    ])
    expect(btf.elementsOf(membersOf(btf, id)[3]?.type as number)).toBe(6)
  })

  test('a member by its path, through unnamed structs', () => {
    const btf = new Btf(kernel({ order }).toBuffer())
    const page = structId(btf, 'page')
    expect(memberAt(btf, page, 'lru.prev')?.bitOffset).toBe(16 * 8)
    expect(memberAt(btf, page, '_refcount.counter')?.bitOffset).toBe(52 * 8)
    expect(memberAt(btf, page, 'lru.nothing')).toBeUndefined()
    expect(memberAt(btf, page, 'flags.f')).toBeUndefined()
  })

  test('bit-fields of both forms, and enums of 64 bits', () => {
    const w = new BtfWriter(order)
    w.int('long unsigned int', 8)
    const u32 = w.int('unsigned int', 4)
    w.struct('new_form', [
      { name: 'a', type: u32, bits: 3 },
      { name: 'b', type: u32, bits: 7 },
    ])
    // Before kernels said it with the member, the type was an integer of so many bits.
    w.struct('old_form', [
      { name: 'a', type: w.int('unsigned int', 4, 3) },
      { name: 'c', type: u32 },
    ])
    w.enum64('wide', { BIG: 2n ** 40n, ONE: 1n })
    const btf = new Btf(w.toBuffer())
    const ranges = (name: string) =>
      membersOf(btf, structId(btf, name)).map((each) => [each.bitOffset, each.bits, each.isBitField])
    expect(ranges('new_form')).toEqual([
      [0, 3, true],
      [3, 7, true],
    ])
    expect(ranges('old_form')).toEqual([
      [0, 3, true],
      [32, 32, false],
    ])
    expect(btf.enumOf('wide')).toEqual([
      { name: 'BIG', value: 2n ** 40n },
      { name: 'ONE', value: 1n },
    ])
  })
})

test('an unnamed member of a named struct belongs to the struct around it', () => {
  const w = new BtfWriter()
  const long = w.int('long unsigned int', 8)
  const named = w.struct('freelist_counters', [{ name: 'freelist', type: long }])
  w.struct('slab', [
    { name: 'flags', type: long },
    { name: '', type: named },
  ])
  const btf = new Btf(w.toBuffer())
  expect(memberAt(btf, structId(btf, 'slab'), 'freelist')?.bitOffset).toBe(64)
  expect(printType(btf, structId(btf, 'slab'))).toContain('long unsigned int freelist;')
})

test('a struct is printed in the manner of pahole', () => {
  const btf = new Btf(kernel().toBuffer())
  const lines = printType(btf, structId(btf, 'slab')).split('\n')
  expect(lines[0]).toBe('struct slab {')
  expect(lines.find((line) => line.includes('objects'))).toMatch(/^ +unsigned int objects:15; +\/\* 42:0 15 bits \*\/$/)
  expect(lines.at(-1)).toMatch(/^}; +\/\* size 64 \*\/$/)
})

describe('damaged BTF is refused, and says where', () => {
  const good = kernel().toBuffer()
  /** Everything that can be asked of it. */
  const readAll = (blob: Buffer): void => {
    const btf = new Btf(blob)
    for (let id = 1; id < btf.blob.count; id++) {
      const type = btf.type(id)
      if (type.kind === 'struct' || type.kind === 'union') {
        membersOf(btf, id)
        printType(btf, id)
      }
    }
  }

  test('cut short anywhere', async () => {
    for (let length = 0; length < good.length; length += 7) await fault(() => readAll(good.subarray(0, length)))
  })

  test.each([
    ['another magic', 0, [0x7f, 0x45], 'the magic 0xeb9f'],
    ['another version', 2, [2], 'version 1'],
    ['a header longer than the file', 4, [0xff, 0xff, 0xff, 0x7f], 'multiple of 4'],
    ['a header of no length', 4, [0, 0, 0, 0], 'multiple of 4'],
    ['types beyond the end', 12, [0, 0, 0, 0x7f], 'within the file'],
    ['strings beyond the end', 20, [0, 0, 0, 0x7f], 'within the file'],
    ['no strings', 20, [0, 0, 0, 0], 'within the file'],
    ['an unknown kind', 31, [0x55], '1 to 19'],
    ['a name beyond the strings', 24, [0, 0, 0, 0x7f], 'length of the strings'],
    ['a billion members', 28, [0xff, 0xff, 0xff, 0x04], 'bytes are left'],
  ])('%s', async (_name, at, bytes, allowed) => {
    const blob = Buffer.from(good)
    blob.set(bytes, at)
    expect((await fault(() => readAll(blob))).message).toContain(allowed)
  })

  test('types that go round in a circle', async () => {
    const circle = (build: (w: BtfWriter) => number) => {
      const w = new BtfWriter()
      w.int('long unsigned int', 8)
      w.struct('page', [{ name: 'x', type: build(w) }])
      return w.toBuffer()
    }
    // Type 2 is its own target, and an array of itself, and a struct that holds itself.
    await fault(() => readAll(circle((w) => w.raw({ kind: 8, name: 'round', sizeOrType: 2 }))))
    await fault(() => readAll(circle((w) => w.raw({ kind: 10, sizeOrType: 2 }))))
    await fault(() => readAll(circle((w) => w.raw({ kind: 3, tail: [2, 2, 2] }))))
    await fault(() => readAll(circle((w) => w.raw({ kind: 3, tail: [2, 2, 1] }))))
    await fault(() => readAll(circle((w) => w.raw({ kind: 4, vlen: 1, sizeOrType: 8, tail: [0, 2, 0] }))))
  })

  test('unnamed structs that double at each step end in bounded time', async () => {
    const w = new BtfWriter()
    const long = w.int('long unsigned int', 8)
    let at = w.union('', [{ name: 'x', type: long }])
    for (let depth = 0; depth < 22; depth++)
      at = w.union('', [
        { name: '', type: at },
        { name: '', type: at },
      ])
    w.struct('page', [{ name: '', type: at }])
    await fault(() => readAll(w.toBuffer()))
  })

  test('empty structs that double at each step end in bounded time', async () => {
    const w = new BtfWriter()
    w.int('long unsigned int', 8)
    let at = w.struct('', [])
    for (let depth = 0; depth < 22; depth++)
      at = w.struct('', [
        { name: '', type: at },
        { name: '', type: at },
      ])
    w.struct('page', [{ name: '', type: at }])
    await fault(() => readAll(w.toBuffer()))
  })

  test('types that do not exist, and members outside their struct', async () => {
    const w = new BtfWriter()
    w.int('long unsigned int', 8)
    w.raw({ kind: 4, name: 'page', vlen: 1, sizeOrType: 8, tail: [w.string('x'), 4711, 0] })
    expect((await fault(() => readAll(w.toBuffer()))).message).toContain('type 4711')
    const outside = new BtfWriter()
    const long = outside.int('long unsigned int', 8)
    outside.raw({ kind: 4, name: 'page', vlen: 1, sizeOrType: 8, tail: [outside.string('x'), long, 8] })
    expect((await fault(() => readAll(outside.toBuffer()))).message).toContain('size of its struct')
  })

  test.each(['a\x1b[31mred', 'a\nb', 'a b', '<script>', '=1+1', 'ä'])('a member called %j', async (name) => {
    const w = new BtfWriter()
    const long = w.int('long unsigned int', 8)
    w.struct('page', [{ name, type: long }])
    await fault(() => readAll(w.toBuffer()))
  })

  test('a name without an end to speak of', async () => {
    const w = new BtfWriter()
    const long = w.int('long unsigned int', 8)
    w.struct('page', [{ name: 'x'.repeat(5000), type: long }])
    expect((await fault(() => readAll(w.toBuffer()))).message).toContain('at most 511')
  })
})
