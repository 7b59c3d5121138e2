import { describe, expect, test } from 'vitest'
import { Box, importBtf, type KernelDescriptor, layouts, probe, room, schemes, toLayoutDeclaration } from 'pagebox'
import { freeBytes, placesOf } from './free.ts'
import { realKernel, realKernels, whyNone } from './shared.ts'

// What is right was read from the compiled headers of these kernels, not by this importer.

const types = [
  'free',
  'anon',
  'slab',
  'tail',
  'second-tail',
  'page-table',
  'device-private-anon',
  'fsdax',
  'devdax',
  'p2pdma',
]
/** Bytes that no field uses, in the order of `types`; `-`: there are no such pages. */
const free: Record<string, string> = {
  '5.10.262-amd64-cloud':
    '24-39,56-63 none 44-51 18-19,28-47,56-63 20-23,40-47,56-63 8-15,24-31,44-47 none 56-63 40-47,56-63 24-47,56-63',
  '6.12.117-amd64':
    '24-39,56-63 none 44-47 36-47,56-63 32-47,56-63 8-15,24-31,44-47 none 56-63 40-47,56-63 24-47,56-63',
  '6.18.15-amd64-cloud': '24-39,56-63 none 44-47 60-63 32-47,56-63 8-15,24-31,44-47 none 56-63 40-47,56-63 24-47,56-63',
  '7.2.13-amd64': '24-39,56-63 none none 60-63 32-47,56-63 8-15,24-31,44-47 none 56-63 40-47,56-63 24-47,56-63',
  // Two bit-fields that the table of facts does not know lie in bytes 44 to 47 of a slab.
  '7.3.4-amd64-cloud': '24-39,56-63 none none 60-63 32-47,56-63 8-15,24-31,44-47 none 56-63 40-47,56-63 24-47,56-63',
  '6.1.176-i386-686pae-headers':
    '12-19,32-39 36-39 24-27,36-39 10-11,20-23,32-39 8-11,20-23,32-39 4-7,12-15,36-39 - - - -',
  '6.12.117-armhf-armmplpae-headers': '12-19,32-35 none none 32-35 16-23,32-35 4-7,12-15 - - - -',
  '7.2.13-armhf-armmplpae-headers': '12-19,32-35 none none none 32-35 4-7,12-15 - - - -',
}

