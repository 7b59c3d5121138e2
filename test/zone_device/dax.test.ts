import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Box, type DaxDevice, type DaxFile, type DaxKind, type Mapping, type Mm, schemes } from 'pagebox'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf, errnoOf, errorOf } from '../mm/errors.ts'

const kinds: DaxKind[] = ['fsdax', 'devdax', 'fsdax-limited']

let box: Box
let mm: Mm<Box>
let folder: string
beforeEach(() => {
  box = Box.create({ pages: 1024 })
  mm = box.createMm()
  folder = mkdtempSync(join(process.env.PAGEBOX_TEST_DIR ?? tmpdir(), 'pagebox-'))
})
afterEach(() => {
  try {
    if (!box.closed) box.audit().assertClean()
  } finally {
    box.close()
    rmSync(folder, { recursive: true })
  }
})

/** A file of a new device with 16 blocks; all of them on devdax. */
function fileOf(kind: DaxKind, pages = 2): { pmem: DaxDevice<Box>; file: DaxFile<Box> } {
  const pmem = box.addDax({ kind, pages: 16, name: 'pmem' })
  return { pmem, file: pmem.createFile(kind === 'devdax' ? {} : { pages }) }
}

describe.each(kinds)('%s', (kind) => {
  test('is what it was asked to be', () => {
    const { pmem, file } = fileOf(kind)
    expect(pmem).toMatchObject({ kind, pages: 16, name: 'pmem', firstPfn: 1024, removed: false })
    expect(pmem.box).toBe(box)
    expect(pmem.freePages).toBe(kind === 'devdax' ? 0 : 14)
    expect(pmem.holders()).toEqual([])
    expect(box.daxDevices.map((each) => [each.name, each.kind])).toEqual([['pmem', kind]])
    expect(box.devices).toEqual([])
    expect(file.device).toBe(pmem)
    expect(file).toMatchObject({ pages: kind === 'devdax' ? 16 : 2, closed: false })
    expect(errorOf(() => box.addDevice({ name: 'pmem' }))).toMatchObject({ errno: 'EEXIST' })
    expect(box.addDevice().firstPfn).toBe(1024 + 16)
  })

  test('has in the file at once what a program stores', () => {
    const { file } = fileOf(kind)
    const map = mm.mmap({ pages: 2, file })
    expect(mm.vmas[0]?.kind).toBe('dax-shared')
    expect([...map.words()]).toEqual([0n, 0n])
    map.store(1, 7)
    expect([...file.words(0, 2)]).toEqual([0n, 7n])
    file.writeWords(BigUint64Array.of(5n))
    expect(map.load(0)).toBe(5n)
    // Through a second mapping, in another process, at another offset.
    const other = box.createMm().mmap({ pages: 1, file, filePage: 1 })
    expect(other.load()).toBe(7n)
    other.store(0, 8)
    const child = mm.fork()
    expect(child.at(map.address, 2).load(1)).toBe(8n)
    child.at(map.address, 2).store(1, 9)
    expect(map.load(1)).toBe(9n)
    expect(mm.counters()).toMatchObject({ size: 2, rss: 0, anon: 0, file: 0 })
  })

  test('shows what its entries are', () => {
    const { pmem, file } = fileOf(kind)
    const map = mm.mmap({ pages: 2, file })
    map.fill(1)
    const [entry] = map.pagemap()
    expect(entry).toMatchObject({ state: 'present', mapcount: null, flags: ['NOPAGE'], exclusive: false })
    if (kind === 'fsdax-limited') {
      expect(map.pfns()).toEqual([null, null])
      expect(map.page(0)).toBeNull()
      return
    }
    expect(map.pfns()).toEqual([pmem.firstPfn, pmem.firstPfn + 1])
    const page = map.page(1)
    expect(page?.type).toBe(kind)
    expect(page).toMatchObject({ refcount: 1, mapcount: 0 })
  })

  test('survives what else a program does to a mapping', () => {
    const { pmem, file } = fileOf(kind, 4)
    let map = mm.mmap({ pages: 4, file })
    map.fill(10)
    map.protect('r')
    expect(errorOf(() => map.store(0, 1)).signal).toBe('SIGSEGV')
    map.protect('rw')
    map.lock()
    map.unlock()
    for (const advice of ['pageout', 'cold', 'willneed', 'dontneed', 'populate_write', 'hugepage'] as const) {
      try {
        map.advise(advice)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED' })
      }
      box.audit().assertClean()
    }
    expect(errnoOf(() => map.advise('free'))).toBe('EINVAL')
    expect(errnoOf(() => map.advise('remove'))).toBe('EOPNOTSUPP')
    map = map.remap()
    expect([...map.words()]).toEqual([10n, 11n, 12n, 13n])
    map.slice(1, 2).unmap()
    mm.clearRefs()
    box.reclaim()
    box.compact()
    expect(map.load(3)).toBe(13n)
    box.audit().assertClean()
    const gpu = box.addDevice()
    expect(errnoOf(() => gpu.migrateToDevice(map.slice(0, 1)))).toBe('EINVAL')
    expect(errnoOf(() => gpu.exclusive(map.slice(0, 1)))).toMatch(/^E/)
    if (kind === 'fsdax-limited') expect(errnoOf(() => gpu.read(map.slice(0, 1)))).toBe('EFAULT')
    else expect(gpu.read(map.slice(0, 1)).bytes[0]).toBe(10)
    box.audit().assertClean()
    if (kind !== 'devdax') {
      file.truncate(0) // the device's entry goes with the process's
      expect(errnoOf(() => gpu.read(map.slice(0, 1)))).toBe('EFAULT')
    }
    pmem.remove()
  })

  test('is removed once nobody holds a block', () => {
    const { pmem, file } = fileOf(kind)
    const map = mm.mmap({ pages: 2, file })
    map.fill(1)
    if (kind !== 'fsdax-limited') {
      const pins = map.slice(0, 1).pin({ write: true })
      expect(pmem.holders()).toEqual([expect.objectContaining({ pfn: pins.pfns[0], mapcount: 0, maybePinned: true })])
      const error = errorOf(() => pmem.remove())
      expect(error).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED', errno: 'EBUSY' })
      expect(error.message).toContain(`device 'pmem' is in use: page ${pins.pfns[0]} (refcount`)
      expect(error.message).toContain('may be pinned')
      expect(pmem.removed).toBe(false)
      box.audit().assertClean()
      expect([...map.words()]).toEqual([1n, 2n]) // unmapped, and in again
      pins.store(0, 50)
      expect(file.words(0, 1)[0]).toBe(50n)
      pins.unpin()
    }
    pmem.remove()
    pmem.remove()
    expect(pmem.removed).toBe(true)
    box.audit().assertClean()
    expect(box.daxDevices).toEqual([])
    expect(file.pages).toBe(0)
    expect(file.read()).toHaveLength(0)
    expect(errnoOf(() => file.write(new Uint8Array(4096)))).toBe('ENODEV')
    expect(errnoOf(() => file.truncate(1))).toBe(kind === 'devdax' ? 'EINVAL' : 'ENODEV')
    expect(file.layoutBusyPage()).toBeNull()
    expect(errorOf(() => map.load(0)).signal).toBe('SIGBUS')
    expect(errnoOf(() => map.pin())).toBe(kind === 'devdax' ? 'EFAULT' : 'EFAULT')
    expect(codeOf(() => pmem.createFile())).toBe('ERR_PAGEBOX_CLOSED')
    expect(codeOf(() => pmem.freePages)).toBe('ERR_PAGEBOX_CLOSED')
    expect(codeOf(() => pmem.holders())).toBe('ERR_PAGEBOX_CLOSED')
    // Its pfns are free again with the last user of its files.
    expect(box.addDax({ pages: 16 }).firstPfn).toBe(1040)
    file.close()
    map.unmap()
    expect(box.addDax({ pages: 16 }).firstPfn).toBe(1024)
  })

  test.each([
    ['mm, file, device, box', [0, 1, 2, 3]],
    ['device, mm, file, box', [2, 0, 1, 3]],
    ['file, device, mm, box', [1, 2, 0, 3]],
    ['file, mm, box, device', [1, 0, 3, 2]],
    ['box, device, file, mm', [3, 2, 1, 0]],
  ])('ends in the order %s', (_, order) => {
    const { pmem, file } = fileOf(kind)
    mm.mmap({ pages: 2, file }).fill(1)
    const ends = [() => mm.close(), () => file.close(), () => pmem[Symbol.dispose](), () => void box.close()]
    for (const i of order) {
      ends[i]?.()
      if (!box.closed) box.audit().assertClean()
    }
    expect(codeOf(() => file.read())).toBe('ERR_PAGEBOX_CLOSED')
  })

  test('does not keep a box that is closed, whoever holds its blocks', () => {
    const { pmem, file } = fileOf(kind)
    const map = mm.mmap({ pages: 2, file })
    map.fill(1)
    const pinned = kind === 'fsdax-limited' ? [] : [...map.pin({ write: true }).pfns]
    if (kind !== 'fsdax-limited') {
      box.pins.pin(pmem.firstPfn)
      box.pins.get(pmem.firstPfn + 1)
    }
    box.audit().assertClean()
    expect(errnoOf(() => box.reset())).toBe('EBUSY')
    expect(box.close()).toEqual({ mms: 1, files: 1, pinned })
  })
})

