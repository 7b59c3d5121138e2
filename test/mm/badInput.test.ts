import { Box, Device, Mapping, Mm, PageFile, PinnedPages } from 'pagebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BadValue, wrongEverywhere, wrongNumbers } from '../badValues.ts'
import { type Argument, expectRefused } from '../hostile/arguments.ts'
import { codeOf, errnoOf, errorOf } from './errors.ts'

let box: Box
let mm: Mm<Box>
let buf: Mapping<Box>
let gpu: Device<Box>
let file: PageFile
let pins: PinnedPages
beforeAll(() => {
  box = Box.create({ pages: 1024 })
  mm = box.createMm()
  buf = mm.mmap({ pages: 4 })
  buf.fill(1)
  gpu = box.addDevice({ pages: 16 })
  file = box.createFile({ pages: 2, kind: 'disk' })
  pins = buf.pin({ write: true })
})
afterAll(() => {
  box.close()
})

const bytesTake = ['a Float64Array']
const args: Argument[] = [
  { name: 'create devicePages', number: true, call: (value) => Box.create({ pages: 4, devicePages: value }) },
  { name: 'createFile(options)', call: (value) => box.createFile(value) },
  { name: 'createFile pages', number: true, call: (value) => box.createFile({ pages: value }), takes: ['2^32'] },
  { name: 'createFile kind', call: (value) => box.createFile({ kind: value }) },
  { name: 'createFile words', call: (value) => box.createFile({ words: value }) },
  { name: 'openFile(path)', call: (value) => box.openFile(value) },
  { name: 'openFile options', call: (value) => box.openFile('none', value) },
  { name: 'openFile direct', call: (value) => box.openFile('none', { direct: value }) },
  { name: 'addDevice(options)', call: (value) => box.addDevice(value) },
  { name: 'addDevice type', call: (value) => box.addDevice({ type: value }) },
  { name: 'addDevice pages', number: true, call: (value) => box.addDevice({ pages: value }) },
  {
    name: 'addDevice name',
    call: (value) => box.addDevice({ name: value }),
    takes: ['a string', 'an empty string', 'a number as text'],
  },
  { name: 'reclaim(pages)', number: true, call: (value) => box.reclaim(value), takes: ['2^32'] },
  { name: 'compact(first)', number: true, call: (value) => box.compact(value) },
  { name: 'compact(0, pages)', number: true, call: (value) => box.compact(0, value) },
  { name: 'mmap(options)', call: (value) => mm.mmap(value) },
  { name: 'mmap pages', number: true, call: (value) => mm.mmap({ pages: value }), takes: ['2^32'] },
  { name: 'mmap kind', call: (value) => mm.mmap({ pages: 1, kind: value }) },
  { name: 'mmap prot', call: (value) => mm.mmap({ pages: 1, prot: value }) },
  { name: 'mmap file', call: (value) => mm.mmap({ pages: 1, file: value }) },
  { name: 'mmap filePage', number: true, call: (value) => mm.mmap({ pages: 1, file, filePage: value }) },
  { name: 'mmap hugetlb', call: (value) => mm.mmap({ pages: 512, hugetlb: value }) },
  { name: 'create hugetlbPages', number: true, call: (value) => Box.create({ pages: 1024, hugetlbPages: value }) },
  { name: 'mmap address', call: (value) => mm.mmap({ pages: 1, address: value }) },
  { name: 'at(address)', call: (value) => mm.at(value), takes: ['2^53'] },
  { name: 'at(0, pages)', number: true, call: (value) => mm.at(0, value), takes: ['2^32'] },
  { name: 'mm.load(address)', call: (value) => mm.load(value) },
  { name: 'mm.store(address)', call: (value) => mm.store(value, 1) },
  { name: 'mm.store value', call: (value) => mm.store(buf.address, value) },
  { name: 'slice(first)', number: true, call: (value) => buf.slice(value) },
  { name: 'slice(0, pages)', number: true, call: (value) => buf.slice(0, value) },
  { name: 'load(page)', number: true, call: (value) => buf.load(value) },
  { name: 'load(0, word)', number: true, call: (value) => buf.load(0, value) },
  { name: 'store(page)', number: true, call: (value) => buf.store(value, 1) },
  { name: 'store value', call: (value) => buf.store(0, value) },
  { name: 'fill(first)', call: (value) => buf.fill(value) },
  { name: 'read(offset)', number: true, call: (value) => buf.read(value) },
  { name: 'read(0, length)', number: true, call: (value) => buf.read(0, value) },
  { name: 'write(bytes)', call: (value) => buf.write(value), takes: bytesTake.slice(1) },
  { name: 'write offset', number: true, call: (value) => buf.write(new Uint8Array(1), value) },
  { name: 'pin(options)', call: (value) => buf.pin(value) },
  ...(['write', 'longterm', 'fast', 'force', 'p2pdma'] as const).map((name) => ({
    name: `pin ${name}`,
    call: (value: never) => buf.pin({ [name]: value }),
  })),
  { name: 'protect(prot)', call: (value) => buf.protect(value) },
  { name: 'advise(advice)', call: (value) => buf.advise(value) },
  { name: 'remap(address)', call: (value) => buf.remap(value) },
  { name: 'page(page)', number: true, call: (value) => buf.page(value) },
  { name: 'readFile(file)', call: (value) => buf.readFile(value) },
  { name: 'dioRead(file, page)', number: true, call: (value) => buf.dioRead(file, value) },
  { name: 'pins.read(offset)', number: true, call: (value) => pins.read(value) },
  { name: 'pins.write(bytes)', call: (value) => pins.write(value) },
  { name: 'pins.load(page)', number: true, call: (value) => pins.load(value) },
  { name: 'pins.store value', call: (value) => pins.store(0, value) },
  { name: 'file.read(page)', number: true, call: (value) => file.read(value, 1), takes: ['2^32'] },
  { name: 'file.read(0, pages)', number: true, call: (value) => file.read(0, value) },
  { name: 'file.write(bytes)', call: (value) => file.write(value) },
  { name: 'file.writeWords(words)', call: (value) => file.writeWords(value) },
  { name: 'file.truncate(pages)', number: true, call: (value) => file.truncate(value) },
  { name: 'device.open(mm)', call: (value) => gpu.open(value) },
  { name: 'device.close(mm)', call: (value) => gpu.close(value) },
  { name: 'device.isOpen(mm)', call: (value) => gpu.isOpen(value) },
  { name: 'device.mmap(mm)', call: (value) => gpu.mmap(value, { pages: 1 }) },
  { name: 'device.mmap pages', number: true, call: (value) => gpu.mmap(mm, { pages: value }) },
  { name: 'device.read(range)', call: (value) => gpu.read(value) },
  { name: 'device.write(range)', call: (value) => gpu.write(value, new Uint8Array(4096)) },
  { name: 'device.write data', call: (value) => gpu.write(buf, value) },
  { name: 'device.migrateToDevice(range)', call: (value) => gpu.migrateToDevice(value) },
  { name: 'device.migrateToDevice copy', call: (value) => gpu.migrateToDevice(buf, { copy: value }) },
  { name: 'device.migrateToSystem(range)', call: (value) => gpu.migrateToSystem(value) },
  { name: 'device.snapshot(range)', call: (value) => gpu.snapshot(value) },
  { name: 'device.snapshot out', call: (value) => gpu.snapshot(buf, value) },
  { name: 'device.exclusive(range)', call: (value) => gpu.exclusive(value) },
  { name: 'device.checkExclusive(range)', call: (value) => gpu.checkExclusive(value) },
]

