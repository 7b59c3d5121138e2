import { afterEach, describe, expect, test } from 'vitest'
import { Box, schemes } from '../../lib/index.ts'

// The thread's first problem: a page of a file is pinned for a device, writeback cleans it, the device
// stores, and nobody knows that the page is dirty. What a scheme tells writeback closes it.
let box: Box
afterEach(() => box.close())

/** The word that the disk has in the end: the device stores 2 after writeback has written 1. */
function written(scheme: string, writebackAsksPins: boolean): bigint {
  box = Box.create({ pages: 1024, scheme, writebackAsksPins })
  const mm = box.createMm()
  const file = box.createFile({ kind: 'disk', words: BigUint64Array.of(0n) })
  const map = mm.mmap({ pages: 1, file })
  map.store(0, 1n)
  const pins = map.pin({ write: true })
  file.writeback()
  pins.store(0, 2n)
  pins.unpin()
  expect(map.load(0)).toBe(2n)
  file.writeback()
  const disk = mm.mmap({ pages: 1 })
  disk.dioRead(file)
  box.audit().assertClean()
  return disk.load(0)
}

describe.each(schemes.list().flatMap(({ name, builtin }) => (builtin ? [name] : [])))('%s', (scheme) => {
  test('what the device stored is lost where writeback does not ask', () => {
    expect(written(scheme, false)).toBe(1n)
  })
  test('it is written where writeback asks', () => {
    expect(written(scheme, true)).toBe(2n)
  })
})