describe('a block of fsdax', () => {
  let pmem: DaxDevice<Box>
  let file: DaxFile<Box>
  let map: Mapping<Box>
  beforeEach(() => {
    ;({ pmem, file } = fileOf('fsdax', 4))
    map = mm.mmap({ pages: 4, file })
    map.fill(1)
  })

  test.each([true, false])('is pinned in place, not for good (fast: %s)', (fast) => {
    const pins = map.pin({ write: true, fast })
    expect([...pins.pfns]).toEqual(map.pfns())
    pins.store(2, 30)
    expect(file.words()[2]).toBe(30n)
    expect(errnoOf(() => map.pin({ longterm: true, fast }))).toBe('EOPNOTSUPP')
    const got = map.get({ fast })
    got.put()
    box.audit().assertClean()
    pins.unpin()
    expect(pmem.holders()).toEqual([])
  })

  test('is not given away while it is pinned', () => {
    const pins = map.slice(2, 1).pin({ write: true })
    const pfn = pins.pfns[0] as number
    const error = errorOf(() => file.truncate(1))
    expect(error).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED', errno: 'EBUSY' })
    expect(error.message).toContain(`page ${pfn}`)
    expect(file.pages).toBe(4)
    expect([...map.words()]).toEqual([1n, 2n, 3n, 4n]) // unmapped, and in again
    expect(file.layoutBusyPage()).toBe(pfn)
    expect(map.pagemap().map(({ state }) => state)).toEqual(['none', 'none', 'none', 'none'])
    expect(file.layoutBusyPage(3)).toBeNull()
    file.truncate(3) // the page behind it
    box.audit().assertClean()
    pins.unpin()
    file.truncate(1)
    expect(file.pages).toBe(1)
    expect(pmem.freePages).toBe(15)
    expect(map.load(0)).toBe(1n)
    expect(errorOf(() => map.load(1)).signal).toBe('SIGBUS')
    file.truncate(2)
    expect(map.load(1)).toBe(0n)
  })

  test('is left to its pin by a file that is closed', () => {
    const pins = map.slice(0, 1).pin({ write: true })
    map.unmap()
    file.close()
    box.audit().assertClean()
    expect(pmem.freePages).toBe(16)
    expect(errnoOf(() => pmem.createFile({ pages: 16 }))).toBe('ENOSPC')
    const other = pmem.createFile({ pages: 15 })
    pins.store(0, 99)
    expect(other.words().every((word) => word === 0n)).toBe(true)
    pins.unpin()
    other.truncate(16)
    expect(other.words().every((word) => word === 0n)).toBe(true)
  })

  test('is copied to RAM by a private mapping that writes', () => {
    const own = mm.mmap({ pages: 4, file, kind: 'dax-private' })
    expect(own.load(1)).toBe(2n)
    own.store(1, 20)
    own.store(2, 30)
    expect([...own.words()]).toEqual([1n, 20n, 30n, 4n])
    expect([...file.words()]).toEqual([1n, 2n, 3n, 4n])
    const [block, copy] = own.pfns() as [number, number]
    expect(block).toBeGreaterThanOrEqual(pmem.firstPfn)
    expect(copy).toBeLessThan(box.pages)
    expect(own.page(1)?.type).toBe('anon')
    expect(mm.counters()).toMatchObject({ rss: 2, anon: 2, file: 0 })
    expect(errnoOf(() => own.pin({ longterm: true }))).toBe('EOPNOTSUPP') // of a file system's, whatever the page
    own.slice(1, 1).advise('pageout')
    expect(own.pagemap()[1]?.state).toBe('swap')
    box.audit().assertClean()
    const pins = own.pin({ write: true }) // breaks copy on write for the rest
    expect(pins.pfns.every((pfn) => pfn < box.pages)).toBe(true)
    pins.unpin()
    pmem.remove()
    expect([...own.words()]).toEqual([1n, 20n, 30n, 4n])
  })

  test('is moved by direct I/O, to and from a real file', () => {
    const path = join(folder, 'data')
    const disk = box.openFile(path, { create: true })
    expect(map.dioWrite(disk)).toMatchObject({ bytes: 4 * 4096, errno: null })
    expect(readFileSync(path).readBigUInt64LE(3 * 4096)).toBe(4n)
    map.fill(100)
    expect(map.slice(0, 2).dioRead(disk, 2)).toMatchObject({ bytes: 2 * 4096 })
    expect([...file.words()]).toEqual([3n, 4n, 102n, 103n])
    expect(map.writeFile(disk).bytes).toBe(4 * 4096)
    expect(map.readFile(disk, 1).bytes).toBe(3 * 4096)
    expect([...map.words()]).toEqual([4n, 102n, 103n, 103n])
    expect(pmem.holders()).toEqual([])
  })

  test('is pinned and let go by every scheme', () => {
    for (const { name } of schemes.list()) {
      using_(Box.create({ pages: 256, scheme: name }), (each) => {
        const blocks = each.addDax({ pages: 4 }).createFile({ pages: 2 })
        const range = each.createMm().mmap({ pages: 2, file: blocks })
        range.fill(1)
        let pins: ReturnType<typeof range.pin>
        try {
          pins = range.pin({ write: true })
        } catch (error) {
          expect(error, name).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED' })
          each.audit().assertClean()
          return
        }
        each.audit().assertClean()
        expect(
          errnoOf(() => blocks.truncate(0)),
          name,
        ).toBe('EBUSY')
        pins.unpin()
        blocks.truncate(0)
        each.audit().assertClean()
      })
    }
  })
})

