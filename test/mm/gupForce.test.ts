import { Box, layouts, type Mapping, schemes, room } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { errnoOf } from './errors.ts'

const wide = layouts.list().filter(({ wordBytes }) => wordBytes === 8)
/** Schemes that exist there: with no free flag bit, `flag-and-word` does not. */
const fitting = (layout: string): string[] =>
  schemes.names.filter((scheme) => room({ scheme, layout, pageType: 'anon' }).cell !== 'refused')
const cells = wide.flatMap(({ name }) => fitting(name).map((scheme) => ({ layout: name, scheme })))

// ptrace writes so: to memory that the process itself may only read.
describe('FOLL_WRITE with FOLL_FORCE, read-only memory', () => {
  test.each(cells)(
    '$scheme on $layout',
    ({ layout, scheme }) => {
      const box = Box.create({ pages: 4096, layout, scheme })
      try {
        const mm = box.createMm()
        const file = box.createFile({ pages: 2 })
        file.writeWords(BigUint64Array.of(1n, 2n))
        const blocks = box.addDax({ kind: 'fsdax', pages: 4 }).createFile({ pages: 2 })
        const gpu = box.addDevice({ pages: 16 })
        const word = 1n
        const filled = (map: Mapping<Box>): Mapping<Box> => {
          map.store(0, word)
          return map
        }
        const memories: Record<string, () => Mapping<Box>> = {
          empty: () => mm.mmap({ pages: 2 }),
          anonymous: () => filled(mm.mmap({ pages: 2 })),
          zero: () => {
            const map = mm.mmap({ pages: 2 })
            map.load(0)
            return map
          },
          shared: () => {
            const map = filled(mm.mmap({ pages: 2 }))
            mm.fork()
            return map
          },
          swapped: () => {
            const map = filled(mm.mmap({ pages: 2 }))
            map.advise('pageout')
            return map
          },
          'on a device': () => {
            const map = filled(mm.mmap({ pages: 2 }))
            gpu.migrateToDevice(map)
            return map
          },
          huge: () => {
            const map = mm.mmap({ pages: 512 })
            map.advise('hugepage')
            return filled(map).slice(0, 2)
          },
          'huge and shared': () => {
            const map = mm.mmap({ pages: 512 })
            map.advise('hugepage')
            filled(map)
            mm.fork()
            return map.slice(0, 2)
          },
          'huge and empty': () => {
            const map = mm.mmap({ pages: 512 })
            map.advise('hugepage')
            return map.slice(0, 2)
          },
          file: () => mm.mmap({ pages: 2, kind: 'file-private', file }),
          "a file's copy": () => filled(mm.mmap({ pages: 2, kind: 'file-private', file })),
          blocks: () => mm.mmap({ pages: 2, kind: 'dax-private', file: blocks }),
        }
        for (const [name, make] of Object.entries(memories)) {
          for (const call of ['pin', 'get'] as const) {
            for (const fast of [true, false]) {
              const map = make()
              const said = `${call} of ${name}, ${fast ? 'fast' : 'slow'}`
              map.protect('r')
              expect(
                errnoOf(() => map[call]({ write: true, fast })),
                said,
              ).toBe('EFAULT')
              const held = map[call]({ write: true, force: true, fast })
              expect([...held.pfns], said).toEqual(map.pfns())
              held.store(0, 77n)
              expect(map.load(0), said).toBe(77n)
              // Ours alone: whoever shared it, and the file, have what they had.
              expect(file.words()[0], said).toBe(1n)
              if (
                !box.audit().rows.every(({ invariant }) => layout === 'linux-4.20-zd' && invariant === 'pgmap-intact')
              )
                box.audit().assertClean()
              // The process itself still may not write.
              expect(() => map.store(0, 5), said).toThrow()
              if ('unpin' in held) held.unpin()
              else held.put()
              map.unmap()
            }
          }
        }
        const shared = mm.mmap({ pages: 1, kind: 'file-shared', file })
        shared.protect('r')
        for (const fast of [true, false])
          expect(errnoOf(() => shared.pin({ write: true, force: true, fast }))).toBe('EFAULT')
      } finally {
        box.close()
      }
    },
    60_000,
  )
})
