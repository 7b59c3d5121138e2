import { describe, expect, test } from 'vitest'
import { type Advice, Box, type Mapping, type Mm, type PageFile } from 'pagebox'

// Nothing is there in nearly all of them: a call costs what is, or it is refused. Before, some took minutes.
const pages = 2 ** 31

interface Ground {
  mm: Mm<Box>
  long: Mapping<Box>
  file: PageFile
}
const calls: Record<string, (ground: Ground) => unknown> = {
  fork: ({ mm }) => mm.fork().close(),
  clearRefs: ({ mm }) => mm.clearRefs(),
  protect: ({ long }) => long.protect('r'),
  remap: ({ long }) => long.remap(),
  unmap: ({ long }) => long.unmap(),
  unlock: ({ long }) => long.unlock(),
  lock: ({ long }) => long.lock(),
  readFile: ({ long, file }) => long.readFile(file),
  writeFile: ({ long, file }) => long.writeFile(file),
  dioRead: ({ long, file }) => long.dioRead(file),
  dioWrite: ({ long, file }) => long.dioWrite(file),
}
const advices: Advice[] = ['dontneed', 'free', 'cold', 'pageout', 'collapse', 'populate_read', 'populate_write']
for (const advice of advices) calls[`advise ${advice}`] = ({ long }) => long.advise(advice)

const ground = (kind: 'anon-private' | 'disk-shared'): Ground & { box: Box } => {
  const box = Box.create({ pages: 256, ledger: true })
  const mm = box.createMm()
  const file = box.createFile({ kind: 'disk', pages })
  const long = mm.mmap(kind === 'disk-shared' ? { pages, kind, file } : { pages, kind })
  for (const page of [0, 3, pages / 2, pages - 1]) long.store(page, page + 1)
  return { box, mm, long, file }
}

describe.each(['anon-private', 'disk-shared'] as const)('%s memory of 8 TiB', (kind) => {
  test.each(Object.keys(calls))('%s ends, and the box is as it should be', { timeout: 20_000 }, (name) => {
    const all = ground(kind)
    try {
      calls[name]?.(all)
    } catch (error) {
      expect(error).toMatchObject({ name: 'PageboxError' })
      expect((error as { code: string }).code).toMatch(/^ERR_PAGEBOX_(REFUSED|ARG_RANGE|NO_MEMORY)$/)
    }
    expect(all.box.audit().rows).toEqual([])
    all.box.close()
  })
})

test('what is there moves with it', () => {
  using box = Box.create({ pages: 256 })
  const long = box.createMm().mmap({ pages: 2 ** 33 })
  const there = [0, 3, 511, 2 ** 18, 2 ** 27 + 5, 2 ** 33 - 1]
  for (const page of there) long.store(page, page + 1)
  const moved = long.remap()
  expect(there.map((page) => moved.load(page))).toEqual(there.map((page) => BigInt(page + 1)))
  expect(box.audit().rows).toEqual([])
})

test('what would fault in, or copy, more than 2^24 pages is refused', () => {
  using box = Box.create({ pages: 256 })
  const long = box.createMm().mmap({ pages: 2 ** 24 + 1 })
  for (const call of [() => long.lock(), () => long.advise('populate_read'), () => long.words()])
    expect(call).toThrow(expect.objectContaining({ allowed: expect.stringContaining('at most 2^24 pages') as unknown }))
})
