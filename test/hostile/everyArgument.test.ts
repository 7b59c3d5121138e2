import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  Box,
  decodeWords,
  errorCodes,
  explore,
  explorePins,
  layouts,
  PageboxError,
  prepareCost,
  probe,
  race,
  room,
  run,
  roomMatrix,
  schemes,
} from 'pagebox'
import { type BadValue, wrongEverywhere, wrongNumbers } from '../badValues.ts'

const pages = 64

/** One public argument, and the call that hands a value to it. */
interface Argument {
  readonly name: string
  readonly call: (value: never, box: Box) => unknown
  /** Bad values that this argument takes, by name. */
  readonly takes?: readonly string[]
  readonly number?: boolean
}

const field = { name: 'x', offsetBytes: 8, bits: 64, kind: 'count', types: ['anon'] } as const
const layout = {
  name: 'never-defined',
  flags: [{ name: 'lru', bit: 0 }],
  fields: [field],
  mapcountOffsetBytes: 48,
  refcountOffsetBytes: 52,
} as const
const scheme = { name: 'never-defined', protocol: 'add', place: 'refcount' } as const
const cell = { scheme: 'refcount', layout: 'linux-6.12', pageType: 'anon' } as const
const small = { name: 'small', threads: [{ name: 'one', ops: [{ op: 'compact' }] }] }
const words = new BigUint64Array(8)
const cost = { scheme: 'refcount', pages: 4 } as const
const short = { ops: 1 } as const

const numbers: Argument[] = [
  ...(['pin', 'tryPin', 'pinReferenced', 'unpin', 'maybePinned', 'pins', 'get', 'put'] as const).map((name) => ({
    name: `pins.${name}(pfn)`,
    call: (value: never, box: Box) => box.pins[name](value),
  })),
  ...(['pin', 'pinReferenced', 'unpin', 'get', 'put'] as const).map((name) => ({
    name: `pins.${name}(1, count)`,
    call: (value: never, box: Box) => box.pins[name](1, value),
  })),
  { name: 'page(pfn)', call: (value, box) => box.page(value) },
  { name: 'setup(pfn)', call: (value, box) => box.setup(value, { type: 'anon' }) },
  { name: 'setup.order', call: (value, box) => box.setup(0, { type: 'compound-head', order: value }) },
  { name: 'setup.mapcount', call: (value, box) => box.setup(0, { type: 'anon', mapcount: value }) },
  { name: 'lru.isolate(pfn)', call: (value, box) => box.lru.isolate(value) },
  { name: 'lru.putback(pfn)', call: (value, box) => box.lru.putback(value) },
  { name: 'lru.list limit', call: (value, box) => box.lru.list('active_anon', value), takes: ['2^32'] },
  { name: 'audit maxRows', call: (value, box) => box.audit({ maxRows: value }) },
  { name: 'create pages', call: (value) => Box.create({ pages: value }), takes: ['2^32'] },
  { name: 'create shards', call: (value) => Box.create({ pages, shards: value }) },
  { name: 'room order', call: (value) => room({ ...cell, order: value }) },
  { name: 'probe order', call: (value) => probe({ ...cell, order: value }) },
  { name: 'roomMatrix orders', call: (value) => roomMatrix([value]) },
  { name: 'race threads', call: (value, box) => race(box, { ...short, threads: value }) },
  {
    name: 'race seconds',
    call: (value, box) => race(box, { ...short, seconds: value }),
    takes: ['a fraction', '2^32'],
  },
  { name: 'race ops', call: (value, box) => race(box, { ops: value }), takes: ['2^32'] },
  { name: 'race rounds', call: (value, box) => race(box, { rounds: value }), takes: ['2^32'] },
  { name: 'race seed', call: (value, box) => race(box, { ...short, seed: value }), takes: ['2^32'] },
  { name: 'race firstPfn', call: (value, box) => race(box, { ...short, firstPfn: value }) },
  { name: 'race pages', call: (value, box) => race(box, { ...short, pages: value }) },
  { name: 'race progressIntervalMs', call: (value, box) => race(box, { ...short, progressIntervalMs: value }) },
  { name: 'race mix weight', call: (value, box) => race(box, { ...short, mix: { pin: value } }) },
  { name: 'cost pages', call: (value) => prepareCost({ ...cost, pages: value }), takes: ['2^32'] },
  { name: 'cost order', call: (value) => prepareCost({ ...cost, order: value }) },
  { name: 'cost threads', call: (value) => prepareCost({ ...cost, threads: value }) },
  { name: 'cost seed', call: (value) => prepareCost({ ...cost, seed: value }), takes: ['2^32'] },
  { name: 'cost sample ops', call: (value) => sampleOnce(value), takes: ['2^32'] },
  ...(['threads', 'folios', 'order', 'ops'] as const).map((name) => ({
    name: `explorePins ${name}`,
    call: (value: never) => explorePins({ [name]: value }),
  })),
  ...(['schedules', 'firstRun', 'seed'] as const).map((name) => ({
    name: `explorePins ${name}`,
    call: (value: never) => explorePins({ [name]: value }),
    takes: ['2^32'],
  })),
  {
    name: 'explorePins memoryBytes',
    call: (value) => explorePins({ schedules: 1, memoryBytes: value }),
    takes: ['2^32'],
  },
  { name: 'layout wordBytes', call: (value) => layouts.define({ ...layout, wordBytes: value }) },
  { name: 'layout strideBytes', call: (value) => layouts.define({ ...layout, strideBytes: value }) },
  {
    name: 'layout field offset',
    call: (value) => layouts.define({ ...layout, fields: [{ ...field, offsetBytes: value }] }),
  },
  { name: 'layout field bits', call: (value) => layouts.define({ ...layout, fields: [{ ...field, bits: value }] }) },
  { name: 'layout flag bit', call: (value) => layouts.define({ ...layout, flags: [{ name: 'lru', bit: value }] }) },
  { name: 'layout kconfig', call: (value) => layouts.define({ ...layout, kconfig: { zoneBits: value } }) },
  { name: 'layout era', call: (value) => layouts.define({ ...layout, era: { zoneDeviceBase: value } }) },
  { name: 'layout refcountOffsetBytes', call: (value) => layouts.define({ ...layout, refcountOffsetBytes: value }) },
  { name: 'scheme countWord', call: (value) => schemes.define({ ...scheme, countWord: value }) },
  { name: 'scheme refsPerPin', call: (value) => schemes.define({ ...scheme, refsPerPin: value }) },
  { name: 'scheme visibleEffects', call: (value) => schemes.define({ ...scheme, visibleEffects: value }) },
  { name: 'scheme pinned.bit', call: (value) => schemes.define({ ...scheme, pinned: { word: 1, bit: value } }) },
]

