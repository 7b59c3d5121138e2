import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Box, type Mapping } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { runChild } from '../hostile/child.ts'
import { codeOf } from './errors.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe('closing a box', () => {
  test('ends what is in it, and says what it was', () => {
    const box = Box.create({ pages: 1024 })
    const mm = box.createMm()
    const child = mm.fork()
    const buf = mm.mmap({ pages: 4 })
    buf.fill(1)
    const gpu = box.addDevice({ type: 'coherent' })
    gpu.migrateToDevice(buf)
    const pins = buf.pin()
    const file = box.createFile({ pages: 1 })
    expect(box.close()).toEqual({ mms: 2, files: 1, pinned: [...pins.pfns] })
    expect(box.close()).toEqual({ mms: 0, files: 0, pinned: [] })
    for (const call of [
      () => mm.mmap({ pages: 1 }),
      () => child.vmas,
      () => buf.load(),
      () => pins.unpin(),
      () => file.read(),
      () => gpu.holders(),
      () => box.addDevice(),
      () => box.createMm(),
      () => box.devices,
      () => box.reclaim(),
    ])
      expect(codeOf(call)).toBe('ERR_PAGEBOX_CLOSED')
    // What ends with a scope ends quietly.
    pins[Symbol.dispose]()
    gpu[Symbol.dispose]()
    file[Symbol.dispose]()
    child[Symbol.dispose]()
    mm[Symbol.dispose]()
  })

  test('does not wait for whoever holds pages of a device by pfn', () => {
    const box = Box.create({ pages: 1024 })
    const buf = box.createMm().mmap({ pages: 4 })
    buf.fill(1)
    const gpu = box.addDevice({ type: 'coherent' })
    gpu.migrateToDevice(buf)
    box.pins.pin(buf.pfns()[0] as number)
    box.pins.get(buf.pfns()[1] as number)
    box.audit().assertClean()
    box.close()
  })

  test.each([
    ['mm, device, box', [0, 1, 2]],
    ['mm, box, device', [0, 2, 1]],
    ['device, mm, box', [1, 0, 2]],
    ['device, box, mm', [1, 2, 0]],
    ['box, mm, device', [2, 0, 1]],
    ['box, device, mm', [2, 1, 0]],
  ])('in the order %s', (_, order) => {
    const box = Box.create({ pages: 1024 })
    const mm = box.createMm()
    const gpu = box.addDevice()
    const buf = mm.mmap({ pages: 4 })
    buf.fill(1)
    gpu.migrateToDevice(buf)
    const ends = [() => mm.close(), () => gpu.remove(), () => void box.close()]
    for (const i of order) {
      ends[i]?.()
      if (!box.closed) box.audit().assertClean()
    }
  })
})

test('garbage collection ends nothing that is in use', () => {
  const box = Box.create({ pages: 4096 })
  let kept: Mapping<Box> | undefined
  for (let i = 0; i < 20; i++) {
    const mm = box.createMm()
    const buf = mm.mmap({ pages: 2 })
    buf.fill(i)
    buf.pin({ write: true })
    if (i === 7) kept = buf
    Box.create({ pages: 64 }).createMm().mmap({ pages: 1 }).store(0, 1)
  }
  collect()
  expect(kept?.load(1)).toBe(8n)
  box.audit().assertClean()
  const left = box.close()
  expect([left.mms, left.pinned.length]).toEqual([20, 40])
})

test('two boxes know nothing of each other', () => {
  const [one, two] = [Box.create({ pages: 256 }), Box.create({ pages: 256, layout: 'linux-4.20' })]
  const [left, right] = [one.createMm().mmap({ pages: 3 }), two.createMm().mmap({ pages: 3 })]
  left.fill(1)
  right.fill(100)
  const gpu = two.addDevice({ type: 'public' })
  expect(gpu.migrateToDevice(right).pages).toBe(3)
  expect(two.page(right.pfns()[0] as number).type).toBe('device-public-anon')
  const pins = left.pin()
  one.audit().assertClean()
  two.audit().assertClean()
  two.close()
  expect([...left.words()]).toEqual([1n, 2n, 3n])
  pins.unpin()
  one.audit().assertClean()
  one.close()
})

