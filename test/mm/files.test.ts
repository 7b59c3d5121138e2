import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Box } from 'pagebox'
import { box, mm } from './freshBox.ts'
import { codeOf, errnoOf, errorOf } from './errors.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(process.env.PAGEBOX_TEST_DIR ?? tmpdir(), 'pagebox-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** Pages whose every byte differs from its neighbours. */
const pattern = (pages: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length: pages * 4096 }, (_, i) => (i * 7 + (i >> 12) * 13 + seed) & 255)

describe('a file in memory', () => {
  test('is shared by what maps it, and copied by a private mapping that writes', () => {
    const file = box.createFile({ words: BigUint64Array.of(1n, 2n, 3n) })
    expect(file).toMatchObject({ kind: 'memory', pages: 3, direct: false })
    const shared = mm.mmap({ pages: 3, file })
    const own = mm.mmap({ pages: 2, file, filePage: 1, kind: 'file-private' })
    shared.store(1, 20)
    expect([...own.words()]).toEqual([20n, 3n])
    own.store(0, 99)
    expect([...file.words()]).toEqual([1n, 20n, 3n])
    file.writeWords(BigUint64Array.of(7n), 2)
    expect(own.load(1)).toBe(7n)
    file.truncate(1)
    expect(errorOf(() => shared.load(1)).signal).toBe('SIGBUS')
    file.close()
    expect(shared.load(0)).toBe(1n)
    expect(codeOf(() => file.read())).toBe('ERR_PAGEBOX_CLOSED')
  })

  test('has no direct I/O', () => {
    const file = box.createFile({ pages: 1 })
    expect(errnoOf(() => mm.mmap({ pages: 1 }).dioRead(file))).toBe('EINVAL')
    expect(errnoOf(() => file.readDirect(0, 1))).toBe('EINVAL')
  })
})

describe('a file on a disk in memory', () => {
  test('is written when it is told to, and by direct I/O at once', () => {
    const file = box.createFile({ kind: 'disk', words: BigUint64Array.of(1n, 2n, 3n, 4n) })
    const map = mm.mmap({ pages: 4, file })
    expect(mm.vmas[0]?.kind).toBe('disk-shared')
    map.store(0, 50)
    expect(map.pagemap()[0]?.flags).toContain('MMAP')
    file.writeback()
    const buf = mm.mmap({ pages: 4 })
    expect(buf.dioRead(file)).toEqual({ bytes: 4 * 4096, direct: true, errno: null })
    expect([...buf.words()]).toEqual([50n, 2n, 3n, 4n])
    buf.fill(80)
    expect(buf.slice(1, 2).dioWrite(file, 1)).toMatchObject({ bytes: 2 * 4096 })
    expect([...map.words()]).toEqual([50n, 81n, 82n, 4n])
    expect(buf.writeFile(file, 2)).toEqual({ bytes: 4 * 4096, direct: false, errno: null })
    expect(file.pages).toBe(6)
    expect(buf.slice(0, 2).readFile(file, 5).bytes).toBe(4096)
  })

  test('a transfer from memory that is not there is refused, or cut', () => {
    const file = box.createFile({ kind: 'disk', pages: 4 })
    const buf = mm.mmap({ pages: 4 })
    buf.fill(1)
    buf.slice(2, 1).unmap()
    expect(buf.writeFile(file)).toEqual({ bytes: 2 * 4096, direct: false, errno: null })
    expect(errnoOf(() => buf.slice(2, 1).dioWrite(file))).toBe('EFAULT')
    expect(errnoOf(() => buf.slice(2, 1).writeFile(file))).toBe('EFAULT')
  })
})