const others: Argument[] = [
  { name: 'pinMany(pfns)', call: (value, box) => box.pins.pinMany(value) },
  { name: 'unpinMany(pfns)', call: (value, box) => box.pins.unpinMany(value) },
  { name: 'pinMany counts', call: (value, box) => box.pins.pinMany(new Uint32Array(2), { counts: value }) },
  { name: 'pinMany out', call: (value, box) => box.pins.pinMany(new Uint32Array(2), { out: value }) },
  { name: 'pinMany options', call: (value, box) => box.pins.pinMany(new Uint32Array(1), value) },
  { name: 'setup(0, setup)', call: (value, box) => box.setup(0, value) },
  { name: 'setup.type', call: (value, box) => box.setup(0, { type: value }) },
  { name: 'setup.onLru', call: (value, box) => box.setup(0, { type: 'anon', onLru: value }) },
  { name: 'lru.list(kind)', call: (value, box) => box.lru.list(value) },
  { name: 'audit(limits)', call: (value, box) => box.audit(value) },
  { name: 'Box.create(options)', call: (value) => Box.create(value) },
  { name: 'Box.attach(token)', call: (value) => Box.attach(value) },
  { name: 'Box.attach id', call: (value) => Box.attach({ pagebox: 'box', id: value }) },
  ...(
    ['scheme', 'layout', 'ledger', 'frames', 'populate', 'hugePages', 'quirks', 'rules', 'writebackAsksPins'] as const
  ).map((name) => ({
    name: `create ${name}`,
    call: (value: never) => Box.create({ pages, [name]: value }),
  })),
  { name: 'create quirks[0]', call: (value) => Box.create({ pages, quirks: [value] }) },
  { name: 'room(options)', call: (value) => room(value) },
  { name: 'room scheme', call: (value) => room({ ...cell, scheme: value }) },
  { name: 'room layout', call: (value) => room({ ...cell, layout: value }) },
  { name: 'room pageType', call: (value) => room({ ...cell, pageType: value }) },
  { name: 'probe scheme', call: (value) => probe({ ...cell, scheme: value }) },
  { name: 'roomMatrix(orders)', call: (value) => roomMatrix(value), takes: ['an array'] },
  { name: 'decodeWords(words)', call: (value) => decodeWords(value) },
  { name: 'decodeWords words[0]', call: (value) => decodeWords([value, 0n, 0n, 0n, 0n, 0n, 0n, 0n]) },
  { name: 'decodeWords options', call: (value) => decodeWords(words, value) },
  { name: 'decodeWords layout', call: (value) => decodeWords(words, { layout: value }) },
  { name: 'decodeWords scheme', call: (value) => decodeWords(words, { scheme: value }) },
  { name: 'decodeWords type', call: (value) => decodeWords(words, { type: value }) },
  { name: 'race(box)', call: (value) => race(value, short) },
  { name: 'race(settings)', call: (value) => race({ pages, scheme: value }, short) },
  { name: 'race settings pageType', call: (value) => race({ pages, pageType: value }, short) },
  { name: 'race(box, options)', call: (value, box) => race(box, value) },
  ...(['mix', 'pattern', 'affinity', 'signal', 'onProgress'] as const).map((name) => ({
    name: `race ${name}`,
    call: (value: never, box: Box) => race(box, { ...short, [name]: value }),
  })),
  { name: 'prepareCost(options)', call: (value) => prepareCost(value) },
  ...(['pageType', 'pattern', 'op', 'loop', 'ledger', 'prefetch'] as const).map((name) => ({
    name: `cost ${name}`,
    call: (value: never) => prepareCost({ ...cost, [name]: value }),
  })),
  { name: 'run(scenario)', call: (value) => run(value) },
  { name: 'run(scenario, options)', call: (value) => run(small, value) },
  { name: 'explore(scenario)', call: (value) => explore(value) },
  { name: 'explore(scenario, options)', call: (value) => explore(small, value) },
  ...(['setup', 'threads', 'pages', 'name'] as const).map((name) => ({
    name: `scenario ${name}`,
    call: (value: never) => run({ ...small, [name]: value }),
    takes: name === 'name' ? ['a string', 'a number as text'] : [],
  })),
  { name: 'explorePins(options)', call: (value) => explorePins(value) },
  ...(['scheme', 'layout', 'quirks', 'rules', 'signal'] as const).map((name) => ({
    name: `explorePins ${name}`,
    call: (value: never) => explorePins({ schedules: 1, [name]: value }),
  })),
  { name: 'layouts.get(name)', call: (value) => layouts.get(value) },
  { name: 'layouts.define(definition)', call: (value) => layouts.define(value) },
  ...(['name', 'summary', 'kconfig', 'era', 'types', 'flags', 'fields', 'pincount'] as const).map((name) => ({
    name: `layout ${name}`,
    call: (value: never) => layouts.define({ ...layout, [name]: value }),
    takes: name === 'summary' ? ['a string', 'an empty string', 'a number as text'] : [],
  })),
  { name: 'layout field kind', call: (value) => layouts.define({ ...layout, fields: [{ ...field, kind: value }] }) },
  { name: 'layout field types', call: (value) => layouts.define({ ...layout, fields: [{ ...field, types: value }] }) },
  { name: 'schemes.get(name)', call: (value) => schemes.get(value) },
  { name: 'schemes.define(definition)', call: (value) => schemes.define(value) },
  ...(['name', 'protocol', 'place', 'pinned', 'wasLru', 'types'] as const).map((name) => ({
    name: `scheme ${name}`,
    call: (value: never) => schemes.define({ ...scheme, [name]: value }),
  })),
]

