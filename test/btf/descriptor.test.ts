import { describe, expect, test } from 'vitest'
import {
  importBtf,
  type ImportBtfOptions,
  type KernelDescriptor,
  layouts,
  probe,
  room,
  schemes,
  toLayoutDeclaration,
} from 'pagebox'
import { fault } from './fails.ts'
import { freeBytes, placesOf } from './free.ts'
import { kernel, type KernelShape } from './kernel.ts'

const read = (shape: KernelShape = {}, options: ImportBtfOptions = {}): Promise<KernelDescriptor> =>
  importBtf(kernel(shape).toBuffer(), options)
const config = (text: string): ImportBtfOptions => ({ kconfig: Buffer.from(text) })
const doubtsOf = (of: KernelDescriptor, about: string) => of.doubts.filter((doubt) => doubt.about === about)

describe('a kernel that is known to the last bit', () => {
  test('64 bits, little-endian', async () => {
    const found = await read()
    expect(found).toMatchObject({
      byteOrder: 'little',
      wordBytes: 8,
      strideBytes: 64,
      alignBytes: 16,
      pincount: { tail: 1, byte: 28, minOrder: 1 },
      mapcountByte: 48,
      refcountByte: 52,
      orderByte: 0,
      anonExclusiveBit: 11,
      compoundHead: 'address',
      unknown: [],
      pageTypeValues: { buddy: 0xf0000000, table: 0xf2000000, hugetlb: 0xf4000000, slab: 0xf5000000 },
    })
    expect(freeBytes(found, 'free')).toBe('24-39,56-63')
    expect(freeBytes(found, 'anon')).toBe('none')
    expect(freeBytes(found, 'slab')).toBe('44-47')
    expect(freeBytes(found, 'tail')).toBe('32-47,56-63')
    expect(freeBytes(found, 'second-tail')).toBe('32-47,56-63')
    expect(freeBytes(found, 'page-table')).toBe('8-15,24-31,44-47')
    expect(freeBytes(found, 'p2pdma')).toBe('24-47,56-63')
  })

  test('32 bits', async () => {
    const found = await read({ wordBytes: 4 })
    expect(found).toMatchObject({
      wordBytes: 4,
      strideBytes: 36,
      alignBytes: 4,
      pincount: { tail: 1, byte: 20 },
      mapcountByte: 24,
      refcountByte: 28,
    })
    expect(found.types.find(({ type }) => type === 'fsdax')?.exists).toBe(false)
  })

  test('big-endian: the same bytes, and other bits of the words', async () => {
    const found = await read({ order: 'big' })
    expect(found).toMatchObject({ byteOrder: 'big', orderByte: 7, mapcountByte: 48, refcountByte: 52 })
    expect(placesOf(found, 'slab', 'inuse')).toEqual([{ byte: 40, word: 5, shift: 48, bits: 16 }])
    expect(placesOf(found, 'slab', 'objects')).toEqual([{ byte: 42, word: 5, shift: 33, bits: 15 }])
    expect(placesOf(found, 'slab', 'frozen')).toEqual([{ byte: 43, word: 5, shift: 32, bits: 1 }])
    expect(placesOf(found, 'tail', '_folio_order')).toEqual([{ byte: 7, word: 0, shift: 0, bits: 8 }])
    expect(placesOf(found, 'anon', '_mapcount')).toEqual([{ byte: 48, word: 6, shift: 32, bits: 32 }])
    // The sandbox works on the values of words: there the upper half lies last.
    expect(toLayoutDeclaration(found).definition).toMatchObject({
      mapcountOffsetBytes: 52,
      refcountOffsetBytes: 48,
      orderOffsetBytes: 0,
      pincount: { offsetBytes: 24 },
    })
  })
})

