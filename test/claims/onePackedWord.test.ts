import { describe, expect, test } from 'vitest'
import { Box, schemes } from 'pagebox'
import { agreed } from './agreed.ts'

// Hubbard, 6 Dec 2018: pinned, was-LRU and a count fit one 64-bit field.
describe('flags and count in one word', () => {
  test('64 bits: two flags and 62 bits of count', () => {
    expect(schemes.get('packed-64').countBits).toBe(62)
    // The word would hold 2^62 - 1; each pin is a reference as well, and _refcount ends first.
    expect(schemes.get('packed-64').maxPins).toBe(2n ** 31n - 1n)
    expect(agreed({ scheme: 'packed-64', layout: 'linux-4.20', pageType: 'anon' }).cell).toBe('fits')
  })

  test('32 bits: the same flags and the 30 bits of count that are left', () => {
    expect(schemes.get('packed-32').countBits).toBe(30)
    expect(schemes.get('packed-32').maxPins).toBe(2n ** 30n - 1n)
    for (const layout of ['linux-4.20', 'linux-4.20-32'])
      expect(agreed({ scheme: 'packed-32', layout, pageType: 'anon' }).cell).toBe('fits')
  })

  test('the 64-bit word does not exist where words have 4 bytes', () => {
    const found = agreed({ scheme: 'packed-64', layout: 'linux-4.20-32', pageType: 'anon' })
    expect(found.cell).toBe('refused')
    expect(found.reason).toMatch(/4/)
  })

  test.each([
    ['packed-64', 'linux-4.20'],
    ['packed-32', 'linux-4.20-32'],
  ])('%s counts in memory of %s: pinned, was-LRU, count', (scheme, layout) => {
    const box = Box.create({ pages: 512, layout, scheme, populate: 'none' })
    try {
      box.setup(5, { type: 'anon', onLru: true })
      box.pins.pin(5, 6)
      const { wordBytes } = { wordBytes: layout.endsWith('-32') ? 4 : 8 }
      expect(box.page(5).words[2], `word 2 of ${wordBytes} bytes`).toBe((6n << 2n) | 0b11n)
      expect(box.page(5).lru).toBeNull()
      box.pins.unpin(5, 6)
      expect(box.page(5).lru).not.toBeNull()
      box.audit().assertClean()
    } finally {
      box.close()
    }
  })
})
