import { describe, expect, test } from 'vitest'
import { Box, room } from 'pagebox'

/** Names of the single bits that the scheme writes on such a page. */
const flagsOf = (scheme: string, pageType: 'anon' | 'devdax') =>
  room({ scheme, layout: 'linux-4.20', pageType })
    .claims.filter(({ bits, byRight }) => bits === 1 && !byRight)
    .map(({ field }) => field)

// Hubbard, 6 Dec 2018: a ZONE_DEVICE page is on no LRU, so there is nothing to remember.
describe('ZONE_DEVICE pages need one flag bit, not two', () => {
  test.each(['lru-overlay', 'flag-and-word'])('%s claims one there', (scheme) => {
    expect(flagsOf(scheme, 'anon')).toEqual(['pinned', 'was-LRU'])
    expect(flagsOf(scheme, 'devdax')).toEqual(['pinned'])
  })

  test('packed-64 has both in its word, and leaves the second one clear', () => {
    const box = Box.create({ pages: 512, layout: 'linux-4.20-zd', scheme: 'packed-64', populate: 'none' })
    try {
      box.setup(1, { type: 'devdax' })
      box.setup(2, { type: 'anon', onLru: true })
      box.pins.pin(1)
      box.pins.pin(2)
      expect(box.page(1).words[2]).toBe(0b101n)
      expect(box.page(2).words[2]).toBe(0b111n)
      box.pins.unpin(1)
      box.pins.unpin(2)
      box.audit().assertClean()
    } finally {
      box.close()
    }
  })
})
