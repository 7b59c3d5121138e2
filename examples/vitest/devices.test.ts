import { describe, expect, test } from 'pagebox/vitest'

describe('a device', () => {
  test.override({ deviceOptions: { type: 'private', pages: 64 } })

  test('takes pages over, and a CPU that touches them brings them back', ({ mm, device }) => {
    const buf = mm.mmap({ pages: 8 })
    buf.fill(100)
    device.migrateToDevice(buf)
    expect(buf).toBeOnDevice(device)
    expect(buf.load(3)).toBe(103n)
    expect(buf.slice(3, 1)).toBePresent()
    expect(buf.slice(4)).toBeOnDevice(device)
    expect(buf).toPassAudit()
  })

  test('cannot have what is pinned', ({ mm, device }) => {
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    const pins = buf.slice(0, 1).pin({ write: true })
    expect(device.migrateToDevice(buf)).toMatchObject({ pages: 1, errno: 'ENOENT' })
    expect(buf.slice(0, 1)).toBePinned()
    pins.unpin()
    device.migrateToDevice(buf)
    expect(buf).toBeOnDevice(device)
  })

  test('sees what the process sees', ({ mm, device }) => {
    const buf = mm.mmap({ pages: 2 })
    buf.fill(7)
    device.write(buf, BigUint64Array.of(1n, 2n))
    expect(buf).toHaveWords(1n)
    buf.advise('pageout')
    expect(buf).toBeSwappedOut()
    expect(device.read(buf).faults).toBe(1)
  })
})
