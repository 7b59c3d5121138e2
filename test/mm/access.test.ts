import { Box, PageboxError } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { box, mm } from './freshBox.ts'
import { codeOf, errnoOf } from './errors.ts'

describe('memory of a process', () => {
  test('is zero, takes words, and is present once touched', () => {
    const buf = mm.mmap({ pages: 4 })
    expect(buf.pagemap().map(({ state }) => state)).toEqual(['none', 'none', 'none', 'none'])
    expect(buf.load(1)).toBe(0n)
    buf.store(0, 7n)
    buf.store(0, 0xffff_ffff_ffff_ffffn, 511)
    expect(buf.load(0)).toBe(7n)
    expect(buf.load(0, 511)).toBe(0xffff_ffff_ffff_ffffn)
    const [written, read, untouched] = buf.pagemap()
    expect(written).toMatchObject({ state: 'present', mapcount: 1, file: false, exclusive: true })
    expect(written?.flags).toContain('ANON_EXCLUSIVE')
    expect(read?.flags).toEqual(['ZERO_PAGE'])
    expect(untouched?.state).toBe('none')
    expect(buf.page(0)?.type).toBe('anon')
    expect(buf.page(2)).toBeNull()
  })

  test('takes bytes at any offset, across pages', () => {
    const buf = mm.mmap({ pages: 3 })
    const bytes = Uint8Array.from({ length: 4096 + 77 }, (_, i) => i * 31)
    buf.write(bytes, 4091)
    expect(buf.read(4091, bytes.length)).toEqual(bytes)
    expect(buf.read(4088, 3)).toEqual(new Uint8Array(3))
    buf.write(new Uint8Array(4096).fill(9), 4096)
    expect(buf.read(4096, 4096)).toEqual(new Uint8Array(4096).fill(9))
    expect(buf.read().length).toBe(3 * 4096)
  })

  test('is numbered by slices and by addresses alike', () => {
    const buf = mm.mmap({ pages: 8 })
    buf.fill(100)
    expect([...buf.words()]).toEqual([100n, 101n, 102n, 103n, 104n, 105n, 106n, 107n])
    expect([...buf.slice(2, 3).words()]).toEqual([102n, 103n, 104n])
    expect(buf.slice(2).slice(1, 1).address).toBe(buf.address + 3n * 4096n)
    expect(mm.load(buf.address + 4096n)).toBe(101n)
    mm.store(buf.address + 8n, 5)
    expect(buf.load(0, 1)).toBe(5n)
    expect(mm.at(buf.address, 8).load(7)).toBe(107n)
  })

  test('says what is mapped', () => {
    mm.mmap({ pages: 2, address: 0x10000, prot: 'r' })
    const locked = mm.mmap({ pages: 3, kind: 'anon-shared' })
    locked.lock()
    expect(mm.vmas).toMatchObject([
      { address: 0x10000n, pages: 2, prot: 'r', kind: 'anon-private', shared: false, locked: false, hugetlb: false },
      { address: locked.address, pages: 3, prot: 'rw', kind: 'anon-shared', shared: true, locked: true },
    ])
    expect(mm.counters()).toMatchObject({ size: 5, rss: 3, file: 3, anon: 0, locked: 3 })
  })
})

describe('an access that cannot be', () => {
  test.each([
    ['unmapped', () => mm.at(0x5000_0000).load()],
    ['beyond user space', () => mm.load(1n << 47n)],
    ['an alias of a mapped address', () => mm.load(mm.mmap({ pages: 1 }).address + (1n << 48n))],
    ['at the top of all', () => mm.load((1n << 64n) - 8n)],
    ['not permitted', () => mm.mmap({ pages: 1, prot: 'none' }).load()],
    ['a write to read-only memory', () => mm.mmap({ pages: 1, prot: 'r' }).store(0, 1)],
  ])('%s: SIGSEGV', (_, access) => {
    expect(access).toThrow(PageboxError)
    expect(codeOf(access)).toBe('ERR_PAGEBOX_SIGNAL')
    try {
      access()
    } catch (error) {
      expect((error as PageboxError).signal).toBe('SIGSEGV')
    }
  })

  test('behind the end of a file is SIGBUS, and says how far it came', () => {
    const file = box.createFile({ pages: 2 })
    const buf = mm.mmap({ pages: 4, file })
    try {
      buf.fill(1)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_PAGEBOX_SIGNAL', signal: 'SIGBUS', index: 2 })
    }
    expect([...buf.slice(0, 2).words()]).toEqual([1n, 2n])
  })
})

