import { Box, PageboxError, prepareCost, race } from 'pagebox'
import { describe, expect, test } from 'vitest'

/* Whatever can be disposed of, while a race has the box: nothing is lost, and it can be done later. */

interface Held extends Disposable {
  /** Whether it is still there for its holder. */
  readonly there: boolean
}

const held = (object: Disposable, there: () => boolean): Held => ({
  get there() {
    return there()
  },
  [Symbol.dispose]: () => object[Symbol.dispose](),
})

const made: Record<string, (box: Box) => Held> = {
  'an address space': (box) => {
    const mm = box.createMm()
    mm.mmap({ pages: 2 }).fill(1)
    return held(mm, () => !mm.closed)
  },
  'pinned pages': (box) => {
    const pins = box.createMm().mmap({ pages: 2 }).pin({ write: true })
    return held(pins, () => pins.held)
  },
  'referenced pages': (box) => {
    const refs = box.createMm().mmap({ pages: 2 }).get({ write: true })
    return held(refs, () => refs.held)
  },
  'a file': (box) => {
    const file = box.createFile({ pages: 2 })
    return held(file, () => !file.closed)
  },
  'a file on a disk': (box) => {
    const file = box.createFile({ kind: 'disk', words: new BigUint64Array(2) })
    return held(file, () => !file.closed)
  },
  'a device': (box) => {
    const gpu = box.addDevice({ pages: 16 })
    return held(gpu, () => !gpu.removed)
  },
  'a dax device': (box) => {
    const dax = box.addDax({ pages: 16 })
    return held(dax, () => !dax.removed)
  },
  'a file on a dax device': (box) => {
    const file = box.addDax({ pages: 16 }).createFile({ pages: 2 })
    return held(file, () => !file.closed)
  },
  'memory on the bus': (box) => {
    const bus = box.addP2pdma({ pages: 16 })
    return held(bus, () => !bus.removed)
  },
}

/** A race that has the box by now; `end` waits for it. */
async function raceOn(box: Box) {
  const abort = new AbortController()
  const running = race(box, { seconds: 300, firstPfn: 200, pages: 50, signal: abort.signal })
  await expect.poll(() => codeOf(() => box.audit()), { timeout: 20_000 }).toBe('ERR_PAGEBOX_BUSY')
  return async () => {
    abort.abort()
    await running
  }
}

function codeOf(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(PageboxError)
    return (error as PageboxError).code
  }
}

describe.each(Object.entries(made))('%s', (_, make) => {
  test('refuses to be disposed of during a race and stays; goes after it', async () => {
    const box = Box.create({ pages: 256 })
    const object = make(box)
    const endRace = await raceOn(box)
    expect(codeOf(() => object[Symbol.dispose]())).toBe('ERR_PAGEBOX_BUSY')
    expect(codeOf(() => object[Symbol.dispose]())).toBe('ERR_PAGEBOX_BUSY')
    expect(object.there).toBe(true)
    await endRace()
    expect(object.there).toBe(true)
    object[Symbol.dispose]()
    expect(object.there).toBe(false)
    object[Symbol.dispose]()
    box.audit().assertClean()
    box.close()
  })

  test('is quiet once the box is closed, during a race or not', async () => {
    const box = Box.create({ pages: 256 })
    const other = Box.attach(box.token())
    const object = make(other)
    const endRace = await raceOn(box)
    other.close()
    object[Symbol.dispose]()
    expect(object.there).toBe(false)
    await endRace()
    box.audit().assertClean()
    expect(box.close().pinned).toEqual([])
  })
})

test('pins that a race kept are still those that were taken', async () => {
  const box = Box.create({ pages: 256 })
  const buf = box.createMm().mmap({ pages: 2 })
  buf.fill(1)
  const pins = buf.pin({ write: true })
  const endRace = await raceOn(box)
  expect(codeOf(() => pins.unpin())).toBe('ERR_PAGEBOX_BUSY')
  expect(codeOf(() => pins[Symbol.dispose]())).toBe('ERR_PAGEBOX_BUSY')
  await endRace()
  expect(pins.read(0, 8)[0]).toBe(1)
  pins.unpin()
  expect(codeOf(() => pins.unpin())).toBe('ERR_PAGEBOX_NOT_PINNED')
  box.audit().assertClean()
  expect(box.close().pinned).toEqual([])
})

test('a direct view and a sampler need nobody: they go at any time', async () => {
  const box = Box.create({ pages: 256, ledger: false, scheme: 'refcount' })
  const direct = box.pins.direct()
  const sampler = prepareCost({ scheme: 'refcount', pages: 64 })
  const endRace = await raceOn(box)
  direct[Symbol.dispose]()
  expect(codeOf(() => direct.pin(1))).toBe('ERR_PAGEBOX_CLOSED')
  sampler[Symbol.dispose]()
  expect(codeOf(() => sampler.sample(1))).toBe('ERR_PAGEBOX_CLOSED')
  box[Symbol.dispose]()
  expect(box.closed).toBe(true)
  await endRace()
})