describe('a file', () => {
  test('grows with zeroes until the device is full', () => {
    const { pmem, file } = fileOf('fsdax', 0)
    expect(file.pages).toBe(0)
    file.writeWords(BigUint64Array.of(1n, 2n), 3)
    expect([...file.words()]).toEqual([0n, 0n, 0n, 1n, 2n])
    expect([...file.words(4, 9)]).toEqual([2n]) // short at the end
    file.truncate(16)
    expect(errnoOf(() => file.truncate(17))).toBe('ENOSPC')
    expect(errnoOf(() => file.write(new Uint8Array(2 * 4096), 15))).toBe('ENOSPC')
    expect(file.pages).toBe(16)
    expect(errnoOf(() => pmem.createFile({ pages: 1 }))).toBe('ENOSPC')
    expect(pmem.createFile().pages).toBe(0)
    file.truncate(0)
    expect(pmem.freePages).toBe(16)
    file.truncate(5)
    expect([...file.words()]).toEqual([0n, 0n, 0n, 0n, 0n])
  })

  test('of devdax is all of the device, once', () => {
    const { pmem, file } = fileOf('devdax')
    expect(file.pages).toBe(16)
    expect(errorOf(() => pmem.createFile())).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED', errno: 'EBUSY' })
    expect(codeOf(() => pmem.createFile({ pages: 16 }))).toBe('ERR_PAGEBOX_ARG_RANGE')
    expect(errnoOf(() => file.truncate(1))).toBe('EINVAL')
    expect(errnoOf(() => file.write(new Uint8Array(2 * 4096), 15))).toBe('ENOSPC')
    expect(errnoOf(() => mm.mmap({ pages: 1, file, kind: 'dax-private' }))).toBe('EINVAL')
    const map = mm.mmap({ pages: 16, file })
    const pins = map.slice(3, 2).pin({ longterm: true, write: true })
    expect([...pins.pfns]).toEqual([pmem.firstPfn + 3, pmem.firstPfn + 4])
    expect(file.layoutBusyPage()).toBe(pmem.firstPfn + 3)
    box.audit().assertClean()
    pins.unpin()
    file.close()
    expect(errnoOf(() => pmem.createFile())).toBe('EBUSY') // mapped still
    map.unmap()
    expect(pmem.createFile().pages).toBe(16)
  })
})