describe('names that pagebox does not know count as live', () => {
  test('beside a known one: on the page types of their neighbours', async () => {
    const found = await read({ overIndex: ['stamp'] })
    const [unknown] = found.unknown
    expect(unknown).toMatchObject({ member: 'page.stamp', byte: 32, bits: 64 })
    expect(unknown?.over).toContain('index')
    expect(unknown?.types).toEqual(expect.arrayContaining(['free', 'anon', 'file', 'compound-head', 'fsdax']))
    expect(unknown?.types).not.toContain('slab')
    // A free page had nothing there.
    expect(freeBytes(found, 'free')).toBe('24-31,56-63')
    expect(doubtsOf(found, 'page.stamp')).toHaveLength(1)
  })

  test('in a struct of a page type: on that', async () => {
    const found = await read({ slabBit: 'odd' })
    expect(found.unknown).toEqual([{ member: 'slab.odd', byte: 44, bits: 1, types: ['slab'], over: [] }])
    // Who writes the bit writes the integer.
    expect(freeBytes(found, 'slab')).toBe('none')
  })

  test('alone in an arm of their own, or at the end: on all', async () => {
    const arm = await read({ arm: ['strange_0', 'strange_1', 'strange_2', 'strange_3'] })
    expect(arm.unknown.map(({ member }) => member)).toEqual(
      ['strange_0', 'strange_1', 'strange_2', 'strange_3'].map((name) => `page.${name}`),
    )
    expect(freeBytes(arm, 'free')).toBe('56-63')
    const last = await read({ last: ['extra'] })
    expect(last.strideBytes).toBe(72)
    expect(last.unknown).toMatchObject([{ member: 'page.extra', byte: 64 }])
    for (const { type, exists } of last.types) if (exists) expect(freeBytes(last, type)).not.toMatch(/6[4-9]|7\d/)
  })

  test('a flag of any name keeps its bit', async () => {
    const flags = ['lru', 'head', 'active', 'unevictable', 'swapbacked', 'uptodate', 'never_heard_of']
    const found = await read({ flags })
    expect(found.flags.at(-1)).toEqual({ name: 'never_heard_of', bit: 6 })
    const { definition, cannotSay } = toLayoutDeclaration(found)
    expect(definition.flags.at(-1)).toEqual({ name: 'never_heard_of', bit: 6 })
    expect(cannotSay.map(({ what }) => what).join()).not.toContain('never_heard_of')
  })
})

describe('what is missing is named', () => {
  test.each([
    ['flags', 'page.flags'],
    ['_refcount', '_refcount'],
    ['_mapcount', 'page._mapcount'],
    ['compound_head', 'page.compound_head'],
  ])('%s', async (member, said) => {
    expect((await fault(() => read({ renamed: { [member]: 'elsewhere' } }))).message).toContain(said)
  })

  test.each(['lru', 'head', 'uptodate'])('PG_%s', async (name) => {
    const flags = ['lru', 'head', 'active', 'unevictable', 'swapbacked', 'uptodate'].filter((each) => each !== name)
    expect((await fault(() => read({ flags: [...flags, 'other'] }))).message).toContain(`PG_${name}`)
  })

  test('what only some page type needs is a doubt', async () => {
    const found = await read({ renamed: { mapping: 'elsewhere' } })
    expect(found.missing).toEqual(['mapping'])
    expect(found.unknown.map(({ member }) => member)).toContain('page.elsewhere')
  })
})

