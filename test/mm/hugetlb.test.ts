import { Box, decodeWords, type Mm } from 'pagebox'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf, errnoOf, errorOf } from './errors.ts'

const hugeBytes = 1n << 21n

let box: Box
let mm: Mm<Box>
beforeEach(() => {
  box = Box.create({ pages: 1 << 13, hugetlbPages: 4, scheme: 'folio-pincount' })
  mm = box.createMm()
})
afterEach(() => {
  try {
    if (box.closed) return
    box.audit().assertClean()
    for (const each of mm.vmas) mm.at(each.address, each.pages).unmap()
    box.audit().assertClean()
  } finally {
    box.close()
  }
})

const huge = (count = 1) => mm.mmap({ pages: 512 * count, hugetlb: true })

describe('the pool', () => {
  test('is there from the start, promises at mmap, and gives at the first touch', () => {
    expect(box.hugetlb).toEqual({ pages: 4, free: 4, reserved: 0 })
    const buf = huge(2)
    expect(box.hugetlb).toEqual({ pages: 4, free: 4, reserved: 2 })
    buf.store(0, 1n)
    expect(box.hugetlb).toEqual({ pages: 4, free: 3, reserved: 1 })
    buf.unmap()
    expect(box.hugetlb).toEqual({ pages: 4, free: 4, reserved: 0 })
  })

  test('of a box without one is empty, before and after the machine is there', () => {
    const other = Box.create({ pages: 1024 })
    expect(other.hugetlb).toEqual({ pages: 0, free: 0, reserved: 0 })
    other.createMm()
    expect(other.hugetlb).toEqual({ pages: 0, free: 0, reserved: 0 })
    other.close()
  })

  test('is full again after a reset', () => {
    const buf = huge()
    buf.store(0, 1n)
    expect(errnoOf(() => box.reset())).toBe('EBUSY')
    mm.close()
    box.reset()
    expect(box.hugetlb).toEqual({ pages: 4, free: 4, reserved: 0 })
    mm = box.createMm()
    huge().store(0, 2n)
  })

  test('belongs to the box: what is left open comes back', () => {
    const child = mm.fork()
    child.mmap({ pages: 1024, hugetlb: true }).store(0, 1n)
    child.close()
    expect(box.hugetlb.free).toBe(4)
  })

  test('has no more pages than the box', () => {
    const create = (pages: number, hugetlbPages: number) => () => Box.create({ pages, hugetlbPages }).close()
    expect(errorOf(create(1024, 2))).toMatchObject({ code: 'ERR_PAGEBOX_ARG_RANGE', argument: 'options.hugetlbPages' })
    expect(codeOf(create(100, 1))).toBe('ERR_PAGEBOX_ARG_RANGE')
    create(1024, 1)()
    create(100, 0)()
  })

  test.each(['linux-4.20', 'linux-6.12'])('in %s, where a page says otherwise what it is', (layout) => {
    const old = Box.create({ pages: 4096, hugetlbPages: 2, layout })
    const buf = old.createMm().mmap({ pages: 512, hugetlb: true })
    buf.store(3, 5n)
    expect(buf.pagemap()[3]?.flags).toContain('HUGE')
    const pins = buf.pin({ write: true })
    const child = buf.mm.fork()
    child.at(buf.address, 512).store(3, 6n)
    expect(pins.load(3)).toBe(5n)
    old.audit().assertClean()
    pins.unpin()
    child.close()
    buf.unmap()
    old.audit().assertClean()
    expect(old.hugetlb.free).toBe(2)
    old.close()
  })
})

