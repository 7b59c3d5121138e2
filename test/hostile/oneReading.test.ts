import { describe, expect, test } from 'vitest'
import * as pagebox from 'pagebox'
import { Box, PageboxError, decodeWords, layouts, scenario, schemes } from 'pagebox'

const codeOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    return error instanceof PageboxError ? error.code : `${error}`
  }
  return 'nothing'
}

type Resizable = ArrayBuffer & { resize(to: number): void }
// The library of types that this is compiled with is older than Node 20.
const resizable = (bytes: number, maxByteLength: number): Resizable =>
  new (ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable)(bytes, { maxByteLength })

describe('a getter among the options cannot change what was checked', () => {
  test('the pfns are transferred away', () => {
    const box = Box.create({ pages: 64 })
    const pfns = new Uint32Array([1, 2, 3])
    const counts = () => void structuredClone(pfns.buffer, { transfer: [pfns.buffer as ArrayBuffer] })
    const call = () =>
      box.pins.pinMany(pfns, {
        get counts() {
          counts()
          return undefined
        },
      } as never)
    expect(codeOf(call)).toBe('ERR_PAGEBOX_BUFFER_DETACHED')
    expect(box.pins.pins(1).pins).toBe(0)
    box.close()
  })

  test('the pfns shrink: those that are left are pinned, and counted', () => {
    const box = Box.create({ pages: 64 })
    const buffer = resizable(16, 64)
    const pfns = new Uint32Array(buffer)
    pfns.set([1, 2, 3, 4])
    const batch = {
      get counts() {
        buffer.resize(4)
        return undefined
      },
    }
    expect(box.pins.pinMany(pfns, batch as never)).toBe(1)
    expect([1, 2, 3, 4].map((pfn) => box.pins.pins(pfn).pins)).toEqual([1, 0, 0, 0])
    box.close()
  })

  test('the pfns grow: the other arrays have another length then', () => {
    const box = Box.create({ pages: 64 })
    const buffer = resizable(8, 64)
    const batch = {
      get out() {
        buffer.resize(32)
        return new Int32Array(2)
      },
    }
    expect(codeOf(() => box.pins.pinMany(new Uint32Array(buffer), batch as never))).toBe('ERR_PAGEBOX_ARG_RANGE')
    box.close()
  })
})

describe('lengths are those of the memory', () => {
  class Long extends BigUint64Array {
    override get length(): number {
      return 2 ** 30
    }
  }
  class Endless extends BigUint64Array {
    override *[Symbol.iterator](): ArrayIterator<bigint> {
      for (;;) yield 0n
    }
  }

  test('of a subclass', () => {
    const box = Box.create({ pages: 64 })
    const file = box.createFile({ words: new Long(2) })
    expect(file.pages).toBe(2)
    file.writeWords(new Long(3), 1)
    expect(file.pages).toBe(4)
    box.close()
  })

  test('an iterator that does not end is not asked', () => {
    expect(decodeWords(new Endless(8)).words).toHaveLength(8)
  })

  test('of an array that lies outside of its buffer by now', () => {
    const box = Box.create({ pages: 64 })
    const file = box.createFile({ pages: 4 })
    const buffer = resizable(64, 128)
    const words = new BigUint64Array(buffer, 32, 4)
    buffer.resize(16)
    expect(codeOf(() => file.writeWords(words))).toBe('ERR_PAGEBOX_BUFFER_DETACHED')
    box.close()
  })

  test('a proxy of an array may say anything', () => {
    for (const length of [Number.NaN, -1, 2 ** 40, '3', { valueOf: () => 1e9 }, 10n]) {
      const list = new Proxy([0n], { get: (of, key) => (key === 'length' ? length : Reflect.get(of, key)) })
      expect(codeOf(() => decodeWords(list))).toMatch(/^ERR_PAGEBOX_ARG_/)
    }
  })
})

const box = Box.create({ pages: 64 })
const file = box.createFile({ pages: 4 })
const mapping = box.createMm().mmap({ pages: 2 ** 24 })
const device = box.addDevice({ pages: 4 })
const on = (prototype: object, key: PropertyKey): unknown => {
  const member = Object.getOwnPropertyDescriptor(prototype, key) as PropertyDescriptor
  return (member.get ?? member.value).call({})
}

