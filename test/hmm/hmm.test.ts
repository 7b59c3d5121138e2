// The fixture `hmm` of the kernel's HMM selftest, each test by its name. What each demands is in
// ../shared/vectors/hmm-tests.md; the words are our own.
import type { DeviceType } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { errnoOf } from '../mm/errors.ts'
import { expectBytes, filled, type Hmm, npages, numbers, withHmm, zeros } from './hmm.ts'

const variants: [string, DeviceType][] = [
  ['hmm_device_private', 'private'],
  ['hmm_device_coherent', 'coherent'],
]

describe.each(variants)('hmm.%s', (_, type) => {
  const hmmTest = (name: string, run: (hmm: Hmm) => void) => test(name, () => withHmm(type, run))
  const isPrivate = type === 'private'

  hmmTest('open_close', ({ mm, device }) => {
    expect(device.isOpen(mm)).toBe(true)
    device.close(mm)
    expect(device.isOpen(mm)).toBe(false)
    device.open(mm)
  })

  hmmTest('anon_read', ({ mm, device }) => {
    const buf = mm.mmap({ pages: npages })
    const data = numbers(npages)
    // One page stays empty, one becomes the zero page, the rest are filled.
    buf.write(data.subarray(2 * 4096), 2 * 4096)
    data.fill(0, 0, 2 * 4096)
    expect(buf.load(1)).toBe(0n)
    buf.protect('r')
    const read = device.read(buf)
    expect(read).toMatchObject({ pages: npages, faults: 1 })
    expectBytes(read.bytes, data)
  })

  hmmTest('anon_read_prot', ({ mm, device }) => {
    const { buf, data } = filled(mm)
    buf.protect('none')
    expect(errnoOf(() => device.read(buf))).toBe('EFAULT')
    buf.protect('rw')
    expectBytes(buf.read(), data)
  })

  hmmTest('anon_write', ({ mm, device }) => {
    const buf = mm.mmap({ pages: npages })
    const data = numbers(npages)
    expect(device.write(buf, data)).toEqual({ pages: npages, faults: 1 })
    expectBytes(buf.read(), data)
  })

  hmmTest('anon_write_prot', ({ mm, device }) => {
    const buf = mm.mmap({ pages: npages, prot: 'r' })
    const data = numbers(npages)
    expect(device.read(buf.slice(0, 1))).toMatchObject({ pages: 1, faults: 1 })
    expect(errnoOf(() => device.write(buf, data))).toBe('EPERM')
    expectBytes(buf.read(), zeros(npages))
    buf.protect('rw')
    expect(device.write(buf, data)).toEqual({ pages: npages, faults: 1 })
    expectBytes(buf.read(), data)
  })

  hmmTest('anon_write_child', ({ mm, device }) => {
    const { buf, data } = filled(mm)
    const child = mm.fork()
    const theirs = child.at(buf.address, npages)
    expectBytes(theirs.read(), data)
    const other = numbers(npages, 3)
    expect(device.write(theirs, other)).toEqual({ pages: npages, faults: 1 })
    expectBytes(theirs.read(), other)
    child.close()
    expectBytes(buf.read(), data)
  })

  hmmTest('anon_write_child_shared', ({ mm, device }) => {
    const buf = mm.mmap({ pages: npages, kind: 'anon-shared' })
    buf.write(numbers(npages))
    const child = mm.fork()
    const theirs = child.at(buf.address, npages)
    const other = numbers(npages, 3)
    expect(device.write(theirs, other)).toEqual({ pages: npages, faults: 1 })
    expectBytes(theirs.read(), other)
    child.close()
    expectBytes(buf.read(), other)
  })

  hmmTest('anon_write_huge', ({ mm, device }) => {
    const buf = mm.mmap({ pages: 512 })
    buf.advise('hugepage')
    const data = numbers(512)
    expect(device.write(buf, data)).toEqual({ pages: 512, faults: 1 })
    expectBytes(buf.read(), data)
  })

  hmmTest('anon_write_hugetlbfs', ({ box, mm, device }) => {
    const buf = mm.mmap({ pages: 512, hugetlb: true })
    const data = numbers(512)
    expect(device.write(buf, data)).toEqual({ pages: 512, faults: 1 })
    expectBytes(buf.read(), data)
    expect(box.hugetlb).toEqual({ pages: 8, free: 7, reserved: 0 })
  })

  hmmTest('compound', ({ mm, device }) => {
    const buf = mm.mmap({ pages: 512, hugetlb: true })
    buf.write(numbers(512))
    expect(new Set(device.snapshot(buf).toStrings())).toEqual(new Set(['WRITE+PMD']))
    buf.protect('r')
    expect(new Set(device.snapshot(buf).toStrings())).toEqual(new Set(['READ+PMD']))
  })

  hmmTest('file_read', ({ box, mm, device }) => {
    const file = box.createFile({ pages: npages })
    const data = numbers(npages)
    file.write(data)
    const buf = mm.mmap({ pages: npages, file, prot: 'r' })
    const read = device.read(buf)
    expect(read).toMatchObject({ pages: npages, faults: 1 })
    expectBytes(read.bytes, data)
  })

  hmmTest('file_write', ({ box, mm, device }) => {
    const file = box.createFile({ pages: npages })
    const buf = mm.mmap({ pages: npages, file })
    const data = numbers(npages)
    expect(device.write(buf, data)).toEqual({ pages: npages, faults: 1 })
    expectBytes(buf.read(), data)
    expectBytes(file.read(), data)
  })

  hmmTest('migrate', ({ mm, device }) => {
    const { buf, data } = filled(mm)
    const moved = device.migrateToDevice(buf, { copy: true })
    expect(moved.pages).toBe(npages)
    expectBytes(moved.bytes, data)
  })

  hmmTest('migrate_file_private', ({ box, mm, device }) => {
    const file = box.createFile({ pages: npages })
    const buf = mm.mmap({ pages: npages, file, kind: 'file-private' })
    const data = numbers(npages)
    buf.write(data)
    const moved = device.migrateToDevice(buf, { copy: true })
    expect(moved.pages).toBe(npages)
    expectBytes(moved.bytes, data)
  })

  hmmTest('migrate_fault', ({ mm, device }) => {
    const { buf, data } = filled(mm)
    for (let round = 0; round < 2; round++) {
      const moved = device.migrateToDevice(buf, { copy: true })
      expect(moved.pages).toBe(npages)
      expectBytes(moved.bytes, data)
      const half = npages / 2
      expectBytes(buf.slice(0, half).read(), data.subarray(0, half * 4096))
    }
  })

  hmmTest('migrate_release', ({ mm, device }) => {
    const { buf, data } = filled(mm)
    expectBytes(device.migrateToDevice(buf, { copy: true }).bytes, data)
    device.release()
    expect(device.pagesInUse).toBe(0)
    const half = npages / 2
    expectBytes(buf.slice(0, half).read(), data.subarray(0, half * 4096))
  })

  hmmTest('migrate_shared', ({ mm, device }) => {
    const buf = mm.mmap({ pages: npages, kind: 'anon-shared' })
    expect(errnoOf(() => device.migrateToDevice(buf))).toBe('ENOENT')
  })

  hmmTest('migrate_multiple', ({ mm, device }) => {
    for (let round = 1; round <= 10; round++) {
      const buf = mm.mmap({ pages: npages })
      const data = numbers(npages, round)
      buf.write(data)
      const moved = device.migrateToDevice(buf, { copy: true })
      expect(moved.pages).toBe(npages)
      expectBytes(moved.bytes, data)
      if (!isPrivate) expect(device.migrateToSystem(buf).pages).toBe(npages)
      expectBytes(buf.read(), data)
      buf.unmap()
    }
  })

  hmmTest('anon_read_multiple', ({ mm, device }) => {
    for (let round = 1; round <= 10; round++) {
      const buf = mm.mmap({ pages: npages })
      const data = numbers(npages, round)
      buf.write(data)
      const read = device.read(buf)
      expect(read).toMatchObject({ pages: npages, faults: 1 })
      expectBytes(read.bytes, data)
      buf.unmap()
    }
  })

  // The kernel's test unmaps from a second thread; each of the two orders is tried here, and the
  // threads are native/tests/zone_device_threads_test.cpp's.
  hmmTest('anon_teardown', ({ mm, device }) => {
    for (let round = 1; round <= 10; round++) {
      const buf = mm.mmap({ pages: npages })
      const data = numbers(npages, round)
      buf.write(data)
      if (round % 2 === 0) buf.slice(npages / 2).unmap()
      if (round % 2 === 0) {
        expect(errnoOf(() => device.read(buf))).toBe('EFAULT')
      } else {
        const read = device.read(buf)
        expect(read).toMatchObject({ pages: npages, faults: 1 })
        expectBytes(read.bytes, data)
      }
      buf.unmap()
    }
  })

  hmmTest('mixedmap', ({ mm, device }) => {
    const own = device.mmap(mm, { pages: 1, prot: 'r' })
    expect(device.snapshot(own).toStrings()).toEqual(['READ'])
    own.unmap()
  })

  hmmTest('exclusive', ({ mm, device }) => {
    const { buf, data } = filled(mm)
    const taken = device.exclusive(buf, { copy: true })
    expect(taken.pages).toBe(npages)
    expectBytes(taken.bytes, data)
    for (let page = 0; page < npages; page++) buf.store(page, buf.load(page) + 1n)
    const words = new BigUint64Array(data.buffer)
    for (let page = 0; page < npages; page++) words[page * 512] = (words[page * 512] as bigint) + 1n
    expectBytes(buf.read(), data)
    device.checkExclusive(buf)
  })

  hmmTest('exclusive_mprotect', ({ mm, device }) => {
    const { buf, data } = filled(mm)
    expectBytes(device.exclusive(buf, { copy: true }).bytes, data)
    buf.protect('r')
    expect(errnoOf(() => device.write(buf, data))).toBe('EPERM')
  })

  hmmTest('exclusive_cow', ({ mm, device }) => {
    const { buf, data } = filled(mm)
    expectBytes(device.exclusive(buf, { copy: true }).bytes, data)
    const child = mm.fork()
    const theirs = child.at(buf.address, npages)
    const plus = (n: bigint): Uint8Array => {
      const bytes = data.slice()
      const words = new BigUint64Array(bytes.buffer)
      for (let page = 0; page < npages; page++) words[page * 512] = (words[page * 512] as bigint) + n
      return bytes
    }
    for (let page = 0; page < npages; page++) buf.store(page, buf.load(page) + 1n)
    for (let page = 0; page < npages; page++) theirs.store(page, theirs.load(page) + 2n)
    expectBytes(buf.read(), plus(1n))
    expectBytes(theirs.read(), plus(2n))
    child.close()
  })

  hmmTest('hmm_gup_test', ({ mm, device }) => {
    const { buf, data } = filled(mm, 4)
    expect(device.migrateToDevice(buf).pages).toBe(4)
    buf.slice(0, 1).get({ write: true, fast: false }).put()
    buf.slice(1, 1).get({ write: true }).put()
    buf.slice(2, 1).pin({ write: true, longterm: true }).unpin()
    buf.slice(3, 1).pin({ write: true, longterm: true, fast: false }).unpin()
    const here = isPrivate ? 'WRITE' : 'COHERENT_LOCAL+WRITE'
    expect(device.snapshot(buf).toStrings()).toEqual([here, here, 'WRITE', 'WRITE'])
    expectBytes(buf.read(), data)
  })

  hmmTest('hmm_cow_in_device', ({ mm, device }) => {
    const { buf } = filled(mm, 4)
    expect(device.migrateToDevice(buf).pages).toBe(4)
    const child = mm.fork()
    buf.fill(9)
    child.close()
    expect(device.snapshot(buf).toStrings()).toEqual(['WRITE', 'WRITE', 'WRITE', 'WRITE'])
  })
})