function check(argument: Argument, values: readonly BadValue[]): void {
  test(argument.name, () => {
    const words = [...buf.words()]
    expectRefused(argument, values)
    expect([...buf.words()]).toEqual(words)
    expect(mm.vmas).toHaveLength(1)
    for (const device of box.devices) if (device.name !== gpu.name) device.remove()
    box.audit().assertClean()
  })
}

describe('a number', () => {
  for (const each of args.filter(({ number }) => number)) check(each, [...wrongEverywhere, ...wrongNumbers])
})
describe('another argument', () => {
  for (const each of args.filter(({ number }) => !number)) check(each, wrongEverywhere)
})

describe('an address', () => {
  test('that is misaligned', () => {
    for (const call of [
      () => mm.at(1),
      () => mm.at(4095n, 2),
      () => mm.mmap({ pages: 1, address: 100 }),
      () => mm.load(4),
      () => mm.store(12, 1),
      () => buf.remap(1n),
    ])
      expect(codeOf(call)).toBe('ERR_PAGEBOX_ARG_RANGE')
  })

  test('from which the range wraps', () => {
    const top = (1n << 64n) - 4096n
    expect(codeOf(() => mm.at(top, 2))).toBe('ERR_PAGEBOX_ARG_RANGE')
    expect(codeOf(() => mm.mmap({ pages: 2, address: top }))).toBe('ERR_PAGEBOX_ARG_RANGE')
    const last = mm.at(top)
    expect(errorOf(() => last.load()).signal).toBe('SIGSEGV')
    expect(errnoOf(() => last.pin())).toBe('EFAULT')
    expect(errnoOf(() => last.unmap())).toBe('EINVAL')
    expect(errnoOf(() => gpu.read(last))).toBe('EINVAL')
    expect(last.pagemap()[0]?.state).toBe('none')
  })

  test('beyond user space, or where something is', () => {
    expect(errnoOf(() => mm.mmap({ pages: 1, address: 1n << 47n }))).toBe('EINVAL')
    expect(errnoOf(() => mm.mmap({ pages: 2 ** 34 + 1, address: 1n << 46n }))).toBe('EINVAL')
    expect(errnoOf(() => mm.mmap({ pages: 1, address: buf.address }))).toBe('EEXIST')
    expect(errnoOf(() => mm.mmap({ pages: 2 ** 35 }))).toBe('ENOMEM')
  })

  test('where nothing is mapped', () => {
    const hole = mm.at(0x7000_0000, 3)
    expect(errorOf(() => hole.store(0, 1)).signal).toBe('SIGSEGV')
    expect(errorOf(() => hole.pin())).toMatchObject({ errno: 'EFAULT', index: 0 })
    expect(errnoOf(() => hole.get())).toBe('EFAULT')
    expect(errnoOf(() => hole.protect('r'))).toBe('ENOMEM')
    expect(errnoOf(() => hole.lock())).toBe('ENOMEM')
    expect(errnoOf(() => hole.advise('dontneed'))).toBe('ENOMEM')
    expect(errnoOf(() => hole.remap())).toBe('EFAULT')
    expect(errnoOf(() => hole.readFile(file))).toBe('EFAULT')
    expect(errnoOf(() => hole.dioWrite(file))).toBe('EFAULT')
    hole.unmap()
    expect(errnoOf(() => gpu.read(hole))).toBe('EFAULT')
    expect(errnoOf(() => gpu.write(hole, new Uint8Array(3 * 4096)))).toBe('EFAULT')
    expect(errnoOf(() => gpu.migrateToDevice(hole))).toBe('EINVAL')
    expect(errnoOf(() => gpu.migrateToSystem(hole))).toBe('EINVAL')
    expect(errnoOf(() => gpu.exclusive(hole))).toBeTruthy()
    expect(gpu.snapshot(hole).toStrings()).toEqual(['ERROR', 'ERROR', 'ERROR'])
    box.audit().assertClean()
  })
})