function sampleOnce(ops: never): unknown {
  const sampler = prepareCost(cost)
  try {
    return sampler.sample(ops)
  } finally {
    sampler.close()
  }
}

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

let box: Box
beforeAll(() => {
  box = Box.create({ pages })
  box.pins.pin(1)
})
afterAll(() => box.close())

function check({ name, call, takes = [] }: Argument, values: readonly BadValue[]): void {
  test(name, async () => {
    const before = box.page(1).words
    for (const { name: given, value } of values) {
      if (takes.includes(given)) continue
      const error = await errorOf(() => call(value as never, box))
      expect(error, `${name} took ${given}`).toBeInstanceOf(PageboxError)
      const { code, argument, message } = error as PageboxError
      expect(errorCodes, `${name}, ${given}: ${message}`).toHaveProperty(code)
      expect(['ERR_PAGEBOX_INTERNAL', 'ERR_PAGEBOX_PLATFORM']).not.toContain(code)
      expect(argument, `${name}, ${given}: ${message}`).toBeTruthy()
    }
    expect(box.page(1).words).toEqual(before)
    box.audit().assertClean()
  })
}

describe('an argument that is a number', () => {
  for (const argument of numbers) check(argument, [...wrongEverywhere, ...wrongNumbers])
})

describe('another argument', () => {
  for (const argument of others) check(argument, wrongEverywhere)
})

test('nothing was defined by a refused definition', () => {
  expect(layouts.has('never-defined')).toBe(false)
  expect(schemes.has('never-defined')).toBe(false)
})
