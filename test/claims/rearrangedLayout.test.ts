import { describe, expect, test } from 'vitest'
import { Box, layouts } from 'pagebox'
import { agreed } from './agreed.ts'

const hmmPages = ['device-private-anon', 'device-private-file', 'device-public-anon'] as const

// Wilcox, 4 Dec 2018: pgmap and hmm_data move to the last two words. Glisse: HMM uses those.
describe('the rearranged layout linux-4.20-zd', () => {
  test('frees the LRU words of every ZONE_DEVICE page', () => {
    for (const pageType of ['device-private-anon', 'fsdax', 'devdax', 'p2pdma'] as const)
      expect(agreed({ scheme: 'lru-overlay', layout: 'linux-4.20-zd', pageType }).cell).toBe('fits')
  })

  test.each(hmmPages)('takes the words that index and private of %s need', (pageType) => {
    const contested = layouts.get('linux-4.20-zd').fields.filter((f) => f.contested && f.types.includes(pageType))
    expect(contested.map(({ name }) => name).sort()).toEqual(['index', 'private'])
    for (const wanted of contested) {
      const holder = layouts
        .get('linux-4.20-zd')
        .fields.find((f) => !f.contested && f.types.includes(pageType) && f.offsetBytes === wanted.offsetBytes)
      expect(holder?.name).toBe(wanted.name === 'index' ? 'pgmap' : 'hmm_data')
    }
  })

  test('an index written where HMM keeps it destroys the pgmap pointer', () => {
    const box = Box.create({
      pages: 512,
      layout: 'linux-4.20-zd',
      scheme: 'refcount',
      ledger: false,
      populate: 'none',
    })
    const direct = box.pins.direct()
    try {
      box.setup(9, { type: 'device-private-anon' })
      const index = layouts.get('linux-4.20-zd').fields.find((f) => f.contested && f.name === 'index')
      const at = 9 * 64 + (index?.offsetBytes as number)
      const descriptor = new BigUint64Array((direct.windows[0] as { words: Int32Array }).words.buffer)
      const pgmap = box.page(9).fields.pgmap
      expect(descriptor[at / 8]).toBe(pgmap)
      Atomics.store(descriptor, at / 8, 0x1234n)
      expect(box.page(9).fields.pgmap).toBe(0x1234n)
      expect(box.audit().rows.map(({ field }) => field)).toContain('pgmap')
    } finally {
      direct.close()
      box.close()
    }
  })
})
