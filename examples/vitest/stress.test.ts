import { Box, race } from 'pagebox'
import { expect, test } from 'pagebox/vitest'

test('two threads on one hot page lose no pin', async () => {
  const box = Box.create({ pages: 1024, scheme: 'packed-64' })
  try {
    box.setup(0, { type: 'anon' })
    const result = await race(box, { threads: 2, ops: 100_000, pattern: 'hot', mix: { 'pin+unpin': 1 } })
    expect(result.audit).toPassAudit()
    expect(box.page(0)).not.toBePinned()
  } finally {
    box.close()
  }
})