test('a box starts over once nothing is in it', () => {
  const box = Box.create({ pages: 64 })
  box.setup(5, { type: 'anon' })
  const mm = box.createMm()
  mm.mmap({ pages: 2 }).fill(1)
  expect(codeOf(() => box.reset())).toBe('ERR_PAGEBOX_REFUSED')
  mm.close()
  box.reset()
  box.audit().assertClean()
  box.pins.pin(3)
  box.setup(5, { type: 'file' })
  box.pins.unpin(3)
  box.createMm().mmap({ pages: 2 }).fill(1)
  box.audit().assertClean()
  box.close()
})

test('a box with frames has its machine from the start', () => {
  const box = Box.create({ pages: 64, frames: true })
  expect(codeOf(() => box.pins.pin(3))).toBe('ERR_PAGEBOX_PAGE_FREE')
  const buf = box.createMm().mmap({ pages: 2 })
  buf.fill(1)
  box.audit().assertClean()
  expect(buf.page(0)?.type).toBe('anon')
  box.close()
})

test('pages pinned or set up before the machine stay what they were', () => {
  const box = Box.create({ pages: 1024 })
  box.pins.pin(42)
  box.setup(512, { type: 'compound-head', order: 9 })
  const mm = box.createMm()
  const buf = mm.mmap({ pages: 300 })
  buf.fill(1)
  expect(buf.pfns()).not.toContain(42)
  expect(box.reclaim()).toBe(300)
  expect(box.compact()).toBe(0)
  expect(box.page(512).type).toBe('compound-head')
  box.audit().assertClean()
  box.pins.unpin(42)
  mm.close()
  box.audit().assertClean()
  box.close()
})

test('without a ledger the audit says what it cannot know', () => {
  const box = Box.create({ pages: 256, ledger: false })
  const buf = box.createMm().mmap({ pages: 2 })
  buf.fill(1)
  const pins = buf.pin()
  box.pins.pin(pins.pfns[0] as number)
  const report = box.audit()
  report.assertClean()
  expect(report.unknown.length).toBeGreaterThan(0)
  box.pins.unpin(pins.pfns[0] as number)
  pins.unpin()
  box.audit().assertClean()
  box.close()
})

test('the audit finds a descriptor that was changed behind an address space', () => {
  const box = Box.create({ pages: 256, ledger: false, scheme: 'refcount' })
  const buf = box.createMm().mmap({ pages: 1 })
  buf.store(0, 1)
  const [pfn] = buf.pfns() as [number]
  const direct = box.pins.direct()
  const [window] = direct.windows as unknown as [{ words: Int32Array; refcountIndex: number; stride: number }]
  const at = window.refcountIndex + pfn * window.stride
  Atomics.sub(window.words, at - 1, 1) // _mapcount lies before _refcount
  const [row] = box.audit().rows
  expect(row).toMatchObject({ invariant: 'mapcount-accounted', pfn, field: '_mapcount', expected: 1n, found: 0n })
  Atomics.add(window.words, at - 1, 1)
  box.audit().assertClean()
  direct.close()
  box.close()
})

describe('workers', () => {
  test('a worker attached by token has address spaces of its own', async () => {
    const { code, output } = await runChild('machine.mjs', ['together', '60'])
    expect({ code, output }).toEqual({ code: 0, output: 'clean\n' })
  })

  test('terminated in the middle, its address spaces end and the audit stays clean', async () => {
    const { code, output } = await runChild('machine.mjs', ['terminate', '4'])
    expect({ code, output }).toEqual({ code: 0, output: 'clean\n' })
  })
})
