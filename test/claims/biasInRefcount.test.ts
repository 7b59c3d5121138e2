import { describe, expect, test } from 'vitest'
import { Box, layouts, pageTypes, schemes } from 'pagebox'
import { agreed } from './agreed.ts'

const bias = 1024

function withBox(pages: number, use: (box: Box) => void, ledger = true): void {
  const box = Box.create({ pages, scheme: 'refcount-bias', populate: 'none', ledger })
  try {
    use(box)
  } finally {
    box.close()
  }
}

// Linux 5.7: GUP_PIN_COUNTING_BIAS.
describe('the bias in _refcount', () => {
  test('fits every page type of every layout', () => {
    for (const layout of layouts)
      for (const pageType of pageTypes)
        for (const order of [0, 9])
          expect(['fits', 'impossible', 'refused']).toContain(
            agreed({ scheme: 'refcount-bias', layout: layout.name, pageType, order }).cell,
          )
    for (const layout of layouts)
      expect(agreed({ scheme: 'refcount-bias', layout: layout.name, pageType: 'anon' }).cell).toBe('fits')
  })

  test('is fuzzy from 1024 references on', () =>
    withBox(512, (box) => {
      box.setup(1, { type: 'file', mapcount: 0, onLru: false })
      const own = box.page(1).refcount
      box.pins.get(1, bias - own - 1)
      expect(box.page(1).refcount).toBe(bias - 1)
      expect(box.pins.maybePinned(1)).toBe(false)
      box.pins.get(1)
      expect(box.pins.maybePinned(1)).toBe(true)
      expect(box.pins.pins(1).exact).toBe(false)
      box.pins.put(1, bias - own)
      box.audit().assertClean()
    }))

  test('stays positive for 2^21 - 1 pins; beside the ledger the pin that would cross is refused', () => {
    const most = 2 ** 21 - 1
    withBox(512, (box) => {
      box.setup(1, { type: 'anon' })
      box.pins.pin(1, most)
      expect(box.page(1).refcount).toBeGreaterThan(0)
      expect(() => box.pins.pin(1)).toThrowError(expect.objectContaining({ code: 'ERR_PAGEBOX_PIN_LIMIT' }))
      box.audit().assertClean()
      box.pins.unpin(1, most)
      box.audit().assertClean()
    })
  })

  // The kernel keeps no ledger.
  test('stays positive for 2^21 - 1 pins; the pin that crosses is kept and seen, the next refused', () => {
    const most = 2 ** 21 - 1
    const kernels = false
    expect(schemes.get('refcount-bias').maxPins).toBe(BigInt(most))
    withBox(
      512,
      (box) => {
        box.setup(1, { type: 'anon' })
        box.pins.pin(1, most)
        expect(box.page(1).refcount).toBeGreaterThan(0)
        box.pins.pin(1)
        expect(box.page(1).refcount).toBeLessThan(0)
        expect(box.pins.maybePinned(1)).toBe(true)
        expect(box.audit().clean).toBe(false)
        expect(() => box.pins.pin(1)).toThrowError(
          expect.objectContaining({ code: expect.stringMatching(/PIN_LIMIT|PAGE_FREE/) }),
        )
        box.pins.unpin(1, most)
        box.pins.unpin(1)
        box.audit().assertClean()
      },
      kernels,
    )
  })

  test('a whole 2 MiB compound page, pinned page by page, overflows in the 4096th round', () =>
    withBox(
      1024,
      (box) => {
        box.setup(512, { type: 'compound-head', order: 9 })
        const pfns = Uint32Array.from({ length: 512 }, (_, i) => 512 + i)
        let rounds = 0
        while (box.page(512).refcount > 0 && rounds < 5000) {
          box.pins.pinMany(pfns)
          rounds += 1
        }
        expect(rounds).toBe(4096)
        for (let i = 0; i < rounds; i++) box.pins.unpinMany(pfns)
        box.audit().assertClean()
      },
      false,
    ))
})
