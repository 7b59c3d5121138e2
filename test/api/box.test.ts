import { describe, expect, test } from 'vitest'
import { Worker } from 'node:worker_threads'
import { Box, layouts, PageboxError, pageTypes, schemes } from 'pagebox'

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(PageboxError)
    return (error as PageboxError).code
  }
}

test('2^28 pages are created at once and cost nothing', () => {
  const before = process.memoryUsage().rss
  const begun = performance.now()
  const box = Box.create({ pages: 2 ** 28, ledger: false })
  const ms = performance.now() - begun
  box.pins.pin(2 ** 28 - 1)
  box.pins.unpin(2 ** 28 - 1)
  expect(process.memoryUsage().rss - before).toBeLessThan(32 * 2 ** 20)
  expect(ms).toBeLessThan(200)
  box.close()
})

test('a close is for good, and a second one does nothing', () => {
  const box = Box.create({ pages: 16 })
  const page = box.page(3)
  expect(box.closed).toBe(false)
  box.close()
  box.close()
  expect(box.closed).toBe(true)
  for (const call of [
    () => box.pins.pin(1),
    () => box.pins.pinMany(new Uint32Array(1)),
    () => box.audit(),
    () => box.reset(),
    () => box.token(),
    () => box.page(1),
    () => page.words,
    () => page.type,
    () => box.setup(1, { type: 'anon' }),
    () => box.lru.isolate(1),
    () => box.lru.lengths,
  ])
    expect(codeOf(call), String(call)).toBe('ERR_PAGEBOX_CLOSED')
})

test('methods know a wrong this', () => {
  const box = Box.create({ pages: 16 })
  for (const wrong of [undefined, null, {}, Object.create(Box.prototype), new Proxy(box, {}), 7]) {
    expect(codeOf(() => box.audit.call(wrong as Box))).toBe('ERR_PAGEBOX_THIS')
    expect(codeOf(() => box.close.call(wrong as Box))).toBe('ERR_PAGEBOX_THIS')
    expect(codeOf(() => Reflect.get(Box.prototype, 'pins', wrong ?? 0))).toBe('ERR_PAGEBOX_THIS')
  }
  expect(codeOf(() => new (Box as unknown as new () => Box)())).toBe('ERR_PAGEBOX_ARG_TYPE')
  box.close()
})

describe('what cannot be', () => {
  test('a scheme that the layout has no room for', () => {
    expect(codeOf(() => Box.create({ pages: 16, scheme: 'packed-64', layout: 'linux-4.20-32' }))).toBe(
      'ERR_PAGEBOX_NO_ROOM',
    )
  })
  test('more pages than a pfn of the layout can name', () => {
    expect(codeOf(() => Box.create({ pages: 2 ** 24 + 1, layout: 'linux-4.20-32' }))).toBe('ERR_PAGEBOX_ARG_RANGE')
  })
  test('an option that does not exist', () => {
    expect(codeOf(() => Box.create({ pages: 16, page: 1 } as never))).toBe('ERR_PAGEBOX_OPTION_UNKNOWN')
  })
})

test('options are read once, and those of a prototype not at all', () => {
  let reads = 0
  const box = Box.create({
    get pages() {
      return ++reads === 1 ? 16 : Number.NaN
    },
  })
  expect(reads).toBe(1)
  expect(box.pages).toBe(16)
  box.close()
  expect(codeOf(() => Box.create(Object.create({ pages: 16 })))).toBe('ERR_PAGEBOX_ARG_TYPE')
})

test('a second handle keeps the box when the first is closed', () => {
  const box = Box.create({ pages: 16 })
  const token = structuredClone(box.token())
  expect(box.token()).toEqual(token)
  const other = Box.attach(token)
  box.pins.pin(3)
  box.close()
  expect(other.pins.pins(3).pins).toBe(1)
  other.pins.unpin(3)
  other.audit().assertClean()
  other.close()
  expect(codeOf(() => Box.attach(token))).toBe('ERR_PAGEBOX_TOKEN')
})

test('a token that names nothing', () => {
  expect(codeOf(() => Box.attach({ pagebox: 'box', id: '0'.repeat(32) }))).toBe('ERR_PAGEBOX_TOKEN')
})

