// Small pages become a huge one when somebody asks for it.
import { Box, explore, PageboxError, race, run, scenario } from 'pagebox'
import { expect, test } from 'vitest'

const withBox = (body: (box: Box) => void): void => {
  const box = Box.create({ pages: 8192, hugePages: true })
  try {
    body(box)
    box.audit().assertClean()
  } finally {
    box.close()
  }
}

test('what they held is there, and they are free', () =>
  withBox((box) => {
    const buf = box.createMm().mmap({ pages: 512 })
    for (const page of [0, 7, 511]) buf.store(page, BigInt(100 + page))
    const before = buf.pin({ write: true, fast: true })
    before.unpin()
    buf.advise('collapse')
    for (const page of [0, 7, 511]) expect(buf.load(page)).toBe(BigInt(100 + page))
    expect(buf.load(5)).toBe(0n)
    const [first, last] = [0, 511].map((page) => buf.slice(page, 1).pin())
    expect((last?.pfns[0] ?? 0) - (first?.pfns[0] ?? 0)).toBe(511)
    first?.unpin()
    last?.unpin()
  }))

test('a page that is pinned keeps all of them small', () =>
  withBox((box) => {
    const buf = box.createMm().mmap({ pages: 512 })
    buf.store(0, 1n)
    const pin = buf.slice(0, 1).pin({ write: true })
    expect(() => buf.advise('collapse')).toThrow(expect.objectContaining({ errno: 'EAGAIN' }))
    expect(buf.slice(0, 1).pin().pfns).toEqual(pin.pfns)
  }))

test.each(['anon-shared', 'file-shared'] as const)('memory of kind %s is refused', (kind) =>
  withBox((box) => {
    const buf = box.createMm().mmap({ pages: 512, kind })
    buf.store(0, 1n)
    expect(() => buf.advise('collapse')).toThrow(PageboxError)
    expect(buf.load(0)).toBe(1n)
  }),
)

const meeting = scenario('collapse against pins', { pages: 2048, hugePages: true }, (b) => {
  const buf = b.mmap({ pages: 512 })
  b.store(buf, 1, { page: 0 })
  b.thread('dma', (t) => t.unpin(t.pin(buf, { page: 0, write: true, fast: true })))
  b.thread('khugepaged', (t) => t.madvise(buf, 'collapse'))
  b.thread('process', (t) => t.store(buf, 2, { page: 1 }))
})

test('in order, at full speed and under a scheduler nothing is lost', { timeout: 120_000 }, async () => {
  expect(run(meeting).audit).toEqual([])
  expect((await race(meeting, { rounds: 5 })).audit.clean).toBe(true)
  const { outcomes } = await explore(meeting, { samples: 20 })
  expect(outcomes).toMatchObject({ clean: 20 })
})
