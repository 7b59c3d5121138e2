import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Box, PageboxError, schemes } from 'pagebox'

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as PageboxError).code
  }
}

describe.each(schemes.names.filter((name) => name !== 'packed-32'))('pins of %s', (scheme) => {
  let box: Box
  beforeEach(() => {
    box = Box.create({ pages: 1024, scheme })
  })
  afterEach(() => {
    box.audit().assertClean()
    box.close()
  })

  test('a pinned page is never called unpinned', () => {
    box.pins.pin(42)
    expect(box.pins.maybePinned(42)).toBe(true)
    expect(box.pins.pins(42).pins).toBeGreaterThanOrEqual(1)
    box.pins.unpin(42)
  })

  test('a count is that many pins', () => {
    box.pins.pin(7, 3)
    const { pins, exact } = box.pins.pins(7)
    if (exact) expect(pins).toBe(3)
    else expect(pins).toBeGreaterThanOrEqual(3)
    expect(codeOf(() => box.pins.unpin(7, 4))).toBe('ERR_PAGEBOX_NOT_PINNED')
    box.pins.unpin(7, 2)
    box.pins.unpin(7)
  })

  test('an unpin of an unpinned page is refused and changes nothing', () => {
    box.pins.get(9)
    const before = box.page(9).words
    expect(codeOf(() => box.pins.unpin(9))).toBe('ERR_PAGEBOX_NOT_PINNED')
    expect(box.page(9).words).toEqual(before)
    box.pins.put(9)
    expect(codeOf(() => box.pins.put(9))).toBe('ERR_PAGEBOX_NOT_REFERENCED')
  })

  test('a pin of a tail goes to the head', () => {
    box.setup(512, { type: 'compound-head', order: 9 })
    expect(box.page(700).head).toBe(512)
    box.pins.pin(700)
    expect(box.pins.maybePinned(512)).toBe(true)
    box.pins.unpin(512)
  })

  test('first and last page', () => {
    for (const pfn of [0, 1023]) {
      box.pins.pin(pfn)
      box.pins.unpin(pfn)
    }
    expect(codeOf(() => box.pins.pin(1024))).toBe('ERR_PAGEBOX_PFN_RANGE')
  })
})

describe('a page that is free', () => {
  test('cannot be pinned, and tryPin says so', () => {
    const box = Box.create({ pages: 16, populate: 'none' })
    expect(box.page(3).type).toBe('free')
    expect(codeOf(() => box.pins.pin(3))).toBe('ERR_PAGEBOX_PAGE_FREE')
    expect(codeOf(() => box.pins.pinReferenced(3))).toBe('ERR_PAGEBOX_PAGE_FREE')
    expect(codeOf(() => box.pins.get(3))).toBe('ERR_PAGEBOX_PAGE_FREE')
    expect(box.pins.tryPin(3)).toBe(false)
    box.setup(3, { type: 'anon' })
    expect(box.pins.tryPin(3)).toBe(true)
    box.pins.unpin(3)
    box.audit().assertClean()
    box.close()
  })
})

test('the errors of pins carry the errno that the kernel has', () => {
  const box = Box.create({ pages: 16, populate: 'none' })
  try {
    box.pins.pin(3)
  } catch (error) {
    expect(error).toBeInstanceOf(PageboxError)
    expect(error).toMatchObject({ errno: 'EAGAIN', name: 'PageboxError' })
  }
  box.close()
})

test('pins may be taken off their object', () => {
  const box = Box.create({ pages: 16 })
  const { pin, unpin, maybePinned } = box.pins
  pin(1)
  expect(maybePinned(1)).toBe(true)
  unpin(1)
  box.close()
  expect(codeOf(() => pin(1))).toBe('ERR_PAGEBOX_CLOSED')
  expect(codeOf(() => maybePinned(1))).toBe('ERR_PAGEBOX_CLOSED')
})

describe('several boxes in one environment', () => {
  const create = (): Box => Box.create({ pages: 64, scheme: 'folio-pincount' })

  test('calls in turns go each to its own box', () => {
    const boxes = [create(), create(), create()]
    for (let round = 0; round < 3; round++)
      for (const [index, box] of boxes.entries()) {
        box.pins.pin(8 + index)
        if (round > 0) box.pins.get(20)
      }
    for (const [index, box] of boxes.entries()) {
      const pinned = [8, 9, 10].map((pfn) => box.pins.pins(pfn).pins)
      expect(pinned).toEqual([8, 9, 10].map((pfn) => (pfn === 8 + index ? 3 : 0)))
      box.pins.unpin(8 + index, 3)
      box.pins.put(20, 2)
      box.audit().assertClean()
      box.close()
    }
  })

  test('a closed one stays closed, whoever has its place since', () => {
    const closed = create()
    const { pin, maybePinned } = closed.pins
    closed.close()
    const later = Array.from({ length: 4 }, create)
    expect(codeOf(() => pin(3))).toBe('ERR_PAGEBOX_CLOSED')
    expect(codeOf(() => maybePinned(3))).toBe('ERR_PAGEBOX_CLOSED')
    for (const box of later) {
      expect(box.pins.maybePinned(3)).toBe(false)
      box.audit().assertClean()
      box.close()
    }
  })

  test('functions of a box that nobody else holds still go to it', async () => {
    const { pin, pins } = create().pins
    pin(5)
    for (let round = 0; round < 4; round++) {
      globalThis.gc?.()
      await new Promise((resolve) => setImmediate(resolve))
      const other = create()
      other.pins.pin(5, 2)
      other.close()
    }
    expect(pins(5).pins).toBe(1)
  })

  test.each([2 ** 32 + 3, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', 3n, null, { valueOf: () => 3 }])(
    'no page: %s',
    (pfn) => {
      const box = create()
      const other = create()
      const wanted = typeof pfn === 'number' ? 'ERR_PAGEBOX_PFN_RANGE' : 'ERR_PAGEBOX_ARG_TYPE'
      const { pin, unpin, get, put, pinReferenced, tryPin, maybePinned, pins } = box.pins
      for (const call of [pin, unpin, get, put, pinReferenced, tryPin, maybePinned, pins])
        expect(codeOf(() => call(pfn as number))).toBe(wanted)
      expect(other.pins.maybePinned(3)).toBe(false)
      for (const each of [box, other]) {
        each.audit().assertClean()
        each.close()
      }
    },
  )
})