describe('what lies at the top of flags', () => {
  const widths = async (shape: KernelShape, options: ImportBtfOptions = {}) => (await read(shape, options)).widths

  test('zones and nodes from the arrays that they sized', async () => {
    expect(await widths({ nodes: 64 })).toMatchObject({ node: 6, zone: 3 })
    expect(await widths({ nodes: 1 })).toMatchObject({ node: 0, zone: 3 })
    expect(await widths({ nodes: 1024, zones: ['NORMAL', 'MOVABLE'] })).toMatchObject({ node: 10, zone: 1 })
  })

  test('CPUs by the words of a mask; below one word somebody has to say', async () => {
    expect(await widths({ balancing: true, cpus: 8192 })).toMatchObject({ lastCpupid: 21 })
    expect(await widths({ balancing: false, cpus: 8192 })).toMatchObject({ lastCpupid: 0 })
    const guessed = await read({ balancing: true, cpus: 64 })
    expect(guessed.widths.lastCpupid).toBe(14)
    expect(doubtsOf(guessed, 'last_cpupid')).toMatchObject([{ kind: 'defaulted' }])
    const told = await read(
      { balancing: true, cpus: 64 },
      config('CONFIG_64BIT=y\nCONFIG_NUMA=y\nCONFIG_NUMA_BALANCING=y\nCONFIG_NR_CPUS=16\n'),
    )
    expect(told.widths.lastCpupid).toBe(12)
    expect(doubtsOf(told, 'last_cpupid')).toMatchObject([{ kind: 'asked' }])
  })

  test('what does not fit is left out', async () => {
    const flags = [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => `flag_${letter}`)
    const full = [...['lru', 'head', 'active', 'unevictable', 'swapbacked', 'uptodate'], ...flags]
    // 32 flags, 10 bits of node, 3 of zone: 19 are left for 8 + 13.
    const found = await read({ flags: full, nodes: 1024, balancing: true, cpus: 8192 })
    expect(found.widths).toMatchObject({ node: 10, zone: 3, lastCpupid: 0 })
    expect(found.freeFlagBits).toBe(19)
  })

  test('the generations of the LRU and their tiers', async () => {
    const found = await read({ generations: true })
    expect(found.widths).toMatchObject({ lruGen: 3, lruRefs: 2 })
    expect(found.highFields).toEqual([
      { name: 'zone', shift: 61, bits: 3 },
      { name: 'lru_gen', shift: 58, bits: 3 },
      { name: 'lru_refs', shift: 56, bits: 2 },
    ])
    expect(found.freeFlagBits).toBe(64 - 20 - 8)
  })

  test('sections: asked, or assumed and said', async () => {
    expect((await read()).widths.section).toBe(0)
    const small = await read({ sparse: true, wordBytes: 4 })
    expect(small.widths.section).toBe(7)
    expect(doubtsOf(small, 'section')).toMatchObject([{ kind: 'defaulted' }])
    const told = await read(
      { sparse: true },
      config('CONFIG_64BIT=y\nCONFIG_SPARSEMEM=y\nCONFIG_SPARSEMEM_VMEMMAP=y\n'),
    )
    expect(told.widths.section).toBe(0)
    expect(doubtsOf(told, 'section')).toMatchObject([{ kind: 'asked' }])
  })
})

describe('the configuration', () => {
  test('says the release, which device pages there are, and is held to BTF', async () => {
    const found = await read(
      {},
      config(
        [
          '#',
          '# Automatically generated file; DO NOT EDIT.',
          '# Linux/x86 6.12.117 Kernel Configuration',
          'CONFIG_64BIT=y',
          '# CONFIG_DEVICE_PRIVATE is not set',
          'CONFIG_FS_DAX=y',
          'CONFIG_DEV_DAX=m',
          'CONFIG_LOCALVERSION="a \\" b"',
          'CONFIG_NODES_SHIFT=10',
          'CONFIG_NUMA=y',
        ].join('\n'),
      ),
    )
    expect(found.release).toMatchObject({ text: 'v6.12', least: 6012, before: 6013 })
    const exists = (type: string) => found.types.find((each) => each.type === type)?.exists
    expect(['device-private-anon', 'device-coherent', 'fsdax', 'devdax'].map(exists)).toEqual([
      false,
      false,
      true,
      true,
    ])
    expect(doubtsOf(found, 'node')).toMatchObject([{ kind: 'contradiction' }])
    expect(found.widths.node).toBe(0)
  })

  test('of another kernel is noticed', async () => {
    const found = await read({}, config('# Linux/arm 5.4.1 Kernel Configuration\n# CONFIG_64BIT is not set\n'))
    expect(doubtsOf(found, 'configuration')).toMatchObject([{ kind: 'contradiction' }])
    expect(doubtsOf(found, 'release')).toMatchObject([{ kind: 'contradiction' }])
    expect(found.release.text).not.toContain('5.4')
  })

  test.each([
    ['CONFIG_A=y\nrm -rf /\n', 'line 2'],
    ['\x1b[2J', 'line 1'],
    ['# nothing\n', 'no option'],
    ['CONFIG_A=$(id)\n', 'line 1'],
    ['x'.repeat(10_000), 'line 1'],
  ])('%j is none', async (text, said) => {
    const error = await fault(() => read({}, config(text)))
    expect(error.message).toContain(said)
    expect(error.argument).toBe('options.kconfig')
  })
})

