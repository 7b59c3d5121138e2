import { Box, DaxDevice, DaxFile, type Mapping, type Mm, P2pdma } from 'pagebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Argument, expectRefused } from '../hostile/arguments.ts'
import { type BadValue, wrongEverywhere, wrongNumbers } from '../badValues.ts'
import { codeOf, errnoOf, errorOf } from '../mm/errors.ts'

let box: Box
let mm: Mm<Box>
let pmem: DaxDevice<Box>
let file: DaxFile<Box>
let map: Mapping<Box>
let bus: P2pdma<Box>
beforeAll(() => {
  box = Box.create({ pages: 1024, devicePages: 64 })
  mm = box.createMm()
  pmem = box.addDax({ pages: 16, name: 'pmem' })
  file = pmem.createFile({ pages: 4 })
  map = mm.mmap({ pages: 4, file })
  map.fill(1)
  bus = box.addP2pdma({ pages: 8, name: 'bus' })
})
afterAll(() => {
  box.close()
})

const texts = ['a string', 'an empty string', 'a number as text']
const args: Argument[] = [
  { name: 'addDax(options)', call: (value) => box.addDax(value) },
  { name: 'addDax kind', call: (value) => box.addDax({ kind: value }) },
  { name: 'addDax pages', number: true, call: (value) => box.addDax({ pages: value }) },
  { name: 'addDax name', call: (value) => box.addDax({ pages: 1, name: value }), takes: texts },
  { name: 'addP2pdma(options)', call: (value) => box.addP2pdma(value) },
  { name: 'addP2pdma pages', number: true, call: (value) => box.addP2pdma({ pages: value }) },
  { name: 'addP2pdma name', call: (value) => box.addP2pdma({ pages: 1, name: value }), takes: texts },
  { name: 'createFile(options)', call: (value) => pmem.createFile(value) },
  { name: 'createFile pages', number: true, call: (value) => pmem.createFile({ pages: value }) },
  { name: 'read(page)', number: true, call: (value) => file.read(value, 1), takes: ['2^32'] },
  { name: 'read(0, pages)', number: true, call: (value) => file.read(0, value) },
  { name: 'words(page)', number: true, call: (value) => file.words(value, 1), takes: ['2^32'] },
  { name: 'write(bytes)', call: (value) => file.write(value) },
  { name: 'write page', number: true, call: (value) => file.write(new Uint8Array(4096), value) },
  { name: 'writeWords(words)', call: (value) => file.writeWords(value) },
  { name: 'truncate(pages)', number: true, call: (value) => file.truncate(value) },
  { name: 'layoutBusyPage(first)', number: true, call: (value) => file.layoutBusyPage(value), takes: ['2^32'] },
  { name: 'mmap kind', call: (value) => mm.mmap({ pages: 1, file, kind: value }) },
  { name: 'mmap filePage', number: true, call: (value) => mm.mmap({ pages: 1, file, filePage: value }) },
  { name: 'p2pdma.mmap(mm)', call: (value) => bus.mmap(value, { pages: 1 }) },
  { name: 'p2pdma.mmap options', call: (value) => bus.mmap(mm, value) },
  { name: 'p2pdma.mmap pages', number: true, call: (value) => bus.mmap(mm, { pages: value }) },
  { name: 'p2pdma.mmap prot', call: (value) => bus.mmap(mm, { pages: 1, prot: value }) },
  { name: 'p2pdma.mmap address', call: (value) => bus.mmap(mm, { pages: 1, address: value }) },
  { name: 'pin p2pdma', call: (value) => map.pin({ p2pdma: value }) },
]

function check(argument: Argument, values: readonly BadValue[]): void {
  test(argument.name, () => {
    const words = [...map.words()]
    expectRefused(argument, values)
    expect([...map.words()]).toEqual(words)
    expect(mm.vmas).toHaveLength(1)
    for (const device of [...box.daxDevices, ...box.p2pdmaDevices])
      if (!['pmem', 'bus'].includes(device.name)) device.remove()
    expect([pmem.freePages, bus.freePages]).toEqual([12, 8])
    box.audit().assertClean()
  })
}

describe('a number', () => {
  for (const each of args.filter(({ number }) => number)) check(each, [...wrongEverywhere, ...wrongNumbers])
})
describe('another argument', () => {
  for (const each of args.filter(({ number }) => !number)) check(each, wrongEverywhere)
})

