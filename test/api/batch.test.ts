import { describe, expect, test } from 'vitest'
import { Box, type PageboxError } from 'pagebox'

const all = (pages: number) => new Uint32Array(pages).map((_, i) => i)

function failure(call: () => unknown): PageboxError {
  try {
    call()
  } catch (error) {
    return error as PageboxError
  }
  throw new Error('nothing was thrown')
}

describe.each([true, false])('a batch, ledger %s', (ledger) => {
  const create = () => Box.create({ pages: 256, scheme: 'folio-pincount', ledger, populate: 'none' })
  const withPages = (last: number) => {
    const box = create()
    for (let pfn = 0; pfn <= last; pfn++) box.setup(pfn, { type: 'anon' })
    return box
  }

  test('pins and unpins every page', () => {
    const box = withPages(255)
    expect(box.pins.pinMany(all(256))).toBe(256)
    expect(box.pins.maybePinned(255)).toBe(true)
    expect(box.pins.unpinMany(all(256))).toBe(256)
    expect(box.pins.maybePinned(255)).toBe(false)
    box.audit().assertClean()
    box.close()
  })

  test('is all or nothing', () => {
    const box = withPages(99)
    const before = box.page(50).words
    const error = failure(() => box.pins.pinMany(all(256)))
    expect(error).toMatchObject({ code: 'ERR_PAGEBOX_PAGE_FREE', index: 100, errno: 'EAGAIN' })
    expect(box.page(50).words).toEqual(before)
    box.audit().assertClean()
    box.close()
  })

  test('names the pfn that lies outside, and touches nothing', () => {
    const box = withPages(255)
    const pfns = all(200)
    pfns[120] = 256
    const error = failure(() => box.pins.pinMany(pfns))
    expect(error).toMatchObject({ code: 'ERR_PAGEBOX_PFN_RANGE', argument: 'pfns[120]', given: '256' })
    expect(box.pins.maybePinned(0)).toBe(false)
    box.close()
  })

  test('takes pages of devices, as a single pin does', () => {
    const box = Box.create({ pages: 256, scheme: 'folio-pincount', ledger, devicePages: 32 })
    box.setup(3, { type: 'anon' })
    const beyond = () => failure(() => box.pins.pinMany(new Uint32Array([3, 256])))
    expect(beyond().message).toMatch(/pfns\[1\] must be a page frame number from 0 to 255/)
    expect(failure(() => box.page(256)).message).toMatch(/from 0 to 255/)
    const { firstPfn } = box.addDax({ kind: 'fsdax', pages: 16 })
    const pfns = new Uint32Array([firstPfn, 3, firstPfn + 15, firstPfn])
    const before = [...pfns].map((pfn) => box.page(pfn).refcount)
    expect(box.pins.pinMany(pfns)).toBe(4)
    expect([...pfns].map((pfn, i) => box.page(pfn).refcount - (before[i] as number))).toEqual([2048, 1024, 1024, 2048])
    box.audit().assertClean()
    const out = new Int32Array(4)
    expect(box.pins.unpinMany(pfns, { out })).toBe(4)
    expect([...out]).toEqual([0, 0, 0, 0])
    expect([...pfns].map((pfn) => box.page(pfn).refcount)).toEqual(before)
    expect(failure(() => box.pins.unpinMany(new Uint32Array([firstPfn + 16]))).message).toMatch(/from 0 to 271/)
    for (const call of [() => box.pins.pin(272), () => box.page(272), () => box.lru.isolate(272)])
      expect(failure(call).message).toMatch(/pfn must be a page frame number from 0 to 271/)
    box.audit().assertClean()
    box.close()
  })

  test('with counts pins that often', () => {
    const box = withPages(15)
    const counts = all(16).map((i) => i + 1)
    box.pins.pinMany(all(16), { counts })
    expect(box.page(15).refcount - box.page(0).refcount).toBe(15 * 1024)
    box.pins.unpinMany(all(16), { counts })
    counts[3] = 0
    expect(failure(() => box.pins.pinMany(all(16), { counts }))).toMatchObject({
      code: 'ERR_PAGEBOX_ARG_RANGE',
      argument: 'options.counts[3]',
    })
    box.audit().assertClean()
    box.close()
  })

  test('with a status for each page goes on', () => {
    const box = withPages(9)
    const out = new Int32Array(20)
    expect(box.pins.pinMany(all(20), { out })).toBe(10)
    expect([...out]).toEqual([...Array(10).fill(0), ...Array(10).fill(11)])
    expect(box.pins.unpinMany(all(10))).toBe(10)
    box.audit().assertClean()
    box.close()
  })

  test('takes an empty list, a view of shared memory and a page twice', () => {
    const box = withPages(9)
    expect(box.pins.pinMany(new Uint32Array(0))).toBe(0)
    const shared = new Uint32Array(new SharedArrayBuffer(8))
    expect(box.pins.pinMany(shared)).toBe(2)
    expect(box.page(0).refcount).toBeGreaterThan(2048)
    expect(box.pins.unpinMany(new Uint32Array(2))).toBe(2)
    box.audit().assertClean()
    box.close()
  })
})

test('with a ledger a batch that gives back too much changes nothing', () => {
  const box = Box.create({ pages: 16 })
  box.pins.pinMany(new Uint32Array([1, 2, 2, 3]))
  const error = failure(() => box.pins.unpinMany(new Uint32Array([1, 2, 2, 2, 3])))
  expect(error).toMatchObject({ code: 'ERR_PAGEBOX_NOT_PINNED', index: 3 })
  expect(box.pins.pins(1).pins).toBe(1)
  box.pins.unpinMany(new Uint32Array([1, 2, 2, 3]))
  box.audit().assertClean()
  box.close()
})
