import { Box, type Device, type DeviceType, type Mm } from 'pagebox'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf, errnoOf, errorOf } from '../mm/errors.ts'

describe.each(['private', 'coherent'] as DeviceType[])('a %s device', (type) => {
  let box: Box
  let mm: Mm<Box>
  let gpu: Device<Box>
  const local = type === 'private' ? 'PRIVATE_LOCAL+WRITE' : 'COHERENT_LOCAL+WRITE'
  beforeEach(() => {
    box = Box.create({ pages: 4096 })
    mm = box.createMm()
    gpu = box.addDevice({ type, pages: 64, name: 'gpu' })
  })
  afterEach(() => {
    try {
      if (!box.closed) box.audit().assertClean()
    } finally {
      box.close()
    }
  })

  test('is what it was asked to be', () => {
    expect(gpu).toMatchObject({ type, pages: 64, name: 'gpu', firstPfn: 4096, pagesInUse: 0, removed: false })
    expect(box.devices.map(({ name }) => name)).toEqual(['gpu'])
    expect(gpu.box).toBe(box)
    expect(mm.box).toBe(box)
  })

  test('reads and writes memory through its own table', () => {
    const buf = mm.mmap({ pages: 4 })
    expect(gpu.write(buf, BigUint64Array.of(1n, 2n, 3n, 4n))).toEqual({ pages: 4, faults: 1 })
    expect([...buf.words()]).toEqual([1n, 2n, 3n, 4n])
    buf.store(2, 30)
    const { bytes, pages, faults } = gpu.read(buf)
    expect([pages, faults]).toEqual([4, 0])
    expect(bytes).toEqual(buf.read())
    buf.protect('r')
    expect(errnoOf(() => gpu.write(buf, new Uint8Array(4 * 4096)))).toBe('EPERM')
    buf.protect('none')
    expect(errnoOf(() => gpu.read(buf))).toBe('EFAULT')
  })

  test('takes pages over and gives them back, by asking and by fault', () => {
    const buf = mm.mmap({ pages: 8 })
    buf.fill(10)
    const moved = gpu.migrateToDevice(buf, { copy: true })
    expect(moved).toMatchObject({ pages: 8, errno: null })
    expect(moved.bytes?.[4096]).toBe(11)
    expect(gpu.pagesInUse).toBe(8)
    expect(gpu.snapshot(buf).toStrings()).toEqual(new Array(8).fill(local))
    for (const pfn of buf.pfns()) expect(pfn).toBeGreaterThanOrEqual(gpu.firstPfn)
    expect(box.page(buf.pfns()[0] as number).type).toMatch(/^device-/)
    box.audit().assertClean()
    if (type === 'private') {
      expect(buf.load(0)).toBe(10n)
      expect(gpu.pagesInUse).toBe(7)
    } else {
      expect(buf.load(0)).toBe(10n)
      expect(gpu.pagesInUse).toBe(8)
    }
    expect(gpu.migrateToSystem(buf).pages).toBeGreaterThanOrEqual(7)
    expect(gpu.pagesInUse).toBe(0)
    expect([...buf.words()]).toEqual([10n, 11n, 12n, 13n, 14n, 15n, 16n, 17n])
  })

  test('that is full takes what it can, and nothing is lost', () => {
    const buf = mm.mmap({ pages: 100 })
    buf.fill(1)
    const moved = gpu.migrateToDevice(buf)
    expect(moved).toEqual({ pages: 64, errno: 'ENOENT', bytes: null })
    expect(gpu.pagesInUse).toBe(64)
    box.audit().assertClean()
    const other = mm.mmap({ pages: 1 })
    other.store(0, 5)
    expect(errnoOf(() => gpu.migrateToDevice(other))).toBe('ENOENT')
    expect([...buf.words()]).toEqual(Array.from({ length: 100 }, (_, i) => BigInt(i + 1)))
  })

  test('leaves alone what is pinned', () => {
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    using_(buf.slice(0, 1).pin({ write: true }), () => {
      expect(gpu.migrateToDevice(buf)).toMatchObject({ pages: 1, errno: 'ENOENT' })
      box.audit().assertClean()
    })
    expect(gpu.migrateToDevice(buf)).toMatchObject({ pages: 2, errno: null })
  })

  test('gives up its memory to a pin, as its kind does', () => {
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    gpu.migrateToDevice(buf)
    const pins = buf.slice(0, 1).pin({ write: true })
    const inRam = (pins.pfns[0] as number) < box.pages
    expect(inRam).toBe(type === 'private')
    expect(pins.load()).toBe(1n)
    box.audit().assertClean()
    const forGood = buf.slice(1, 1).pin({ longterm: true })
    expect(forGood.pfns[0]).toBeLessThan(box.pages)
    forGood.unpin()
    pins.unpin()
  })

  test('has atomic access until a CPU takes it back', () => {
    const buf = mm.mmap({ pages: 3 })
    buf.fill(7)
    expect(gpu.exclusive(buf).pages).toBe(3)
    expect(buf.pagemap()[0]?.state).toBe('dev_exclusive_w')
    expect(errnoOf(() => gpu.checkExclusive(buf))).toBe('EPERM')
    box.audit().assertClean()
    buf.store(1, 70)
    gpu.checkExclusive(buf.slice(1, 1))
    expect([...buf.words()]).toEqual([7n, 70n, 9n])
    gpu.checkExclusive(buf)
  })

  test('is closed for a process and opened again', () => {
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    expect(gpu.isOpen(mm)).toBe(false)
    gpu.open(mm)
    gpu.open(mm)
    gpu.migrateToDevice(buf)
    expect(gpu.isOpen(mm)).toBe(true)
    gpu.close(mm)
    expect(gpu.pagesInUse).toBe(0)
    expect(codeOf(() => gpu.close(mm))).toBe('ERR_PAGEBOX_CLOSED')
    expect(gpu.read(buf).faults).toBe(1)
  })

  test('maps memory of its own', () => {
    const own = gpu.mmap(mm, { pages: 2, prot: 'r' })
    expect(mm.vmas[0]?.kind).toBe('device')
    expect(gpu.snapshot(own).toStrings()).toEqual(['READ', 'READ'])
    expect(errorOf(() => gpu.remove()).message).toMatch(/its own memory is mapped/)
    own.unmap()
    gpu.remove()
  })

  test('is removed once nobody holds its pages', () => {
    const buf = mm.mmap({ pages: 4 })
    buf.fill(1)
    gpu.migrateToDevice(buf)
    const [pfn] = buf.pfns() as [number]
    box.pins.pin(pfn)
    expect(gpu.holders()).toHaveLength(4)
    const error = errorOf(() => gpu.remove())
    expect(error).toMatchObject({ code: 'ERR_PAGEBOX_REFUSED', errno: 'EBUSY' })
    expect(error.message).toContain(`page ${pfn} (refcount`)
    expect(error.message).toContain('may be pinned')
    expect(gpu.removed).toBe(false)
    box.audit().assertClean()
    expect(gpu.read(buf).bytes[4096]).toBe(2)
    box.pins.unpin(pfn)
    gpu.remove()
    gpu.remove()
    expect(gpu.removed).toBe(true)
    expect([...buf.words()]).toEqual([1n, 2n, 3n, 4n])
    expect(codeOf(() => gpu.read(buf))).toBe('ERR_PAGEBOX_CLOSED')
    expect(errnoOf(() => gpu.migrateToDevice(buf))).toBe('ENODEV')
    expect(codeOf(() => gpu.pagesInUse)).toBe('ERR_PAGEBOX_CLOSED')
    expect(box.devices).toEqual([])
  })

  test('gives its memory up and gets it again', () => {
    const buf = mm.mmap({ pages: 4 })
    buf.fill(1)
    gpu.migrateToDevice(buf)
    gpu.release()
    expect(gpu.pagesInUse).toBe(0)
    expect(gpu.migrateToDevice(buf).pages).toBe(4)
    expect([...buf.words()]).toEqual([1n, 2n, 3n, 4n])
  })

  test('sees another device from outside', () => {
    const other = box.addDevice({ type, pages: 32 })
    expect(other).toMatchObject({ name: 'device 0', firstPfn: gpu.firstPfn + 64 })
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    other.migrateToDevice(buf.slice(0, 1))
    gpu.migrateToDevice(buf.slice(1, 1))
    expect(gpu.snapshot(buf).toStrings()).toEqual([type === 'private' ? 'NONE' : 'COHERENT_REMOTE+WRITE', local])
    box.audit().assertClean()
    // A hole that a removed device leaves is used again.
    gpu.remove()
    expect(box.addDevice({ type, pages: 60 }).firstPfn).toBe(4096)
  })

  test('follows a process through fork', () => {
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    gpu.migrateToDevice(buf)
    const child = mm.fork()
    box.audit().assertClean()
    child.at(buf.address, 2).store(0, 9)
    expect(buf.load(0)).toBe(1n)
    box.audit().assertClean()
    child.close()
    expect([...buf.words()]).toEqual([1n, 2n])
  })
})

test('a free page that somebody holds by its number is left to it', () => {
  // Until v5.18 free pages had a reference, so that another one could be had.
  using_(Box.create({ pages: 256, layout: 'linux-4.20' }), (box) => {
    const buf = box.createMm().mmap({ pages: 2 })
    buf.fill(1)
    const gpu = box.addDevice({ pages: 2 })
    gpu.migrateToDevice(buf)
    expect([...buf.words()]).toEqual([1n, 2n])
    box.pins.pin(gpu.firstPfn)
    expect(gpu.migrateToDevice(buf)).toMatchObject({ pages: 1 })
    box.audit().assertClean()
    expect(errorOf(() => gpu.remove()).message).toContain(`page ${gpu.firstPfn} (refcount`)
    box.audit().assertClean()
    box.pins.unpin(gpu.firstPfn)
    gpu.remove()
    expect([...buf.words()]).toEqual([1n, 2n])
    box.audit().assertClean()
  })
})

function using_<Held extends Disposable>(held: Held, use: (held: Held) => void): void {
  try {
    use(held)
  } finally {
    held[Symbol.dispose]()
  }
}