describe('a mapping', () => {
  test('shows what it is made of', () => {
    const buf = huge()
    buf.store(5, 7n)
    expect(mm.vmas).toMatchObject([{ address: buf.address, pages: 512, hugetlb: true, kind: 'anon-private' }])
    const pages = buf.pagemap()
    expect(pages.every(({ state, mapcount, exclusive }) => state === 'present' && mapcount === 1 && exclusive)).toBe(
      true,
    )
    expect(pages[0]?.flags).toEqual(['UPTODATE', 'MMAP', 'ANON', 'COMPOUND_HEAD', 'HUGE', 'ANON_EXCLUSIVE'])
    expect(pages[5]?.flags).toContain('COMPOUND_TAIL')
    expect(pages[5]?.pfn).toBe((pages[0]?.pfn as number) + 5)
    expect((pages[0]?.pfn as number) % 512).toBe(0)
    const { words } = box.page(pages[0]?.pfn as number)
    expect(decodeWords(words)).toMatchObject({ type: 'compound-head', typeReason: 'page_type says hugetlb' })
    expect(mm.counters()).toMatchObject({ size: 512, rss: 512, anon: 512 })
  })

  test('is nothing that is swapped, moved or merged', () => {
    const buf = huge()
    buf.fill(1)
    const pfns = buf.pfns()
    expect(box.reclaim()).toBe(0)
    expect(box.compact()).toBe(0)
    mm.clearRefs()
    expect(buf.pfns()).toEqual(pfns)
    expect(errnoOf(() => buf.advise('pageout'))).toBe('EINVAL')
    expect(errnoOf(() => buf.advise('free'))).toBe('EINVAL')
    mm.mmap({ pages: 512, hugetlb: true, address: buf.address + hugeBytes })
    expect(mm.vmas).toHaveLength(2)
  })

  test('is given back and promised again by dontneed', () => {
    const buf = huge()
    buf.store(0, 1n)
    buf.advise('dontneed')
    expect(box.hugetlb).toEqual({ pages: 4, free: 4, reserved: 1 })
    expect(buf.load(0)).toBe(0n)
  })

  test('moves with what it was promised', () => {
    const buf = huge(2)
    buf.store(1, 3n)
    const moved = buf.remap()
    expect(moved.load(1)).toBe(3n)
    expect(box.hugetlb).toEqual({ pages: 4, free: 3, reserved: 1 })
  })
})

describe('fork', () => {
  test('shares, and a write copies the whole of it', () => {
    const buf = huge()
    buf.store(9, 1n)
    const child = mm.fork()
    const theirs = child.at(buf.address, 512)
    expect(theirs.pfns()).toEqual(buf.pfns())
    theirs.store(8, 2n)
    expect([theirs.load(8), theirs.load(9), buf.load(8)]).toEqual([2n, 1n, 0n])
    expect(theirs.pfns().some((pfn) => buf.pfns().includes(pfn))).toBe(false)
    expect(box.hugetlb.free).toBe(2)
    child.close()
  })

  test('with none left leaves the child a SIGBUS, and the parent its page', () => {
    const buf = huge(4)
    buf.fill(1)
    const child = mm.fork()
    const theirs = child.at(buf.address, 2048)
    expect(errorOf(() => theirs.store(0, 5n))).toMatchObject({ code: 'ERR_PAGEBOX_SIGNAL', signal: 'SIGBUS' })
    expect(theirs.load(0)).toBe(1n)
    const pfns = buf.pfns()
    buf.store(0, 6n)
    expect(buf.pfns()).toEqual(pfns)
    expect(errorOf(() => theirs.load(0)).signal).toBe('SIGBUS')
    expect(theirs.load(512)).toBe(513n)
    box.audit().assertClean()
    child.close()
  })

  test('copies a pinned page at once, or fails', () => {
    const buf = huge()
    buf.fill(1)
    const pins = buf.slice(7, 1).pin({ write: true })
    const child = mm.fork()
    expect(child.at(buf.address, 512).pfns()).not.toEqual(buf.pfns())
    buf.store(7, 70n)
    expect(pins.load()).toBe(70n)
    child.close()
    mm.mmap({ pages: 3 * 512, hugetlb: true }) // the others are promised
    expect(errnoOf(() => mm.fork())).toBe('ENOMEM')
    pins.unpin()
  })
})

