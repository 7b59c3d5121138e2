import { describe, expect, test } from 'vitest'
import { Box, type Layout, layouts } from 'pagebox'

/** The layout built without CONFIG_MEMCG: the last word is gone. */
function withoutMemcg(from: Layout, strideBytes: number): Layout {
  const { wordBytes, era, types, compoundTypes, flags, pincount } = from
  const { mapcountOffsetBytes, refcountOffsetBytes, orderOffsetBytes } = from
  return layouts.define({
    name: `${from.name}-no-memcg-${strideBytes}`,
    wordBytes,
    strideBytes,
    kconfig: { ...from.kconfig, memcg: false },
    era,
    types,
    compoundTypes,
    flags,
    fields: from.fields.filter(({ offsetBytes }) => offsetBytes <= refcountOffsetBytes),
    pincount,
    mapcountOffsetBytes,
    refcountOffsetBytes,
    orderOffsetBytes,
  })
}

// Hubbard, 7 Dec 2018: an atomic_t behind _refcount. What it costs depends on what stood there.
describe('a counter field of its own', () => {
  test('64-bit with MEMCG: 64 to 80 bytes, 1.95 % of RAM instead of 1.56 %', () => {
    expect(layouts.get('linux-4.20').strideBytes).toBe(64)
    expect(layouts.get('linux-4.20').ownCounterStrideBytes).toBe(80)
    expect(layouts.get('linux-4.20-counter').strideBytes).toBe(80)
    expect((80 / 4096) * 100).toBeCloseTo(1.953, 3)
  })

  test('64-bit without MEMCG: nothing, 64 bytes hold it', () => {
    expect(withoutMemcg(layouts.get('linux-4.20'), 64).ownCounterStrideBytes).toBe(64)
  })

  test('32-bit with MEMCG: 36 to 40 bytes', () => {
    expect(layouts.get('linux-4.20-32').strideBytes).toBe(36)
    expect(layouts.get('linux-4.20-32').ownCounterStrideBytes).toBe(40)
  })

  test('32-bit without MEMCG: 32 to 36 bytes', () => {
    expect(layouts.get('linux-4.20-zd-32').ownCounterStrideBytes).toBe(36)
  })

  test('its descriptors really lie that far apart, and count exactly', () => {
    const box = Box.create({ pages: 512, layout: 'linux-4.20', scheme: 'own-counter', populate: 'none' })
    try {
      box.setup(3, { type: 'device-private-anon' })
      box.pins.pin(3, 5)
      expect(box.page(3).words).toHaveLength(10)
      expect(box.pins.pins(3)).toEqual({ pins: 5, exact: true })
      box.pins.unpin(3, 5)
      box.audit().assertClean()
    } finally {
      box.close()
    }
  })
})
