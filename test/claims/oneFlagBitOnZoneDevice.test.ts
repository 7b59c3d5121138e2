import { describe, expect, test } from 'vitest'
import { room } from 'pagebox'

/** Flag bits, outside the counter, that the scheme writes on such a page. */
const flagBits = (scheme: string, pageType: 'anon' | 'devdax') =>
  room({ scheme, layout: 'linux-4.20', pageType })
    .claims.filter(({ bits }) => bits <= 2)
    .reduce((sum, { bits }) => sum + bits, 0)

// Hubbard, 6 Dec 2018: a ZONE_DEVICE page is on no LRU, so there is nothing to remember.
describe('ZONE_DEVICE pages need one flag bit, not two', () => {
  test.each(['lru-overlay', 'flag-and-word', 'packed-64'])('%s', (scheme) => {
    expect(flagBits(scheme, 'anon')).toBe(2)
    expect(flagBits(scheme, 'devdax')).toBe(1)
  })
})