test('direct I/O fails where there are no descriptors', () => {
  const { pmem, file } = fileOf('fsdax-limited')
  const map = mm.mmap({ pages: 2, file })
  map.fill(1)
  const disk = box.openFile(join(folder, 'data'), { create: true })
  expect(errnoOf(() => map.dioWrite(disk))).toBe('EFAULT')
  expect(errnoOf(() => map.dioRead(box.createFile({ pages: 2, kind: 'disk' })))).toBe('EFAULT')
  expect(errnoOf(() => map.pin())).toBe('EEXIST')
  expect(errnoOf(() => map.pin({ longterm: true }))).toBe('EOPNOTSUPP')
  expect(map.writeFile(disk).bytes).toBe(2 * 4096) // the CPU copies
  expect(file.layoutBusyPage()).toBeNull()
  expect(codeOf(() => box.pins.pin(pmem.firstPfn))).toBe('ERR_PAGEBOX_PAGE_FREE')
  file.truncate(0) // nothing to wait for: nobody could pin
  expect(pmem.freePages).toBe(16)
})

test('a box that has none of them says so', () => {
  using_(Box.create({ pages: 64 }), (each) => {
    expect(each.daxDevices).toEqual([])
    expect(each.p2pdmaDevices).toEqual([])
  })
})

function using_<Held extends Disposable>(held: Held, use: (held: Held) => void): void {
  try {
    use(held)
  } finally {
    held[Symbol.dispose]()
  }
}