describe('every page type of every layout', () => {
  test.each(layouts.names)('%s', (name) => {
    const layout = layouts.get(name)
    const box = Box.create({ pages: 1024, layout: name, scheme: 'refcount', populate: 'none' })
    for (const type of pageTypes) {
      if (['tail', 'second-tail', 'free'].includes(type)) continue
      const order = type === 'compound-head' ? 2 : 0
      const onLru = ['anon', 'file', 'compound-head'].includes(type)
      const mapcount = type === 'slab' || type === 'page-table' || type === 'p2pdma' ? 0 : 1
      const code = codeOf(() => box.setup(64, { type, order, onLru, mapcount }))
      if (!layout.types.includes(type)) {
        expect(code, type).toBe('ERR_PAGEBOX_NO_ROOM')
        continue
      }
      expect(code, type).toBeUndefined()
      const page = box.page(64)
      expect(page.type, type).toBe(type)
      expect(page.decode().warnings, type).toEqual([])
      expect(page.lru === null, type).toBe(!onLru)
      expect(page.hexdump().split('\n')).toHaveLength(layout.strideBytes / layout.wordBytes)
      box.audit().assertClean()
      box.reset()
    }
    box.close()
  })
})

test('the LRU lists hold what was put on them', () => {
  const box = Box.create({ pages: 64, populate: 'none' })
  for (const pfn of [1, 2, 3]) box.setup(pfn, { type: 'anon' })
  box.setup(4, { type: 'file' })
  expect(box.lru.lengths).toMatchObject({ inactive_anon: 3, inactive_file: 1 })
  expect([...box.lru.list('inactive_anon')].sort()).toEqual([1, 2, 3])
  expect(box.lru.list('inactive_anon', 2)).toHaveLength(2)
  expect(box.lru.isolate(2)).toBe(true)
  expect(box.lru.isolate(2)).toBe(false)
  expect(box.page(2).lru).toBeNull()
  expect(box.lru.lengths.inactive_anon).toBe(2)
  box.audit().assertClean()
  box.lru.putback(2)
  expect(codeOf(() => box.lru.putback(2))).toBe('ERR_PAGEBOX_REFUSED')
  box.audit().assertClean()
  box.close()
})

test('reset forgets everything', () => {
  const box = Box.create({ pages: 64 })
  box.pins.pin(1, 5)
  box.reset()
  expect(box.page(1).words.every((word) => word === 0n)).toBe(true)
  expect(box.pins.maybePinned(1)).toBe(false)
  box.audit().assertClean()
  box.close()
})

test('a corrupted descriptor is an audit row, and assertClean says it', () => {
  const box = Box.create({ pages: 64, scheme: 'refcount', ledger: false })
  box.setup(5, { type: 'anon' })
  const window = box.pins.direct().windows[0]!
  window.words[5 * window.stride + 6] = 0x1234 // the low half of mapping
  const report = box.audit()
  expect(report.clean).toBe(false)
  expect(report.rows[0]).toMatchObject({ pfn: 5, invariant: 'fields-intact', field: 'mapping' })
  expect(report.unknown.length).toBeGreaterThan(0)
  expect(codeOf(() => report.assertClean())).toBe('ERR_PAGEBOX_AUDIT')
  expect(box.audit({ maxRows: 0 })).toMatchObject({ clean: false, rows: [], rowsTotal: report.rowsTotal })
  box.close()
})

test('schemes and layouts that a box shows are those it has', () => {
  const box = Box.create({ pages: 16, scheme: 'own-counter', layout: 'linux-4.20' })
  expect(box.scheme).toEqual(schemes.get('own-counter'))
  expect(box.layout.strideBytes).toBe(layouts.get('linux-4.20').ownCounterStrideBytes)
  expect(box.layout.name).toBe('linux-4.20')
  box.close()
})

test('a worker can be the only one that loads the addon', async () => {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const addon = require('node-gyp-build')(process.cwd())
     parentPort.postMessage(addon.tables().schemes.length)`,
    { eval: true },
  )
  const count = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  expect(count).toBe(schemes.names.length)
  await worker.terminate()
})
