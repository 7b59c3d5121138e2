import { describe, expect, test } from 'pagebox/vitest'

describe('pins', () => {
  test('a pinned page says so, with the words to prove it', ({ box }) => {
    box.pins.pin(42)
    expect(box.page(42)).toBePinned()
    expect(box.page(42)).toHavePins(1)
    box.pins.unpin(42)
    expect(box.page(42)).not.toBePinned()
  })

  test('a pin of a tail goes to the head', ({ box }) => {
    box.setup(512, { type: 'compound-head', order: 9 })
    box.pins.pin(512 + 7)
    expect(box.page(512)).toHavePins(1)
    box.pins.unpin(512 + 7)
  })

  test('a pin leaves the mapping of the page alone', ({ box }) => {
    box.setup(3, { type: 'file' })
    const { mapping, index } = box.page(3).fields
    box.pins.pin(3)
    expect(box.page(3)).toHoldFields({ mapping: mapping as bigint, index: index as bigint })
    box.pins.unpin(3)
    expect(box).toPassAudit()
  })
})