describe('pins', () => {
  test.each(['refcount-bias', 'folio-pincount', 'own-counter', 'side-table', 'sharded', 'refcount'])(
    'of %s keep the frames of a mapping that is gone',
    (scheme) => {
      const other = Box.create({ pages: 4096, hugetlbPages: 1, scheme })
      const buf = other.createMm().mmap({ pages: 512, hugetlb: true })
      buf.store(511, 4n)
      const pins = buf.slice(510, 2).pin({ write: true })
      buf.unmap()
      expect(other.hugetlb.free).toBe(0)
      expect(pins.load(1)).toBe(4n)
      other.audit().assertClean()
      pins.unpin()
      expect(other.hugetlb.free).toBe(1)
      other.audit().assertClean()
      other.close()
    },
  )

  test.each(['lru-overlay', 'packed-64', 'packed-32', 'flag-and-word', 'mapcount-overlay'])(
    'of %s have no room: lists and type of the pool have their words',
    (scheme) => {
      const other = Box.create({ pages: 4096, hugetlbPages: 1, scheme })
      const buf = other.createMm().mmap({ pages: 512, hugetlb: true })
      expect(errnoOf(() => buf.pin({ write: true }))).toBe('EOPNOTSUPP')
      const got = buf.get()
      got.put()
      buf.store(0, 1n)
      other.audit().assertClean()
      other.close()
    },
  )

  test.each(['lru-overlay', 'packed-64', 'packed-32', 'flag-and-word'])(
    'of %s that somebody takes by pfn all the same break a list, and the audit says so',
    (scheme) => {
      const other = Box.create({ pages: 4096, hugetlbPages: 2, scheme })
      const buf = other.createMm().mmap({ pages: 512, hugetlb: true })
      buf.store(0, 1n)
      const pfn = buf.pfns()[0] as number
      other.pins.pin(pfn)
      expect(other.audit().rows.map(({ invariant }) => invariant)).toContain('hugetlb-counted')
      buf.unmap()
      other.pins.unpin(pfn)
      expect(other.hugetlb.free).toBe(1) // lost: its links cannot be trusted
      const next = buf.mm.mmap({ pages: 512, hugetlb: true })
      expect(errorOf(() => next.load(0)).signal).toBe('SIGBUS')
      expect(other.hugetlb).toEqual({ pages: 2, free: 1, reserved: 1 })
      other.close()
    },
  )
})

describe('devices', () => {
  test.each(['private', 'coherent'] as const)('of %s memory read and write it, and do not have it', (type) => {
    const gpu = box.addDevice({ type, pages: 1024 })
    const buf = huge()
    gpu.write(buf.slice(3, 1), new Uint8Array(4096).fill(9))
    expect(buf.read(3 * 4096, 2)).toEqual(new Uint8Array([9, 9]))
    expect(gpu.read(buf).bytes?.[3 * 4096]).toBe(9)
    expect(errnoOf(() => gpu.migrateToDevice(buf))).toBe('EINVAL')
    expect(errnoOf(() => gpu.exclusive(buf))).toBeDefined()
    expect(gpu.snapshot(buf.slice(0, 1)).toStrings()).toEqual(['WRITE+PMD'])
    box.audit().assertClean()
    gpu.remove()
  })
})

describe('what is refused', () => {
  test('by name, before the kernel is asked', () => {
    const file = box.createFile({ pages: 512 })
    const bad: [string, () => unknown][] = [
      ['options.pages', () => mm.mmap({ pages: 100, hugetlb: true })],
      ['options.kind', () => mm.mmap({ pages: 512, hugetlb: true, file })],
      ['options.kind', () => mm.mmap({ pages: 512, hugetlb: true, kind: 'anon-shared' })],
      ['options.address', () => mm.mmap({ pages: 512, hugetlb: true, address: 0x1000_1000n })],
    ]
    for (const [argument, call] of bad) expect(errorOf(call)).toMatchObject({ code: 'ERR_PAGEBOX_ARG_RANGE', argument })
    expect(codeOf(() => mm.mmap({ pages: 512, hugetlb: 1 as never }))).toBe('ERR_PAGEBOX_ARG_TYPE')
    expect(mm.mmap({ pages: 100, hugetlb: false }).pages).toBe(100)
  })

  test('ENOMEM without enough huge pages', () => {
    huge(3)
    expect(errorOf(() => huge(2))).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED', errno: 'ENOMEM' })
    expect(box.hugetlb.reserved).toBe(3)
  })

  test('EINVAL for a part of a huge page', () => {
    const buf = huge(2)
    buf.store(0, 1n)
    const part = buf.slice(0, 100)
    for (const call of [() => part.unmap(), () => part.protect('r'), () => part.remap()])
      expect(errnoOf(call)).toBe('EINVAL')
    expect(errnoOf(() => buf.slice(1, 512).advise('dontneed'))).toBe('EINVAL')
    expect(buf.load(0)).toBe(1n)
  })
})