// Every one of them has a bad argument, or a wrong `this`.
const calls: Record<string, () => unknown> = {
  'a file longer than one call returns': () => {
    file.truncate(2 ** 31)
    return file.read()
  },
  'the pagemap of 2^24 pages': () => mapping.pagemap(),
  'a device that reads 64 GiB': () => device.read(mapping),
  'Box[Symbol.dispose] of something else': () => Box.prototype[Symbol.dispose].call({} as never),
  'Snapshot.pages of something else': () => on(pagebox.Snapshot.prototype, 'pages'),
  'Snapshot.toStrings of something else': () => on(pagebox.Snapshot.prototype, 'toStrings'),
  'Snapshot[Symbol.iterator] of something else': () => on(pagebox.Snapshot.prototype, Symbol.iterator),
  'LogDecoder.write of something else': () => on(pagebox.LogDecoder.prototype, 'write'),
  'LogDecoder.end of null': () => pagebox.LogDecoder.prototype.end.call(null as never),
  'new Snapshot(1)': () => new pagebox.Snapshot(1 as never),
  'new ScenarioBuilder()': () => new (pagebox.ScenarioBuilder as never as new () => object)(),
  'new OpList(1)': () => new (pagebox.OpList as never as new (ops: number) => object)(1),
  'OpList.yield of something else': () => on(pagebox.OpList.prototype, 'yield'),
  'ScenarioBuilder.device of something else': () => on(pagebox.ScenarioBuilder.prototype, 'device'),
  'scenario without a function': () => scenario('x', {}, 5 as never),
  'scenario with settings null': () => scenario('x', null as never, () => {}),
  'scenario with settings that do not exist': () => scenario('x', { page: 3 } as never, () => {}),
  'mmap() without settings': () => scenario('x', {}, (b) => void b.mmap(undefined as never)),
  'load() of nothing': () => scenario('x', {}, (b) => b.load(undefined as never)),
  'load() of a number': () => scenario('x', {}, (b) => b.load(3 as never)),
  'load() of a handle that throws': () =>
    scenario('x', {}, (b) =>
      b.load({
        get buf(): string {
          throw new TypeError('mine')
        },
      } as never),
    ),
  'thread() without a function': () => scenario('x', {}, (b) => b.thread('t', undefined as never)),
  'repeat() without a function': () => scenario('x', {}, (b) => b.repeat(2, undefined as never)),
  'file() without settings': () => scenario('x', {}, (b) => void b.file(undefined as never)),
  'exit() of nothing': () => scenario('x', {}, (b) => b.exit(undefined as never)),
  'unpin() of nothing': () => scenario('x', {}, (b) => b.unpin(undefined as never)),
  'migrateToDevice() of nothing': () => scenario('x', {}, (b) => b.migrateToDevice(null as never, null as never)),
  'directRead() without a place': () =>
    scenario('x', {}, (b) => b.directRead(b.mmap({ pages: 1 }), { file: 0 }, undefined as never)),
  'new PageboxError with details null': () => new PageboxError('ERR_PAGEBOX_ARG_TYPE', 'y', null as never),
  'new PageboxError of no code': () => new PageboxError('x' as never, 'y'),
  'layouts.has({})': () => layouts.has({} as never),
  'schemes.has(symbol)': () => schemes.has(Symbol('s') as never),
  'Box.create()': () => Box.create(undefined as never),
  'room()': () => pagebox.room(undefined as never),
  'probe()': () => pagebox.probe(undefined as never),
  'decode()': () => decodeWords(undefined as never),
  'roomMatrix(1)': () => pagebox.roomMatrix(1 as never),
  'a file that no box made': () => box.createMm().mmap({ pages: 1, file: Object.create(pagebox.PageFile.prototype) }),
  'Mapping.toString of null': () => mapping.toString.call(null),
  'a page asked as something else': () => on(Object.getPrototypeOf(box.page(0)), 'type'),
  'a report asserted as something else': () => on(Object.getPrototypeOf(box.audit()), 'assertClean'),
}

test.each(Object.keys(calls))('%s is a typed error', (name) => {
  expect(codeOf(calls[name] as () => unknown)).toMatch(/^ERR_PAGEBOX_/)
})

test('a snapshot whose codes were transferred away has none', () => {
  const snapshot = new pagebox.Snapshot(Uint8Array.of(1, 2, 3))
  const walk = snapshot[Symbol.iterator]()
  expect([...snapshot]).toEqual([1, 2, 3])
  expect(walk.next().value).toBe(1)
  structuredClone(snapshot.codes.buffer, { transfer: [snapshot.codes.buffer] })
  expect(walk.next().done).toBe(true)
  expect([...snapshot]).toEqual([])
  expect([snapshot.pages, snapshot.toStrings(), `${snapshot}`]).toEqual([0, [], ''])
})