interface Facts {
  readonly stride: number
  readonly flags: number
  readonly freeBits: number
  readonly pins: readonly [tail: number, byte: number, minOrder: number]
  readonly orderByte: number
  readonly high: Record<string, [first: number, last: number]>
}
const debian: Facts['high'] = {
  node: [54, 63],
  zone: [51, 53],
  last_cpupid: [30, 50],
  lru_gen: [27, 29],
  lru_refs: [25, 26],
}
const facts: Record<string, Facts> = {
  '5.10.262-amd64-cloud': {
    ...{ stride: 64, flags: 24, freeBits: 6, pins: [2, 16, 2], orderByte: 17 },
    high: { node: [54, 63], zone: [51, 53], last_cpupid: [30, 50] },
  },
  '6.1.176-amd64-cloud': { stride: 64, flags: 24, freeBits: 1, pins: [1, 24, 1], orderByte: 17, high: debian },
  '6.1.176-i386-686pae-headers': {
    ...{ stride: 40, flags: 24, freeBits: 1, pins: [1, 16, 1], orderByte: 9 },
    high: { zone: [30, 31], lru_gen: [27, 29], lru_refs: [25, 26] },
  },
  '6.12.117-amd64-cloud': { stride: 64, flags: 24, freeBits: 1, pins: [1, 28, 1], orderByte: 0, high: debian },
  '6.12.117-amd64': { stride: 64, flags: 24, freeBits: 1, pins: [1, 28, 1], orderByte: 0, high: debian },
  '6.12.117-amd64-rt': {
    ...{ stride: 64, flags: 24, freeBits: 22, pins: [1, 28, 1], orderByte: 0 },
    high: { node: [54, 63], zone: [51, 53], lru_gen: [48, 50], lru_refs: [46, 47] },
  },
  '6.12.117-armhf-armmplpae-headers': {
    ...{ stride: 36, flags: 20, freeBits: 5, pins: [1, 20, 1], orderByte: 0 },
    high: { zone: [30, 31], lru_gen: [27, 29], lru_refs: [25, 26] },
  },
  '6.16.12-amd64-cloud': { stride: 64, flags: 25, freeBits: 0, pins: [1, 28, 1], orderByte: 0, high: debian },
  '6.18.15-amd64-cloud': { stride: 64, flags: 25, freeBits: 0, pins: [1, 28, 1], orderByte: 0, high: debian },
  '7.0.13-amd64-cloud': { stride: 64, flags: 25, freeBits: 0, pins: [1, 28, 1], orderByte: 0, high: debian },
  '7.2.13-amd64-cloud': { stride: 64, flags: 25, freeBits: 0, pins: [1, 28, 1], orderByte: 0, high: debian },
  '7.2.13-amd64': { stride: 64, flags: 25, freeBits: 0, pins: [1, 28, 1], orderByte: 0, high: debian },
  '7.2.13-arm64-cloud': {
    ...{ stride: 64, flags: 26, freeBits: 9, pins: [1, 28, 1], orderByte: 0 },
    high: { node: [60, 63], zone: [57, 59], last_cpupid: [40, 56], lru_gen: [37, 39], lru_refs: [35, 36] },
  },
  '7.2.13-armhf-armmplpae-headers': {
    ...{ stride: 36, flags: 21, freeBits: 4, pins: [2, 20, 2], orderByte: 0 },
    high: { zone: [30, 31], lru_gen: [27, 29], lru_refs: [25, 26] },
  },
  '7.2.13-ppc64el-64k': {
    ...{ stride: 64, flags: 24, freeBits: 6, pins: [1, 28, 1], orderByte: 0 },
    high: { node: [56, 63], zone: [54, 55], last_cpupid: [35, 53], lru_gen: [32, 34], lru_refs: [30, 31] },
  },
  '7.2.13-s390x': {
    ...{ stride: 64, flags: 23, freeBits: 34, pins: [1, 28, 1], orderByte: 7 },
    high: { zone: [62, 63], lru_gen: [59, 61], lru_refs: [57, 58] },
  },
  '7.3.4-amd64-cloud': { stride: 64, flags: 25, freeBits: 0, pins: [1, 28, 1], orderByte: 0, high: debian },
}

const zones: Record<string, Record<string, number>> = {
  '7.2.13-amd64': { dma: 0, dma32: 1, normal: 2, movable: 3, device: 4 },
  '7.2.13-s390x': { dma: 0, normal: 1, movable: 2, device: 3 },
  '7.2.13-ppc64el-64k': { normal: 0, movable: 1, device: 2 },
}

