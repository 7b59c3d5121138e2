import { Box, schemes } from 'pagebox'
import { describe, expect, test } from 'pagebox/vitest'

describe.each([...schemes].map(({ name }) => name))('%s', (scheme) => {
  test('forgets a page when the last pin is gone', () => {
    const box = Box.create({ pages: 1024, scheme })
    try {
      box.pins.pin(7)
      box.pins.pin(7)
      box.pins.unpin(7)
      box.pins.unpin(7)
      expect(box).toPassAudit()
    } finally {
      box.close()
    }
  })
})
