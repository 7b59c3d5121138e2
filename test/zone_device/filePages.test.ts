import { afterEach, describe, expect, test } from 'vitest'
import { Box } from '../../lib/index.ts'

// The extension: pages of files on a device, which no kernel has.
let box: Box
afterEach(() => box.close())

function fileOnDevice(kind: 'memory' | 'disk', fileBackedDevicePages: boolean) {
  box = Box.create({ pages: 1024, fileBackedDevicePages })
  const mm = box.createMm()
  const file = box.createFile({ kind, words: BigUint64Array.of(5n, 6n) })
  const map = mm.mmap({ pages: 2, file })
  map.store(0, 7n)
  map.load(1)
  const device = box.addDevice({ type: 'private', pages: 8 })
  return { mm, file, map, device }
}

test('off by default: pages of files stay where they are', () => {
  const { map, device } = fileOnDevice('disk', false)
  expect(() => device.migrateToDevice(map)).toThrow(expect.objectContaining({ errno: 'ENOENT' }))
  expect(device.pagesInUse).toBe(0)
  box.audit().assertClean()
})

describe.each(['memory', 'disk'] as const)('a file in %s', (kind) => {
  test('moves, and comes back to who reads, writes or pins', () => {
    const { map, device } = fileOnDevice(kind, true)
    expect(device.migrateToDevice(map)).toMatchObject({ pages: 2, errno: null })
    expect(device.pagesInUse).toBe(2)
    box.audit().assertClean()
    expect(map.load(0)).toBe(7n)
    expect(device.pagesInUse).toBe(1)
    const pins = map.pin()
    expect(device.pagesInUse).toBe(0)
    pins.unpin()
    expect(map.load(1)).toBe(6n)
    box.audit().assertClean()
  })
})

test('writeback brings dirty pages back and writes them', () => {
  const { mm, file, map, device } = fileOnDevice('disk', true)
  device.migrateToDevice(map)
  file.writeback()
  const disk = mm.mmap({ pages: 2 })
  disk.dioRead(file)
  expect([disk.load(0), disk.load(1)]).toEqual([7n, 6n])
  box.audit().assertClean()
})
