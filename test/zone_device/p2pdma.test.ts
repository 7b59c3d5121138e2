import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Box, type Mm, type P2pdma } from 'pagebox'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeOf, errnoOf, errorOf } from '../mm/errors.ts'

let box: Box
let mm: Mm<Box>
let bus: P2pdma<Box>
beforeEach(() => {
  box = Box.create({ pages: 1024 })
  mm = box.createMm()
  bus = box.addP2pdma({ pages: 8, name: 'nvme' })
})
afterEach(() => {
  try {
    if (!box.closed) box.audit().assertClean()
  } finally {
    box.close()
  }
})

test('is what it was asked to be', () => {
  expect(bus).toMatchObject({ name: 'nvme', pages: 8, freePages: 8, firstPfn: 1024, removed: false })
  expect(bus.box).toBe(box)
  expect(bus.holders()).toEqual([])
  expect(box.p2pdmaDevices.map(({ name }) => name)).toEqual(['nvme'])
  expect([box.devices, box.daxDevices]).toEqual([[], []])
  expect(box.addDax().firstPfn).toBe(1032)
})

test('hands pages out with a mapping, and has them back after it', () => {
  const map = bus.mmap(mm, { pages: 3 })
  expect(mm.vmas[0]).toMatchObject({ kind: 'device', shared: true, pages: 3 })
  expect(bus.freePages).toBe(5)
  expect(map.pfns()).toEqual([1024, 1025, 1026])
  expect(map.page(0)).toMatchObject({ type: 'p2pdma', refcount: 1, mapcount: 1 })
  expect([...map.words()]).toEqual([0n, 0n, 0n])
  map.fill(5)
  const child = mm.fork()
  expect(child.at(map.address, 3).load(2)).toBe(7n)
  expect(bus.holders().map(({ refcount, mapcount }) => [refcount, mapcount])).toEqual(new Array(3).fill([2, 2]))
  box.audit().assertClean()
  child.close()
  expect(errnoOf(() => bus.mmap(mm, { pages: 6 }))).toBe('ENOMEM')
  expect(bus.freePages).toBe(5)
  expect(bus.mmap(mm, { pages: 1, prot: 'r', address: 0x7000_0000 }).address).toBe(0x7000_0000n)
  map.unmap()
  expect(bus.freePages).toBe(7)
  expect([...bus.mmap(mm, { pages: 3 }).words()]).toEqual([0n, 0n, 0n]) // zeroed again
})

test.each([true, false])('is pinned by who asks for it, never for good (fast: %s)', (fast) => {
  const map = bus.mmap(mm, { pages: 2 })
  expect(errorOf(() => map.pin({ fast }))).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED', errno: 'EREMOTEIO' })
  expect(errnoOf(() => map.get({ fast }))).toBe('EREMOTEIO')
  expect(errnoOf(() => map.pin({ fast, longterm: true }))).toBe('EREMOTEIO')
  expect(errnoOf(() => map.pin({ fast, longterm: true, p2pdma: true }))).toBe('EINVAL')
  const pins = map.pin({ fast, write: true, p2pdma: true })
  expect([...pins.pfns]).toEqual(map.pfns())
  pins.store(1, 9)
  expect(map.load(1)).toBe(9n)
  const got = map.get({ fast, p2pdma: true })
  box.audit().assertClean()
  got.put()
  pins.unpin()
  // Of memory that is none, the flag means nothing.
  const ram = mm.mmap({ pages: 1 })
  ram.pin({ write: true, p2pdma: true }).unpin()
})

test('is no memory for direct I/O', () => {
  const folder = mkdtempSync(join(process.env.PAGEBOX_TEST_DIR ?? tmpdir(), 'pagebox-'))
  const disk = box.openFile(join(folder, 'data'), { create: true })
  const map = bus.mmap(mm, { pages: 1 })
  expect(errnoOf(() => map.dioWrite(disk))).toBe('EFAULT')
  expect(map.writeFile(disk).bytes).toBe(4096)
  disk.close()
  rmSync(folder, { recursive: true })
})

