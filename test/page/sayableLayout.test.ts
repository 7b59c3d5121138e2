import { describe, expect, test } from 'vitest'
import { Box, type LayoutDefinition, layouts, PageboxError, probe, room, schemes } from 'pagebox'

let defined = 0
/** A built-in layout with something changed. */
function changed(base: string, change: (from: LayoutDefinition) => Partial<LayoutDefinition>): string {
  const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...rest } = layouts.get(base)
  const definition = structuredClone(rest) as LayoutDefinition
  const name = `says-${++defined}`
  layouts.define({ ...definition, ...change(definition), name })
  return name
}

function everyCellAgrees(name: string): void {
  const layout = layouts.get(name)
  for (const { name: scheme } of schemes)
    for (const pageType of layout.types)
      for (const order of [0, 1, 2, 9]) {
        const cell = { scheme, layout: name, pageType, order }
        expect(probe(cell).cell, `${scheme} on ${pageType}, order ${order}`).toBe(room(cell).cell)
      }
}

function usesMemory(name: string): void {
  const box = Box.create({ pages: 2048, layout: name })
  const parent = box.createMm()
  const memory = parent.mmap({ pages: 8 })
  memory.store(0, 7n)
  const child = parent.fork()
  const pins = memory.pin({ write: true })
  expect(pins.load()).toBe(7n)
  pins.unpin()
  box.audit().assertClean()
  child.close()
  box.close()
}

describe('a flag that the tables do not know', () => {
  const withFlag = (bit: number, name = 'my_flag') =>
    changed('linux-6.12', ({ flags }) => ({ flags: [...flags, { name, bit }] }))

  test('is live: it takes a bit from those that are free, and a scheme that claims it collides', () => {
    const base = layouts.get('linux-6.12')
    const name = withFlag(base.lowestFreeFlagBit)
    expect(layouts.get(name).freeFlagBits).toBe(base.freeFlagBits - 1)
    expect(layouts.get(name).lowestFreeFlagBit).toBe(base.lowestFreeFlagBit + 1)
    expect(layouts.get(name).flags.at(-1)).toEqual({ name: 'my_flag', bit: base.lowestFreeFlagBit })
    everyCellAgrees(name)
    usesMemory(name)
  })

  test.each([
    ['a bit that another has', () => withFlag(5), /my_flag: lru: share bit 5/],
    ['a bit of the zone', () => withFlag(55), /share bit 55/],
    ['a name with escapes', () => withFlag(24, '\u001b[31m'), /letters, digits/],
    [
      'a name twice',
      () =>
        changed('linux-6.12', ({ flags }) => ({
          flags: [...flags, { name: 'mine', bit: 24 }, { name: 'mine', bit: 25 }],
        })),
      /mine: is declared twice/,
    ],
  ])('%s is refused', (_, define, what) => {
    expect(define).toThrow(PageboxError)
    expect(define).toThrow(what)
  })
})

describe('zones', () => {
  test('have the numbers that the layout gives them', () => {
    const name = changed('linux-6.12', ({ kconfig }) => ({
      kconfig: { ...kconfig, zoneBits: 2, zoneNormal: 1, zoneDevice: 3 },
    }))
    const { shift, bits } = layouts.get(name).highFields.find((field) => field.name === 'zone')!
    expect(bits).toBe(2)
    const box = Box.create({ pages: 64, layout: name })
    const zoneOf = (pfn: number) => (box.page(pfn).words[0]! >> BigInt(shift)) & 3n
    box.setup(3, { type: 'anon' })
    expect(zoneOf(3)).toBe(1n)
    box.setup(4, { type: 'device-coherent' })
    expect(zoneOf(4)).toBe(3n)
    expect(box.page(4).type).toBe('device-coherent')
    box.close()
    everyCellAgrees(name)
    usesMemory(name)
  })

  test('that do not fit their bits are refused', () => {
    const zones = (zoneNormal: number, zoneDevice: number) => () =>
      changed('linux-6.12', ({ kconfig }) => ({ kconfig: { ...kconfig, zoneBits: 2, zoneNormal, zoneDevice } }))
    expect(zones(1, 4)).toThrow(/ZONE_DEVICE: is zone 4: it needs 3 zone bits/)
    expect(zones(3, 3)).toThrow(/the zone of RAM/)
  })
})

describe('word 1 of a tail', () => {
  test('is a mask where the layout says so, and leads to the head', () => {
    const name = changed('linux-6.12', () => ({ compoundHead: 'mask' }))
    const box = Box.create({ pages: 1024, layout: name, scheme: 'folio-pincount' })
    box.setup(512, { type: 'compound-head', order: 9 })
    expect(box.page(513).words[1]).toBe(BigInt.asUintN(64, ~(BigInt(64 << 9) - 1n)) | 1n)
    expect(box.page(777).words[1]).toBe(box.page(513).words[1])
    box.pins.pin(777)
    expect(box.pins.pins(512)).toEqual({ pins: 1, exact: true })
    box.pins.unpin(777)
    box.audit().assertClean()
    box.close()
    everyCellAgrees(name)
    usesMemory(name)
  })

  test('is none where strides are no powers of two', () => {
    expect(() => changed('linux-6.12-32', () => ({ compoundHead: 'mask' }))).toThrow(/power of two/)
  })
})

test('PG_anon_exclusive has the bit of the flag that the layout names', () => {
  const name = changed('linux-6.12', ({ flags }) => ({
    flags: flags.map((flag) => (flag.name === 'owner_2' ? { ...flag, name: 'mappedtodisk' } : flag)),
    anonExclusiveFlag: 'mappedtodisk',
  }))
  const box = Box.create({ pages: 64, layout: name })
  const memory = box.createMm().mmap({ pages: 1 })
  memory.store(0, 7n)
  const pfn = memory.pagemap()[0]!.pfn!
  expect(box.page(pfn).words[0]! & (1n << 11n)).not.toBe(0n)
  box.audit().assertClean()
  box.close()
  everyCellAgrees(name)
})

test('a descriptor without a word for the cgroup has 56 bytes', () => {
  const name = changed('linux-6.12', ({ fields, kconfig }) => ({
    strideBytes: 56,
    kconfig: { ...kconfig, memcg: false, alignBytes: 8 },
    fields: fields.filter(({ offsetBytes }) => offsetBytes < 56),
  }))
  expect(layouts.get(name).strideBytes).toBe(56)
  everyCellAgrees(name)
  usesMemory(name)
  expect(() => changed('linux-6.12', () => ({ strideBytes: 48 }))).toThrow(/allowed: 56 to 256/)
})

test('KASAN tags lie below last_cpupid', () => {
  const name = changed('linux-6.12', ({ kconfig }) => ({ kconfig: { ...kconfig, kasanTagBits: 8 } }))
  const fields = layouts.get(name).highFields.map((field) => field.name)
  expect(fields).toEqual(['node', 'zone', 'last_cpupid', 'kasan_tag', 'lru_gen', 'lru_refs'])
  everyCellAgrees(name)
  usesMemory(name)
})
