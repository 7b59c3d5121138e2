import { describe, expect, test } from 'vitest'
import { Box } from 'pagebox'
import { agreed } from './agreed.ts'

// Williams and Hubbard, 4 Dec 2018: page->lru holds pgmap and hmm_data on ZONE_DEVICE pages.
describe('lru-overlay on ZONE_DEVICE pages of linux-4.20', () => {
  test.each(['device-private-anon', 'device-private-file', 'device-public-anon', 'fsdax'] as const)(
    'corrupts pgmap and hmm_data of %s',
    (pageType) => {
      const { cell, hit } = agreed({ scheme: 'lru-overlay', layout: 'linux-4.20', pageType })
      expect(cell).toBe('collides')
      expect(hit).toEqual(expect.arrayContaining(['pgmap', 'hmm_data']))
    },
  )

  test('one pin makes the pgmap pointer odd by its flag, and hmm_data a count', () => {
    const box = Box.create({ pages: 512, layout: 'linux-4.20', scheme: 'lru-overlay', populate: 'none' })
    try {
      box.setup(7, { type: 'device-private-anon' })
      const before = box.page(7).fields
      box.pins.pin(7, 3)
      const { words } = box.page(7)
      expect(words[1]).not.toBe(before.pgmap)
      expect(words[2]).not.toBe(before.hmm_data)
      expect((words[2] as bigint) & 0xffff_ffffn).toBe(3n)
      box.pins.unpin(7, 3)
      expect(box.audit().clean).toBe(false)
      expect(box.audit().rows.map(({ field }) => field)).toEqual(expect.arrayContaining(['hmm_data']))
    } finally {
      box.close()
    }
  })

  test('fits where nothing but the LRU uses the words', () => {
    for (const pageType of ['anon', 'file'] as const)
      expect(agreed({ scheme: 'lru-overlay', layout: 'linux-4.20', pageType }).cell).toBe('fits')
  })
})
