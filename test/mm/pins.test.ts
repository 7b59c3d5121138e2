import { Box, schemes } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { box, mm } from './freshBox.ts'
import { codeOf, errnoOf, errorOf } from './errors.ts'

describe('pins of a mapping', () => {
  test.each([{}, { write: true }, { longterm: true }, { fast: false }, { write: true, longterm: true, fast: false }])(
    'with %o are the pins of the pages that box.pins sees',
    (how) => {
      const buf = mm.mmap({ pages: 4 })
      buf.fill(5)
      const pins = buf.pin(how)
      expect([...pins.pfns]).toEqual(buf.pfns())
      for (const pfn of pins.pfns) expect(box.pins.maybePinned(pfn)).toBe(true)
      expect([...pins.words()]).toEqual([5n, 6n, 7n, 8n])
      box.audit().assertClean()
      pins.unpin()
      for (const pfn of buf.pfns()) expect(box.pins.maybePinned(pfn as number)).toBe(false)
    },
  )

  test('see what a device writes, and the device what the program writes', () => {
    const buf = mm.mmap({ pages: 2 })
    const pins = buf.pin({ write: true })
    pins.store(1, 77n, 3)
    expect(buf.load(1, 3)).toBe(77n)
    buf.store(0, 9)
    expect(pins.load()).toBe(9n)
    pins.write(new Uint8Array([1, 2, 3]), 4095)
    expect([...buf.read(4095, 3)]).toEqual([1, 2, 3])
    expect([...pins.read(4095, 3)]).toEqual([1, 2, 3])
    pins.unpin()
  })

  test('outlive the mapping and the process, and the audit knows why', () => {
    const buf = mm.mmap({ pages: 3 })
    buf.fill(1)
    const pins = buf.pin()
    const [first] = pins.pfns
    buf.unmap()
    expect(box.pins.maybePinned(first as number)).toBe(true)
    expect(pins.load(2)).toBe(3n)
    box.audit().assertClean()
    mm.close()
    box.audit().assertClean()
    pins.unpin()
    expect(box.page(first as number).type).toBe('free')
  })

  test('are not given back twice, nor by someone else', () => {
    const buf = mm.mmap({ pages: 1 })
    buf.store(0, 1)
    const pins = buf.pin()
    const [pfn] = pins.pfns as unknown as [number]
    expect(codeOf(() => box.pins.unpin(pfn))).toBe('ERR_PAGEBOX_NOT_PINNED')
    expect(codeOf(() => box.pins.unpinMany(pins.pfns))).toBe('ERR_PAGEBOX_NOT_PINNED')
    expect(codeOf(() => box.pins.put(pfn))).toBe('ERR_PAGEBOX_NOT_REFERENCED')
    box.pins.pin(pfn)
    box.pins.get(pfn)
    box.audit().assertClean()
    pins.unpin()
    expect(codeOf(() => pins.unpin())).toBe('ERR_PAGEBOX_NOT_PINNED')
    expect(codeOf(() => pins.read())).toBe('ERR_PAGEBOX_NOT_PINNED')
    expect(box.pins.maybePinned(pfn)).toBe(true)
    buf.unmap()
    box.audit().assertClean()
    box.pins.unpin(pfn)
    box.pins.put(pfn)
    expect(box.page(pfn).type).toBe('free')
  })

  test('are all or nothing', () => {
    const buf = mm.mmap({ pages: 4 })
    buf.fill(1)
    buf.slice(2, 1).unmap()
    const error = errorOf(() => buf.pin())
    expect(error).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED', errno: 'EFAULT', index: 2 })
    for (const pfn of buf.pfns()) if (pfn !== null) expect(box.pins.maybePinned(pfn)).toBe(false)
  })

  test('of a read-only mapping for writing are refused, unless forced', () => {
    const buf = mm.mmap({ pages: 1 })
    buf.store(0, 5)
    buf.protect('r')
    expect(errnoOf(() => buf.pin({ write: true }))).toBe('EFAULT')
    buf.pin({ write: true, force: true }).unpin()
    buf.pin().unpin()
  })

  test('of the zero page pin nothing; for writing there is a page', () => {
    const buf = mm.mmap({ pages: 1 })
    expect(buf.load()).toBe(0n)
    const pins = buf.pin({ write: true })
    buf.store(0, 4)
    expect(pins.load()).toBe(4n)
    pins.unpin()
  })

  test('keep their pages in the parent when it forks', () => {
    const buf = mm.mmap({ pages: 1 })
    buf.store(0, 1)
    const pins = buf.pin({ write: true })
    const child = mm.fork()
    buf.store(0, 2)
    expect(pins.load()).toBe(2n)
    expect(child.at(buf.address).load()).toBe(1n)
    box.audit().assertClean()
    pins.unpin()
  })

  test('end with a scope', () => {
    const buf = mm.mmap({ pages: 1 })
    const pins = buf.pin({ write: true })
    pins[Symbol.dispose]()
    pins[Symbol.dispose]()
    expect(pins.held).toBe(false)
  })
})

test('a plain reference looks like any other, and keeps its page', () => {
  const buf = mm.mmap({ pages: 2 })
  buf.fill(3)
  const held = buf.get({ write: true })
  const [pfn] = held.pfns as unknown as [number]
  expect(box.pins.maybePinned(pfn)).toBe(false)
  buf.unmap()
  expect([...held.words()]).toEqual([3n, 4n])
  box.audit().assertClean()
  held.put()
  expect(codeOf(() => held.put())).toBe('ERR_PAGEBOX_NOT_REFERENCED')
})

describe('every scheme', () => {
  const layouts = ['linux-6.12', 'linux-4.20'] as const
  for (const layout of layouts)
    test.each(schemes.list().map(({ name }) => name))(`%s on ${layout} counts pins of address spaces`, (scheme) => {
      let other: Box
      try {
        other = Box.create({ pages: 2048, scheme, layout })
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_PAGEBOX_NO_ROOM' })
        return
      }
      try {
        const process = other.createMm()
        const buf = process.mmap({ pages: 4 })
        buf.fill(1)
        other.lru.drain()
        const pins = buf.pin({ write: true })
        for (const pfn of pins.pfns) if (scheme !== 'refcount') expect(other.pins.maybePinned(pfn)).toBe(true)
        other.audit().assertClean()
        buf.store(0, 9)
        expect(pins.load()).toBe(9n)
        pins.unpin()
        expect([...buf.words()]).toEqual([9n, 2n, 3n, 4n])
        other.audit().assertClean()
        process.close()
        other.audit().assertClean()
      } finally {
        other.close()
      }
    })
})