test('keeps a page that is pinned after its mapping is gone', () => {
  const map = bus.mmap(mm, { pages: 1 })
  const pins = map.pin({ write: true, p2pdma: true })
  map.unmap()
  expect(bus.freePages).toBe(7)
  box.audit().assertClean()
  const error = errorOf(() => bus.remove())
  expect(error).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED', errno: 'EBUSY' })
  expect(error.message).toContain(`page ${pins.pfns[0]} (refcount`)
  expect(bus.removed).toBe(false)
  // It is going away: nothing is handed out any more.
  expect(errorOf(() => bus.mmap(mm, { pages: 1 }))).toMatchObject({ code: 'ERR_PAGEBOX_CLOSED', errno: 'ENODEV' })
  pins.unpin()
  expect(bus.freePages).toBe(8)
  bus.remove()
  bus.remove()
  expect(bus.removed).toBe(true)
  expect(box.p2pdmaDevices).toEqual([])
  expect(codeOf(() => bus.freePages)).toBe('ERR_PAGEBOX_CLOSED')
  expect(codeOf(() => bus.mmap(mm, { pages: 1 }))).toBe('ERR_PAGEBOX_CLOSED')
  expect(box.addP2pdma().firstPfn).toBe(1024)
})

test('knows a page that somebody holds by a plain reference alone', () => {
  const map = bus.mmap(mm, { pages: 1 })
  const got = map.get({ p2pdma: true })
  map.unmap()
  expect(bus.holders()).toEqual([expect.objectContaining({ pfn: 1024, refcount: 1, mapcount: 0 })])
  expect(errorOf(() => bus.remove()).message).toContain('page 1024 (refcount 1')
  box.audit().assertClean()
  got.put()
  expect(bus.holders()).toEqual([])
})

test('is not removed under a mapping', () => {
  const map = bus.mmap(mm, { pages: 2 })
  expect(errorOf(() => bus.remove()).message).toMatch(/page 1024 \(refcount 1, mapcount 1\)/)
  expect(map.load(0)).toBe(0n)
  map.advise('dontneed') // gives its pages back, and is still one
  expect(errorOf(() => map.load(0)).signal).toBe('SIGBUS')
  expect(errorOf(() => bus.remove()).message).toMatch(/its own memory is mapped/)
  map.unmap()
  bus.remove()
})

test('leaves a free page to whoever holds it by its number', () => {
  box.pins.pin(1024)
  expect(errnoOf(() => bus.mmap(mm, { pages: 8 }))).toBe('ENOMEM')
  const map = bus.mmap(mm, { pages: 7 })
  expect(map.pfns()).not.toContain(1024)
  box.audit().assertClean()
  map.unmap()
  expect(errnoOf(() => bus.remove())).toBe('EBUSY')
  box.pins.unpin(1024)
  bus.remove()
})

test('survives what else a program does to a mapping', () => {
  let map = bus.mmap(mm, { pages: 4 })
  map.fill(1)
  map.protect('r')
  expect(errorOf(() => map.store(0, 1)).signal).toBe('SIGSEGV')
  map.protect('rw')
  map.lock()
  map.unlock()
  for (const advice of ['pageout', 'cold', 'free', 'remove', 'populate_write', 'hugepage'] as const) {
    try {
      map.advise(advice)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED' })
    }
    box.audit().assertClean()
  }
  map = map.remap()
  box.reclaim()
  box.compact()
  const gpu = box.addDevice()
  expect(errnoOf(() => gpu.migrateToDevice(map))).toBe('EINVAL')
  expect(errnoOf(() => gpu.exclusive(map))).toMatch(/^E/)
  expect(gpu.read(map).bytes[4096]).toBe(2)
  expect(mm.counters()).toMatchObject({ rss: 4, file: 4, anon: 0 })
  map.slice(1, 2).unmap()
  expect(bus.freePages).toBe(6)
  box.audit().assertClean()
  expect([map.load(0), map.load(3)]).toEqual([1n, 4n])
})

test('does not keep a box that is closed, whoever holds its pages', () => {
  const map = bus.mmap(mm, { pages: 2 })
  const pins = map.pin({ write: true, p2pdma: true })
  box.pins.get(1025)
  box.pins.pin(1030)
  box.audit().assertClean()
  expect(errnoOf(() => box.reset())).toBe('EBUSY')
  expect(box.close()).toEqual({ mms: 1, files: 0, pinned: [...pins.pfns] })
  expect(codeOf(() => bus.freePages)).toBe('ERR_PAGEBOX_CLOSED')
  bus[Symbol.dispose]()
})