describe('system calls', () => {
  test('mprotect, munmap, mremap, mlock, madvise', () => {
    const buf = mm.mmap({ pages: 4 })
    buf.fill(1)
    buf.slice(1, 2).protect('r')
    expect(mm.vmas.map(({ prot, pages }) => [prot, pages])).toEqual([
      ['rw', 1],
      ['r', 2],
      ['rw', 1],
    ])
    buf.slice(1, 2).protect('rw')
    const moved = buf.slice(2, 2).remap()
    expect([...moved.words()]).toEqual([3n, 4n])
    expect(codeOf(() => buf.load(2))).toBe('ERR_PAGEBOX_SIGNAL')
    moved.advise('dontneed')
    expect([...moved.words()]).toEqual([0n, 0n])
    moved.unmap()
    buf.slice(0, 2).lock()
    expect(errnoOf(() => buf.slice(0, 2).advise('dontneed'))).toBe('EINVAL')
    buf.slice(0, 2).unlock()
    expect(mm.vmas).toHaveLength(1)
  })

  test('soft-dirty bits come back with a write', () => {
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    mm.clearRefs()
    expect(buf.pagemap().map(({ softDirty }) => softDirty)).toEqual([false, false])
    buf.store(1, 5)
    expect(buf.pagemap().map(({ softDirty }) => softDirty)).toEqual([false, true])
  })

  test('fork copies what either side writes', () => {
    const buf = mm.mmap({ pages: 2 })
    const shared = mm.mmap({ pages: 1, kind: 'anon-shared' })
    buf.fill(1)
    shared.store(0, 1)
    const child = mm.fork()
    const theirs = child.at(buf.address, 2)
    expect(theirs.pagemap()[0]?.mapcount).toBe(2)
    theirs.store(0, 50)
    buf.store(1, 60)
    expect([buf.load(0), buf.load(1)]).toEqual([1n, 60n])
    expect([theirs.load(0), theirs.load(1)]).toEqual([50n, 2n])
    child.at(shared.address).store(0, 9)
    expect(shared.load()).toBe(9n)
    const grandchild = child.fork()
    child.close()
    expect(grandchild.at(buf.address).load()).toBe(50n)
    box.audit().assertClean()
  })
})

describe('reclaim', () => {
  test('writes to swap, and comes back', () => {
    const buf = mm.mmap({ pages: 8 })
    buf.fill(10)
    buf.slice(0, 4).advise('pageout')
    expect(buf.pagemap().map(({ state }) => state)).toEqual([
      ...new Array(4).fill('swap'),
      ...new Array(4).fill('present'),
    ])
    expect(mm.counters().swap).toBe(4)
    expect(box.reclaim()).toBe(4)
    expect(mm.counters()).toMatchObject({ swap: 8, rss: 0 })
    box.audit().assertClean()
    expect([...buf.words()]).toEqual([10n, 11n, 12n, 13n, 14n, 15n, 16n, 17n])
  })

  test('leaves what is pinned, locked, or the box has set up itself', () => {
    const other = Box.create({ pages: 1024 })
    try {
      other.setup(3, { type: 'anon', onLru: true })
      const process = other.createMm()
      const buf = process.mmap({ pages: 3 })
      buf.fill(1)
      buf.slice(1, 1).lock()
      const pins = buf.slice(0, 1).pin({ write: true })
      expect(other.reclaim()).toBe(1)
      expect(buf.pagemap().map(({ state }) => state)).toEqual(['present', 'present', 'swap'])
      other.audit().assertClean()
      pins.unpin()
      expect(other.compact()).toBeGreaterThan(0)
      expect([...buf.words()]).toEqual([1n, 2n, 3n])
      other.audit().assertClean()
    } finally {
      other.close()
    }
  })

  test('compaction moves pages under their process', () => {
    const buf = mm.mmap({ pages: 16 })
    buf.fill(1)
    const before = buf.pfns()
    expect(box.compact()).toBe(16)
    expect(buf.pfns()).not.toEqual(before)
    expect(buf.load(15)).toBe(16n)
  })

  test('of a box without a machine frees and moves nothing', () => {
    const other = Box.create({ pages: 16 })
    expect([other.reclaim(), other.compact(), other.devices]).toEqual([0, 0, []])
    other.lru.drain()
    other.close()
  })
})