test('a snapshot buffer that is too small', () => {
  expect(errorOf(() => gpu.snapshot(buf, new Uint8Array(3)))).toMatchObject({
    code: 'ERR_PAGEBOX_ARG_RANGE',
    argument: 'out',
  })
  expect(gpu.snapshot(buf, new Uint8Array(9)).codes).toHaveLength(4)
})

describe('an object', () => {
  test('of another box', () => {
    using_(Box.create({ pages: 256 }), (other) => {
      const theirs = other.createMm()
      const far = theirs.mmap({ pages: 2 })
      const device = other.addDevice()
      const theirFile = other.createFile({ pages: 1 })
      for (const call of [
        () => gpu.read(far),
        () => gpu.migrateToDevice(far),
        () => gpu.open(theirs),
        () => device.snapshot(buf),
        () => mm.mmap({ pages: 1, file: theirFile }),
        () => buf.readFile(theirFile),
        () => gpu.mmap(theirs as never, { pages: 1 }),
      ])
        expect(codeOf(call)).toBe('ERR_PAGEBOX_OTHER_BOX')
      other.audit().assertClean()
    })
    box.audit().assertClean()
  })

  test('cannot be made by hand, nor lend its methods', () => {
    const classes = [Mm, Mapping, PageFile, Device, PinnedPages] as unknown as (new () => unknown)[]
    for (const each of classes) expect(codeOf(() => new each())).toBe('ERR_PAGEBOX_ARG_TYPE')
    for (const { prototype } of [
      Mm,
      Mapping,
      PageFile,
      Device,
      PinnedPages,
      ...[PageFile, Device, PinnedPages].map(Object.getPrototypeOf),
    ])
      for (const name of Reflect.ownKeys(prototype).filter((name) => name !== 'constructor')) {
        const { value, get } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
        for (const other of [{}, undefined, null, box])
          expect(
            codeOf(() => Reflect.apply((value ?? get) as () => void, other, [])),
            String(name),
          ).toBe('ERR_PAGEBOX_THIS')
      }
  })

  test('that was closed', () => {
    const gone = box.createMm()
    const there = gone.mmap({ pages: 1 })
    const held = there.pin({ write: true })
    gone.close()
    gone.close()
    for (const call of [
      () => gone.mmap({ pages: 1 }),
      () => gone.fork(),
      () => gone.vmas,
      () => gone.clearRefs(),
      () => there.load(),
      () => there.pin(),
      () => there.unmap(),
      () => there.pagemap(),
      () => there.readFile(file),
      () => gpu.read(there),
      () => gpu.open(gone),
    ])
      expect(errorOf(call)).toMatchObject({ code: 'ERR_PAGEBOX_CLOSED', message: 'the address space is closed' })
    box.audit().assertClean()
    expect(held.load()).toBe(0n)
    held.unpin()
    expect(gone.closed).toBe(true)
  })
})