/** Where a field begins on a page type: `'tail _pincount'` → byte. */
const places: Record<string, Record<string, number>> = {
  '5.10.262-amd64-cloud': {
    ...{ 'tail compound_dtor': 16, 'tail compound_mapcount': 20, 'tail _folio_nr_pages': 24, 'fsdax pgmap': 8 },
    ...{ 'slab slab_list.next': 8, 'slab slab_cache': 24, 'second-tail _deferred_list.next': 24 },
  },
  '6.1.176-amd64-cloud': {
    ...{ 'tail _folio_nr_pages': 28, 'slab slab_list.next': 8, 'slab slab_cache': 24, 'tail _pincount': 24 },
  },
  '6.12.117-amd64': {
    ...{ 'tail _large_mapcount': 16, 'tail _entire_mapcount': 20, 'tail _nr_pages_mapped': 24 },
    ...{ 'tail _folio_nr_pages': 32, 'slab slab_cache': 8, 'slab slab_list.next': 16, 'p2pdma pgmap': 8 },
    ...{ 'third-tail _hugetlb_subpool': 16, 'slab freelist': 32, 'page-table pt_mm': 32, 'page-table ptl': 40 },
  },
  '7.2.13-amd64': {
    ...{ 'tail _large_mapcount': 16, 'tail _nr_pages_mapped': 20, 'tail _entire_mapcount': 24 },
    ...{ 'tail _mm_id_mapcount': 32, 'tail _mm_ids': 40, 'tail _folio_nr_pages': 56, 'slab stride': 44 },
    ...{ 'anon memcg_data': 56, 'device-private-anon zone_device_data': 16, 'page-pool pp_magic': 8 },
  },
  '7.2.13-armhf-armmplpae-headers': {
    ...{ 'tail _large_mapcount': 8, 'tail _nr_pages_mapped': 12, 'tail _mm_id_mapcount': 16, 'tail _mm_ids': 20 },
    ...{ 'tail _folio_nr_pages': 32, 'second-tail _entire_mapcount': 16, 'second-tail _pincount': 20 },
  },
  '7.2.13-s390x': { 'anon _mapcount': 48, 'anon _refcount': 52, 'slab inuse': 40, 'slab stride': 44 },
}

const known = realKernels.filter((name) => name in facts)
if (known.length === 0) test.skip(whyNone, () => {})

describe.each(known)('%s', (name) => {
  const read = (): Promise<KernelDescriptor> => importBtf(realKernel(name))

  test('is as its headers say', async () => {
    const kernel = await read()
    const { stride, flags, freeBits, pins, orderByte, high } = facts[name] as Facts
    expect(kernel.strideBytes).toBe(stride)
    expect(kernel.flags).toHaveLength(flags)
    expect(kernel.freeFlagBits).toBe(freeBits)
    expect(kernel.pincount).toEqual({ tail: pins[0], byte: pins[1], minOrder: pins[2] })
    expect(kernel.orderByte).toBe(orderByte)
    expect(kernel.wordBytes).toBe(stride < 64 ? 4 : 8)
    expect(kernel.byteOrder).toBe(name.includes('s390x') ? 'big' : 'little')
    expect(
      Object.fromEntries(kernel.highFields.map((each) => [each.name, [each.shift, each.shift + each.bits - 1]])),
    ).toEqual(high)
    expect(kernel.missing).toEqual([])
    if (!name.startsWith('7.3')) expect(kernel.unknown).toEqual([])
    expect(kernel.doubts.filter(({ kind }) => kind === 'contradiction')).toEqual([])
    if (zones[name])
      expect(Object.fromEntries(kernel.zones.map((zone) => [zone.name, zone.number]))).toEqual(zones[name])
    // The file's name is no source, but it has to agree.
    const [, major, minor] = /^(\d+)\.(\d+)/.exec(name) ?? []
    const release = Number(major) * 1000 + Number(minor)
    expect(kernel.release.least).toBeLessThanOrEqual(release)
    expect(kernel.release.before ?? 99_000).toBeGreaterThan(release)
  })

  if (name in free)
    test('has these bytes left', async () => {
      const kernel = await read()
      const said = types.map((type) => {
        const inFile = kernel.fields.some((field) => (field.types as readonly string[]).includes(type))
        return inFile ? freeBytes(kernel, type) : '-'
      })
      expect(said.join(' ')).toBe(free[name])
    })

  for (const [where, byte] of Object.entries(places[name] ?? {}))
    test(`${where} is at byte ${byte}`, async () => {
      const [type, field] = where.split(' ') as [string, string]
      expect(placesOf(await read(), type, field).map((place) => place.byte)).toEqual([byte])
    })

  test('as a layout: room and probe agree on every scheme, page type and order', async () => {
    const kernel = await read()
    const { definition, cannotSay } = toLayoutDeclaration(kernel)
    expect(cannotSay.filter(({ refused }) => refused)).toEqual([])
    const layout = layouts.define(definition)
    expect(layout.flags).toEqual(
      expect.arrayContaining(kernel.flags.map(({ name: flag, bit }) => ({ name: flag, bit }))),
    )
    expect(layout.highFields).toEqual(kernel.highFields)
    expect(layout.byteOrder).toBe(kernel.byteOrder)
    expect(layout.compoundHead).toBe(kernel.compoundHead)
    expect(layout.freeFlagBits).toBe((facts[name] as Facts).freeBits)
    for (const { name: scheme } of schemes)
      for (const pageType of layout.types)
        for (const order of [0, 1, 2, 9]) {
          const cell = { scheme, layout, pageType, order }
          expect(probe(cell).cell, `${scheme} on ${pageType}, order ${order}`).toBe(room(cell).cell)
        }
  })
})

