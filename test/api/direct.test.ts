import { describe, expect, test } from 'vitest'
import { Box, type PageboxError } from 'pagebox'
import { runChild } from '../hostile/child.ts'

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as PageboxError).code
  }
}

test.each(['refcount', 'refcount-bias'])('a direct pin of %s is a pin', (scheme) => {
  const box = Box.create({ pages: 1024, scheme, ledger: false })
  box.pins.get(42)
  using direct = box.pins.direct()
  const before = direct.refcount(42)
  expect(direct.pin(42)).toBe(before)
  expect(box.page(42).refcount).toBe(before + direct.unit)
  expect(box.pins.maybePinned(42)).toBe(true)
  box.pins.unpin(42)
  direct.pin(42)
  direct.unpin(42)
  expect(direct.refcount(42)).toBe(before)
  const window = direct.windows[0]!
  expect(Atomics.load(window.words, window.refcountIndex + 42 * window.stride)).toBe(before)
  for (const pfn of [-1, 1024, 0.5, Number.NaN]) expect(codeOf(() => direct.pin(pfn))).toBe('ERR_PAGEBOX_PFN_RANGE')
  box.pins.put(42)
  box.close()
})

test('what is no number is no pfn', () => {
  const box = Box.create({ pages: 16, scheme: 'refcount', ledger: false })
  using direct = box.pins.direct()
  for (const pfn of [Symbol('s'), 1n, '1', null, undefined, {}, [1]] as unknown as number[])
    for (const call of ['pin', 'unpin', 'refcount'] as const)
      expect(codeOf(() => direct[call](pfn))).toBe('ERR_PAGEBOX_ARG_TYPE')
  box.audit().assertClean()
  box.close()
})

test('there is none with a ledger, or where a pin is more than an add', () => {
  const ledger = Box.create({ pages: 16 })
  expect(codeOf(() => ledger.pins.direct())).toBe('ERR_PAGEBOX_NO_DIRECT')
  ledger.close()
  for (const scheme of ['lru-overlay', 'packed-64', 'side-table', 'folio-pincount']) {
    const box = Box.create({ pages: 16, scheme, ledger: false })
    expect(
      codeOf(() => box.pins.direct()),
      scheme,
    ).toBe('ERR_PAGEBOX_NO_DIRECT')
    box.close()
  }
})

test('memory outlives the box while a window lives', () => {
  const box = Box.create({ pages: 1024, scheme: 'refcount', ledger: false })
  box.pins.pin(42)
  const direct = box.pins.direct()
  const count = direct.refcount(42)
  box.close()
  expect(direct.refcount(42)).toBe(count)
  direct.close()
  expect(codeOf(() => direct.pin(42))).toBe('ERR_PAGEBOX_CLOSED')
})

test('a box beyond 4 GiB of descriptors has several windows', () => {
  const pages = 2 ** 27
  const box = Box.create({ pages, scheme: 'refcount', ledger: false })
  box.pins.pin(pages - 1)
  const direct = box.pins.direct()
  expect(direct.windows.map(({ firstPfn }) => firstPfn)).toEqual([0, 2 ** 26])
  expect(direct.refcount(pages - 1)).toBe(box.page(pages - 1).refcount)
  direct.close()
  box.close()
})

/** Node 20 has no such call. */
type Transfers = { transfer?: () => ArrayBuffer }
const transfers = 'transfer' in ArrayBuffer.prototype

describe.skipIf(!transfers)('a window whose memory was transferred', () => {
  const view = () => {
    const box = Box.create({ pages: 1024, scheme: 'refcount', ledger: false })
    const direct = box.pins.direct()
    return { box, direct, buffer: direct.windows[0]!.words.buffer as unknown as Required<Transfers> }
  }

  test('says so at each call; the box and new views are as before', () => {
    const { box, direct, buffer } = view()
    box.pins.pin(1)
    buffer.transfer()
    for (const call of [() => direct.pin(1), () => direct.unpin(1), () => direct.refcount(1)])
      expect(codeOf(call)).toBe('ERR_PAGEBOX_BUFFER_DETACHED')
    for (const call of [() => direct.pin(-1), () => direct.refcount(1024)])
      expect(codeOf(call)).toBe('ERR_PAGEBOX_PFN_RANGE')
    using again = box.pins.direct()
    expect(again.refcount(1)).toBe(2)
    direct.close()
    expect(codeOf(() => direct.pin(1))).toBe('ERR_PAGEBOX_CLOSED')
    box.close()
  })
})

describe.skipIf(!transfers)('memory that was transferred', () => {
  test.each(['same', 'shorter', 'worker', 'worker-collected', 'again'])(
    'stays for as long as it is reached: %s',
    async (does) => {
      const { code, signal, output } = await runChild('transfer.mjs', [does], {}, ['--expose-gc'])
      expect({ code, signal, output }).toEqual({ code: 0, signal: null, output: 'reached\n' })
    },
  )
})
