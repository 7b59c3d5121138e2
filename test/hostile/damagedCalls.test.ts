import { Box, PageboxError, schemes } from 'pagebox'
import { expect, test } from 'vitest'

schemes.define({
  name: 'count-in-private',
  protocol: 'flag-and-word',
  pinned: { word: 0, bit: 'lowest-free' },
  countWord: 5,
  countBits: 32,
})

test('a call that waits for a damaged page throws in time, and the box goes on', () => {
  using box = Box.create({ pages: 4096, scheme: 'count-in-private' })
  const mm = box.createMm()
  const buf = mm.mmap({ pages: 1 })
  buf.store(0, 7)
  // Swapped out, then forked: who faults first leaves the page in the swap cache for the other.
  buf.advise('pageout')
  const child = mm.fork()
  const ofChild = child.at(buf.address)
  expect(ofChild.load()).toBe(7n)
  const [pfn] = ofChild.pfns() as [number]
  box.pins.pin(pfn, 2) // counts over the swap entry in `private`
  let thrown: unknown
  const began = performance.now()
  try {
    buf.load()
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(PageboxError)
  expect(thrown).toMatchObject({ code: 'ERR_PAGEBOX_CORRUPT', errno: 'EFAULT' })
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(box.audit().clean).toBe(false)
  box.pins.unpin(pfn, 2)
  const other = mm.mmap({ pages: 1 })
  other.store(0, 9)
  expect(other.load()).toBe(9n)
})