// v6.1 has AnonExclusive in `mappedtodisk`.
test.each(known.filter((name) => /^6\.1\./.test(name)))(
  'PG_anon_exclusive has the bit of another flag on %s',
  async (name) => {
    const kernel = await importBtf(realKernel(name))
    const { definition } = toLayoutDeclaration(kernel)
    expect(definition.anonExclusiveFlag).toBe('mappedtodisk')
    expect(definition.flags.find((flag) => flag.name === 'mappedtodisk')?.bit).toBe(kernel.anonExclusiveBit)
  },
)

test.each(known.filter((name) => name.includes('amd64')))('memory management runs on %s', async (name) => {
  const { definition } = toLayoutDeclaration(await importBtf(realKernel(name)))
  const layout = layouts.define({ ...definition, name: `runs-${name}` })
  const box = Box.create({ pages: 2048, layout })
  const parent = box.createMm()
  const memory = parent.mmap({ pages: 16 })
  memory.store(0, 7n)
  const pins = memory.pin({ write: true })
  const child = parent.fork()
  expect(pins.load()).toBe(7n)
  pins.unpin()
  box.audit().assertClean()
  child.close()
  box.close()

  const pages = Box.create({ pages: 1024, layout, scheme: 'folio-pincount' })
  pages.setup(512, { type: 'compound-head', order: 9 })
  pages.pins.pin(512 + 7)
  expect(pages.pins.pins(512)).toEqual({ pins: 1, exact: true })
  pages.pins.unpin(512 + 7)
  pages.audit().assertClean()
  pages.close()
})

test.skipIf(known.length === 0)('what changed between kernels is seen', async () => {
  const [old, middle, newest] = (await Promise.all(
    ['5.10.262-amd64-cloud', '6.12.117-amd64', '7.3.4-amd64-cloud'].map((name) => importBtf(realKernel(name))),
  )) as [KernelDescriptor, KernelDescriptor, KernelDescriptor]
  expect(old).toMatchObject({ anonExclusiveBit: undefined, compoundHead: 'address' })
  expect(old.pageTypeValues).toMatchObject({ buddy: 0xffffff7f, table: 0xfffffbff })
  expect(old.deviceBase).toEqual({ private: 1, coherent: 1, fsdax: 1, devdax: 1, p2pdma: 1 })
  expect(middle).toMatchObject({ anonExclusiveBit: 11, compoundHead: 'address' })
  expect(middle.pageTypeValues).toMatchObject({ buddy: 0xf0000000, table: 0xf2000000, slab: 0xf5000000 })
  expect(middle.deviceBase).toEqual({ private: 0, coherent: 0, fsdax: 1, devdax: 1, p2pdma: 1 })
  expect(newest).toMatchObject({ anonExclusiveBit: 11, compoundHead: 'mask' })
  expect(newest.deviceBase).toEqual({ private: 0, coherent: 0, fsdax: 0, devdax: 1, p2pdma: 0 })
  expect(newest.unknown.map(({ member, byte }) => `${member} ${byte}`)).toEqual([
    'folio.migrate_info 40',
    'slab.obj_exts_in_object 44',
    'slab.obj_exts_needs_objcg 44',
  ])
})