test('a release is a range, with what says so', async () => {
  const { release } = await read()
  expect(release).toMatchObject({ least: 6012, before: 6014, text: 'v6.12 or later, before v6.14' })
  expect(release.because.join()).toContain('PGTY_buddy')
  const flags = ['lru', 'head', 'active', 'unevictable', 'swapbacked', 'uptodate']
  const old = await read({ pagetype: false, flags: [...flags, 'slab'] })
  expect(doubtsOf(old, 'page types')).toMatchObject([{ kind: 'defaulted' }])
  expect(old.pageTypeValues).toEqual({ buddy: 0xffffff7f, offline: 0xfffffeff, table: 0xfffffdff })
  expect(freeBytes(old, 'slab')).toBe('44-51')
  // Without the flag a slab is told by its type: v6.10 had no enum for it yet.
  const between = await read({ pagetype: false, flags })
  expect(between.pageTypeValues).toMatchObject({ slab: 0xffffefff, hugetlb: 0xfffff7ff })
  expect(freeBytes(between, 'slab')).toBe('44-47')
})

test('what is returned cannot be changed', async () => {
  const found = await read()
  expect(Object.isFrozen(found.fields[0])).toBe(true)
  expect(Object.isFrozen(found.doubts)).toBe(true)
})

test.each([undefined, null, 7, 'linux-6.12', {}, { fields: [] }])('%j declares no layout', (value) => {
  expect(() => toLayoutDeclaration(value as never)).toThrow(/what importBtf resolves to/)
})

test('a count of another width is no count of the kernel', async () => {
  const w = kernel({ renamed: { _refcount: 'elsewhere', memcg_data: '_refcount' } })
  expect((await fault(() => importBtf(w.toBuffer()))).message).toContain('page._refcount of 64 bits')
})

test('a lock that is too large is a pointer to one', async () => {
  const small = await read()
  expect(toLayoutDeclaration(small).definition.fields).toContainEqual(
    expect.objectContaining({ name: 'ptl', kind: 'lock', bits: 32, offsetBytes: 40 }),
  )
  const { definition } = toLayoutDeclaration(await read({ largeLocks: true }))
  expect(definition.fields.some(({ name }) => name === 'ptl')).toBe(false)
  expect(definition.fields).toContainEqual(
    expect.objectContaining({ name: 'ptl_pointer', kind: 'pointer', bits: 64, offsetBytes: 40 }),
  )
  layouts.define({ ...definition, name: 'large-locks' })
})

test.each([
  ['little', 8],
  ['little', 4],
  ['big', 8],
  ['big', 4],
] as const)('a %s-endian kernel of %i-byte words is a layout: room and probe agree', async (order, wordBytes) => {
  const shape: KernelShape = {
    order,
    wordBytes,
    generations: true,
    overIndex: ['stamp'],
    arm: ['strange'],
    slabBit: 'odd',
  }
  const { definition } = toLayoutDeclaration(await read(shape, { name: `${order}-${wordBytes}` }))
  const layout = layouts.define(definition)
  for (const { name: scheme } of schemes)
    for (const pageType of layout.types)
      for (const folio of [0, 1, 2, 9]) {
        const cell = { scheme, layout, pageType, order: folio }
        expect(probe(cell).cell, `${scheme} on ${pageType}, order ${folio}`).toBe(room(cell).cell)
      }
  // What is unknown is a field like any other, where a free page had room.
  const unknown = layout.fields.filter(({ name, types }) => name === 'stamp' && types.includes('free'))
  expect(unknown).toMatchObject([{ offsetBytes: 4 * wordBytes, bits: 8 * wordBytes, kind: 'count' }])
})
