// The fixture `hmm2` of the kernel's HMM selftest: two devices of one kind.
import type { DeviceType } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { errnoOf } from '../mm/errors.ts'
import { expectBytes, filled, type Hmm, withHmm } from './hmm.ts'

const variants: [string, DeviceType][] = [
  ['hmm2_device_private', 'private'],
  ['hmm2_device_coherent', 'coherent'],
]

describe.each(variants)('hmm2.%s', (_, type) => {
  const hmmTest = (name: string, run: (hmm: Hmm) => void) => test(name, () => withHmm(type, run))
  const isPrivate = type === 'private'

  hmmTest('migrate_mixed', ({ mm, device, other }) => {
    const buf = mm.mmap({ pages: 6, prot: 'none' })
    expect(errnoOf(() => other.migrateToDevice(buf))).toBe('EINVAL')
    buf.slice(1, 1).unmap()
    expect(errnoOf(() => other.migrateToDevice(buf.slice(0, 3)))).toBe('EINVAL')
    buf.slice(2, 1).protect('r')
    expect(buf.load(2)).toBe(0n)
    buf.slice(3, 1).protect('rw')
    buf.store(3, 3)
    buf.slice(3, 1).protect('r')
    buf.slice(4, 2).protect('rw')
    buf.store(4, 4)
    buf.store(5, 5)
    expect(other.migrateToDevice(buf.slice(2))).toMatchObject({ pages: 4, errno: null })
    expect(errnoOf(() => device.migrateToDevice(buf.slice(5, 1)))).toBe('ENOENT')
    expect([...buf.slice(2).words()]).toEqual([0n, 3n, 4n, 5n])
  })

  hmmTest('snapshot', ({ mm, device, other }) => {
    const buf = mm.mmap({ pages: 7, prot: 'none' })
    buf.slice(1, 1).unmap()
    buf.slice(2, 1).protect('r')
    expect(buf.load(2)).toBe(0n)
    buf.slice(3, 4).protect('rw')
    for (const page of [3, 4, 5, 6]) buf.store(page, page)
    buf.slice(3, 1).protect('r')
    expect(device.migrateToDevice(buf.slice(5, 1)).pages).toBe(1)
    expect(other.migrateToDevice(buf.slice(6, 1)).pages).toBe(1)
    const snapshot = device.snapshot(buf)
    expect(snapshot.pages).toBe(7)
    expect(snapshot.toStrings()).toEqual([
      'ERROR',
      'ERROR',
      'ZERO+READ',
      'READ',
      'WRITE',
      isPrivate ? 'PRIVATE_LOCAL+WRITE' : 'COHERENT_LOCAL+WRITE',
      isPrivate ? 'NONE' : 'COHERENT_REMOTE+WRITE',
    ])
  })

  hmmTest('double_map', ({ mm, device, other }) => {
    const { buf, data } = filled(mm, 6)
    buf.protect('r')
    for (const each of [device, other]) {
      const read = each.read(buf)
      expect(read).toMatchObject({ pages: 6, faults: 1 })
      expectBytes(read.bytes, data)
    }
    expect(other.migrateToDevice(buf).pages).toBe(6)
    const again = device.read(buf)
    expect(again).toMatchObject({ pages: 6, faults: 1 })
    expectBytes(again.bytes, data)
  })
})