test('no pages, or more than there are', () => {
  for (const call of [() => box.addDax({ pages: 0 }), () => box.addP2pdma({ pages: 0 })])
    expect(codeOf(call)).toBe('ERR_PAGEBOX_ARG_RANGE')
  for (const call of [() => box.addDax({ pages: 41 }), () => box.addP2pdma({ pages: 41 })])
    expect(errorOf(call)).toMatchObject({ code: 'ERR_PAGEBOX_ARG_RANGE', errno: 'ENOSPC' })
  expect(errnoOf(() => pmem.createFile({ pages: 13 }))).toBe('ENOSPC')
  expect(errnoOf(() => file.truncate(17))).toBe('ENOSPC')
  expect(errnoOf(() => file.truncate(2 ** 31))).toBe('ENOSPC')
  expect(errnoOf(() => file.write(new Uint8Array(4096), 2 ** 31))).toBe('ENOSPC')
  expect(errnoOf(() => bus.mmap(mm, { pages: 9 }))).toBe('ENOMEM')
  expect(errnoOf(() => bus.mmap(mm, { pages: 1, address: map.address }))).toBe('EEXIST')
  box.audit().assertClean()
})

test('a mapping whose kind contradicts the file', () => {
  for (const kind of ['dax-shared', 'dax-private'] as const) {
    expect(codeOf(() => mm.mmap({ pages: 1, kind }))).toBe('ERR_PAGEBOX_ARG_RANGE')
    const other = box.createFile({ pages: 1 })
    expect(codeOf(() => mm.mmap({ pages: 1, kind, file: other }))).toBe('ERR_PAGEBOX_ARG_RANGE')
    other.close()
  }
  expect(codeOf(() => mm.mmap({ pages: 1, kind: 'file-shared', file }))).toBe('ERR_PAGEBOX_ARG_RANGE')
  expect(codeOf(() => mm.mmap({ pages: 1, kind: 'anon-private', file }))).toBe('ERR_PAGEBOX_ARG_RANGE')
})

test('a file without a page cache, where one is needed', () => {
  for (const call of ['readFile', 'writeFile', 'dioRead', 'dioWrite'] as const)
    expect(errorOf(() => map[call](file as never))).toMatchObject({ code: 'ERR_PAGEBOX_ARG_TYPE', argument: 'file' })
})

test('objects of another box, or made by hand', () => {
  const other = Box.create({ pages: 64 })
  try {
    const theirs = other.createMm()
    for (const call of [
      () => theirs.mmap({ pages: 1, file: file as never }),
      () => bus.mmap(theirs as never, { pages: 1 }),
      () => mm.mmap({ pages: 1, file: other.addDax({ pages: 1 }).createFile() }),
    ])
      expect(codeOf(call)).toBe('ERR_PAGEBOX_OTHER_BOX')
    other.audit().assertClean()
  } finally {
    other.close()
  }
  const classes = [DaxDevice, DaxFile, P2pdma]
  for (const each of classes as unknown as (new () => unknown)[])
    expect(codeOf(() => new each())).toBe('ERR_PAGEBOX_ARG_TYPE')
  const gpu = box.addDevice({ pages: 1 })
  for (const { prototype } of classes)
    for (const name of Reflect.ownKeys(prototype).filter((name) => name !== 'constructor')) {
      const { value, get } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
      for (const foreign of [{}, undefined, null, box, gpu, Object.create(prototype), new Proxy(pmem, {})])
        expect(
          codeOf(() => Reflect.apply((value ?? get) as () => void, foreign, [])),
          String(name),
        ).toBe('ERR_PAGEBOX_THIS')
    }
  gpu.remove()
  expect(Object.isFrozen(pmem) && Object.isFrozen(file) && Object.isFrozen(bus)).toBe(true)
})

test('a file and an address space that were closed', () => {
  const gone = pmem.createFile({ pages: 1 })
  gone.close()
  gone.close()
  expect(gone.closed).toBe(true)
  for (const call of [
    () => gone.pages,
    () => gone.read(),
    () => gone.write(new Uint8Array(4096)),
    () => gone.truncate(0),
    () => gone.layoutBusyPage(),
    () => mm.mmap({ pages: 1, file: gone }),
  ])
    expect(codeOf(call)).toBe('ERR_PAGEBOX_CLOSED')
  const ended = box.createMm()
  ended.close()
  expect(errorOf(() => bus.mmap(ended, { pages: 1 })).message).toBe('the address space is closed')
  expect(errorOf(() => ended.mmap({ pages: 1, file })).message).toBe('the address space is closed')
  box.audit().assertClean()
})