test('kinds that contradict the file', () => {
  const memory = box.createFile({ pages: 1 })
  expect(codeOf(() => mm.mmap({ pages: 1, kind: 'disk-shared' }))).toBe('ERR_PAGEBOX_ARG_RANGE')
  expect(codeOf(() => mm.mmap({ pages: 1, kind: 'disk-shared', file: memory }))).toBe('ERR_PAGEBOX_ARG_RANGE')
  expect(codeOf(() => mm.mmap({ pages: 1, kind: 'anon-private', file }))).toBe('ERR_PAGEBOX_ARG_RANGE')
  memory.close()
})

test('memory that runs out is an error, and nothing is lost', () => {
  using_(Box.create({ pages: 64 }), (small) => {
    const process = small.createMm()
    const large = process.mmap({ pages: 100 })
    const error = errorOf(() => large.fill(1))
    expect(error.errno).toBe('ENOMEM')
    small.audit().assertClean()
    expect(large.load((error.index as number) - 1)).toBe(BigInt(error.index as number))
    expect(codeOf(() => process.fork())).toBe('ERR_PAGEBOX_REFUSED')
    small.audit().assertClean()
    large.unmap()
    process.fork().close()
    small.audit().assertClean()
  })
})

test('a machine needs 8-byte words, and room for devices', () => {
  using_(Box.create({ pages: 64, layout: 'linux-6.12-32', scheme: 'refcount' }), (narrow) => {
    for (const call of [() => narrow.createMm(), () => narrow.addDevice(), () => narrow.createFile()])
      expect(errorOf(call)).toMatchObject({ code: 'ERR_PAGEBOX_NO_ROOM' })
  })
  using_(Box.create({ pages: 64, devicePages: 100 }), (tight) => {
    tight.addDevice({ pages: 60, name: 'one' })
    expect(errorOf(() => tight.addDevice({ pages: 41 }))).toMatchObject({ errno: 'ENOSPC' })
    expect(errorOf(() => tight.addDevice({ pages: 1, name: 'one' }))).toMatchObject({ errno: 'EEXIST' })
    expect(errorOf(() => tight.addDevice({ pages: 1, type: 'public' }))).toMatchObject({ code: 'ERR_PAGEBOX_NO_ROOM' })
    expect(codeOf(() => tight.page(124))).toBe('ERR_PAGEBOX_PFN_RANGE')
    expect(tight.page(123).pfn).toBe(123)
  })
})

test('pages of address spaces are not set up by hand', () => {
  expect(errnoOf(() => box.setup(900, { type: 'anon' }))).toBe('EOPNOTSUPP')
  expect(codeOf(() => box.pins.pin(900))).toBe('ERR_PAGEBOX_PAGE_FREE')
  expect(errnoOf(() => box.reset())).toBe('EBUSY')
})

function using_(other: Box, use: (box: Box) => void): void {
  try {
    use(other)
  } finally {
    other.close()
  }
}