describe('a real file', () => {
  test('is read and written by direct I/O from the frames', () => {
    const path = join(folder, 'data')
    const bytes = pattern(8)
    writeFileSync(path, bytes)
    const file = box.openFile(path)
    expect(file).toMatchObject({ kind: 'real', pages: 8 })
    const buf = mm.mmap({ pages: 8 })
    const read = buf.dioRead(file)
    expect(read).toEqual({ bytes: 8 * 4096, direct: file.direct, errno: null })
    expect(buf.read()).toEqual(bytes)

    const mine = pattern(8, 100)
    buf.write(mine)
    expect(buf.slice(4, 4).dioWrite(file, 4).bytes).toBe(4 * 4096)
    const after = readFileSync(path)
    expect(after.subarray(0, 4 * 4096).equals(bytes.subarray(0, 4 * 4096))).toBe(true)
    expect(after.subarray(4 * 4096).equals(mine.subarray(4 * 4096))).toBe(true)
    expect(box.audit().clean).toBe(true)
  })

  test('grows, and is written back from mappings and by close', () => {
    const path = join(folder, 'new')
    const file = box.openFile(path, { create: true })
    const buf = mm.mmap({ pages: 2 })
    buf.fill(5)
    buf.dioWrite(file)
    expect(statSync(path).size).toBe(2 * 4096)
    const map = mm.mmap({ pages: 2, file })
    map.store(1, 77)
    const word = (page: number) => readFileSync(path).readBigUInt64LE(page * 4096)
    file.writeback()
    expect(word(1)).toBe(77n)
    map.store(0, 78)
    map.unmap()
    file.close()
    expect(word(0)).toBe(78n)
    expect(statSync(path).size).toBe(2 * 4096)
  })

  test('asked for without O_DIRECT says so', () => {
    const path = join(folder, 'buffered')
    writeFileSync(path, pattern(1))
    const file = box.openFile(path, { direct: false })
    expect(file.direct).toBe(false)
    const buf = mm.mmap({ pages: 1 })
    expect(buf.dioRead(file)).toEqual({ bytes: 4096, direct: false, errno: null })
    expect(buf.read()).toEqual(pattern(1))
  })

  test('goes to a buffer in the memory of a device, which comes back for it', () => {
    const path = join(folder, 'device')
    writeFileSync(path, pattern(4))
    const file = box.openFile(path)
    const gpu = box.addDevice({ pages: 16 })
    const buf = mm.mmap({ pages: 4 })
    buf.write(pattern(4, 9))
    expect(gpu.migrateToDevice(buf).pages).toBe(4)
    expect(buf.dioWrite(file).bytes).toBe(4 * 4096)
    expect(readFileSync(path).equals(pattern(4, 9))).toBe(true)
    expect(buf.pagemap().map(({ state }) => state)).toEqual(new Array(4).fill('present'))
    writeFileSync(path, pattern(4, 33))
    expect(gpu.migrateToDevice(buf).pages).toBe(4)
    expect(buf.dioRead(file).bytes).toBe(4 * 4096)
    expect(gpu.read(buf).bytes).toEqual(pattern(4, 33))
    expect(gpu.pagesInUse).toBe(0)
    box.audit().assertClean()
  })

  test('that does not exist, is a folder, or has no whole pages', () => {
    expect(errnoOf(() => box.openFile(join(folder, 'none')))).toBe('ENOENT')
    expect(codeOf(() => box.openFile(folder))).toBe('ERR_PAGEBOX_REFUSED')
    const path = join(folder, 'odd')
    writeFileSync(path, 'seven b')
    expect(errorOf(() => box.openFile(path))).toMatchObject({ code: 'ERR_PAGEBOX_ARG_RANGE', argument: 'path' })
    expect(readFileSync(path, 'utf8')).toBe('seven b')
  })

  test.skipIf(!existsSync('/dev/full'))('on a disk that is full fails, and says so once more at writeback', () => {
    const file = box.openFile('/dev/full')
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    expect(errnoOf(() => buf.dioWrite(file))).toBe('ENOSPC')
    expect(file.pages).toBe(0)
    expect(buf.writeFile(file).bytes).toBe(2 * 4096)
    expect(errnoOf(() => file.writeback())).toBe('ENOSPC')
    box.audit().assertClean()
    expect([...buf.words()]).toEqual([1n, 2n])
  })

  test('cut by someone else meanwhile reads as a hole', () => {
    const path = join(folder, 'cut')
    writeFileSync(path, pattern(2))
    const file = box.openFile(path)
    truncateSync(path, 4096)
    const buf = mm.mmap({ pages: 2 })
    buf.dioRead(file)
    expect(buf.read(4096)).toEqual(new Uint8Array(4096))
  })
})

describe('a file costs what was written to it, not its length', () => {
  const far = 2 ** 30

  test.each(['memory', 'disk'] as const)('of kind %s, sparse', (kind) => {
    const box = Box.create({ pages: 256 })
    const file = box.createFile({ kind, pages: 2 ** 26 })
    file.truncate(2 ** 31)
    expect(file.pages).toBe(2 ** 31)
    // One page at its begin, one far beyond.
    file.writeWords(BigUint64Array.of(7n), 3)
    file.writeWords(BigUint64Array.of(9n), far)
    file.writeback()
    expect([file.words(3, 1)[0], file.words(far, 1)[0], file.words(far - 1, 1)[0]]).toEqual([7n, 9n, 0n])
    box.audit().assertClean()
    const mm = box.createMm()
    const near = mm.mmap({ pages: 8, file })
    const beyond = mm.mmap({ pages: 4, file, filePage: far - 2 })
    expect([near.load(3), beyond.load(2), beyond.load(1)]).toEqual([7n, 9n, 0n])
    beyond.store(3, 11)
    file.writeback()
    // Evicted pages leave slots and shadows behind, which go, too.
    box.reclaim()
    expect(file.words(far + 1, 1)[0]).toBe(11n)
    box.audit().assertClean()
    file.truncate(far + 1)
    file.truncate(2 ** 31)
    expect([file.words(far, 1)[0], file.words(far + 1, 1)[0]]).toEqual([9n, 0n])
    file.truncate(4)
    file.truncate(2 ** 31)
    expect([file.words(3, 1)[0], file.words(far, 1)[0]]).toEqual([7n, 0n])
    box.audit().assertClean()
    mm.close()
    file.close()
    box.audit().assertClean()
    box.close()
  })

  test('many of any length', () => {
    const box = Box.create({ pages: 64 })
    for (let i = 0; i < 200; i++) box.createFile({ kind: 'disk', pages: 2 ** 26 }).close()
    box.audit().assertClean()
    box.close()
  })
})
