import { describe, expect, test } from 'vitest'
import { layouts, type PageType, schemes } from 'pagebox'
import { agreed } from './agreed.ts'

/** Words 1 to 5 in which some field of the type is live. */
function liveWords(layoutName: string, pageType: PageType): number[] {
  const { fields, wordBytes } = layouts.get(layoutName)
  const words = fields
    .filter((field) => field.types.includes(pageType))
    .map((field) => Math.floor(field.offsetBytes / wordBytes))
    .filter((word) => word >= 1 && word <= 5)
  return [...new Set(words)].sort((a, b) => a - b)
}

// Hubbard counted four of five (pgmap, hmm_data, index, private) and took the pad for free.
describe('HMM leaves no word of the union', () => {
  test('mapping and index are live on anonymous device-private pages: five of five, not four', () => {
    expect(liveWords('linux-4.20', 'device-private-anon')).toEqual([1, 2, 3, 4, 5])
  })

  test('a file-backed device-private page leaves none either', () => {
    expect(liveWords('linux-4.20', 'device-private-file')).toEqual([1, 2, 3, 4, 5])
  })

  test.each(['device-private-anon', 'device-private-file'] as const)(
    'so every scheme that wants one of those words collides on %s',
    (pageType) => {
      for (const scheme of ['lru-overlay', 'packed-64', 'packed-32', 'flag-and-word'])
        expect(agreed({ scheme, layout: 'linux-4.20', pageType }).cell, scheme).toBe('collides')
    },
  )

  test('and a scheme declared for any of the five words does, too', () => {
    for (let word = 1; word <= 5; word++) {
      const scheme = schemes.define({
        name: `claims-word-${word}`,
        protocol: 'packed-word',
        countWord: word,
        countShift: 3,
        countBits: 61,
        packedBits: 64,
        pinned: { word, bit: 1 },
        // Words 3 to 5 stay the page's own while it is on no list.
        ...(word <= 2 && { wasLru: { word, bit: 2 } }),
      })
      expect(agreed({ scheme, layout: 'linux-4.20', pageType: 'device-private-anon' }).cell, `word ${word}`).toBe(
        'collides',
      )
    }
  })
})
