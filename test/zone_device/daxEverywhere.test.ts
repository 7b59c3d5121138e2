import { Box, type DaxKind, layouts, type Mm, PageboxError } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { codeOf, errnoOf } from '../mm/errors.ts'

const kinds: DaxKind[] = ['fsdax', 'devdax', 'fsdax-limited']

describe('every layout', () => {
  const narrow = (name: string): boolean => name.endsWith('-32')
  test.each(layouts.list().map(({ name }) => name))('%s', (layout) => {
    using_(Box.create({ pages: 64, layout, scheme: 'refcount' }), (each) => {
      for (const kind of kinds) {
        if (narrow(layout)) {
          expect(codeOf(() => each.addDax({ kind, pages: 4 }))).toBe('ERR_PAGEBOX_NO_ROOM')
          continue
        }
        const pmem = each.addDax({ kind, pages: 4 })
        const blocks = pmem.createFile(kind === 'devdax' ? {} : { pages: 4 })
        const range = each.createMm().mmap({ pages: 4, file: blocks })
        range.fill(1)
        if (kind !== 'fsdax-limited') {
          const pins = range.pin({ write: true })
          expect(errnoOf(() => pmem.remove())).toBe('EBUSY')
          pins.unpin()
        }
        // The rearranged layout of 2018 keeps pgmap where fsdax and devdax keep their index.
        const collides = layout === 'linux-4.20-zd' && kind !== 'fsdax-limited'
        const found = new Set(each.audit().rows.map(({ invariant }) => invariant))
        expect([...found]).toEqual(collides ? ['pgmap-intact'] : [])
        pmem.remove()
        each.audit().assertClean()
      }
    })
  })
})

test('anything a program may do, in any order, leaves a clean audit', () => {
  let state = 1
  const below = (n: number): number => {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % n
  }
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item
  const flip = (): boolean => below(2) === 0
  for (let run = 0; run < 6; run++) {
    using_(Box.create({ pages: 512 }), (each) => {
      const processes = [each.createMm(), each.createMm()]
      const devices = kinds.map((kind) => each.addDax({ kind, pages: 8 }))
      const bus = each.addP2pdma({ pages: 8 })
      const gpu = each.addDevice({ pages: 16 })
      const disk = each.createFile({ kind: 'disk', pages: 8 })
      const files = devices.map((device) => device.createFile(device.kind === 'devdax' ? {} : { pages: 3 }))
      const maps = [(processes[0] as Mm<Box>).mmap({ pages: 4 })]
      const held: Disposable[] = []
      const mapKind = () => (below(3) === 0 ? 'dax-private' : 'dax-shared')
      const steps: (() => unknown)[] = [
        () => maps.push(pick(processes).mmap({ pages: 1 + below(4), file: pick(files), kind: mapKind() })),
        () => maps.push(bus.mmap(pick(processes), { pages: 1 + below(3) })),
        () => pick(maps).fill(below(100)),
        () => pick(maps).words(),
        () => held.push(pick(maps).pin({ write: flip(), longterm: below(4) === 0, fast: flip(), p2pdma: flip() })),
        () => held.push(pick(maps).get({ write: flip(), p2pdma: flip() })),
        () => held.splice(below(held.length), 1)[0]?.[Symbol.dispose](),
        () => held.splice(below(held.length), 1)[0]?.[Symbol.dispose](),
        () => maps.splice(below(maps.length), maps.length > 4 ? 1 : 0)[0]?.unmap(),
        () => pick(maps).protect(pick(['r', 'rw', 'rw'])),
        () => pick(maps)[pick(['lock', 'unlock'] as const)](),
        () => pick(maps).advise(pick(['dontneed', 'pageout', 'populate_write', 'dontfork', 'dofork'])),
        () => processes.splice(1, 1, (processes[0] as Mm<Box>).fork())[0]?.close(),
        () => pick(files).truncate(below(6)),
        () => pick(files).writeWords(BigUint64Array.of(1n, 2n), below(4)),
        () => pick(files).layoutBusyPage(below(3)),
        () => pick(maps)[pick(['dioRead', 'dioWrite', 'readFile', 'writeFile'] as const)](disk, below(4)),
        () => gpu[pick(['read', 'migrateToDevice', 'migrateToSystem', 'exclusive'] as const)](pick(maps)),
        () => each.pins.pin(pick([...devices, bus]).firstPfn + below(8)),
        () => each.compact() + each.reclaim(below(20)),
      ]
      let done = 0
      for (let i = 0; i < 200; i++) {
        try {
          pick(steps)()
          done++
        } catch (error) {
          expect(error).toBeInstanceOf(PageboxError)
        }
        each.audit().assertClean()
      }
      expect(done).toBeGreaterThan(60)
    })
  }
})

function using_<Held extends Disposable>(held: Held, use: (held: Held) => void): void {
  try {
    use(held)
  } finally {
    held[Symbol.dispose]()
  }
}
