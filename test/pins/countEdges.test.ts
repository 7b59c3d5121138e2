import { Box, type Layout, layouts, PageboxError, schemes } from 'pagebox'
import { describe, expect, test } from 'vitest'

const refcountMax = 2 ** 31 - 1

type Op = readonly [op: 'pin' | 'pinReferenced' | 'get', n: number]
const inverse = { pin: 'unpin', pinReferenced: 'unpin', get: 'put' } as const

/** What a page can be made to hold, near each edge and across it, in one call and in many. */
function sequences(most: number, each: number, own: number): Op[][] {
  const room = Math.min(most, Math.floor((refcountMax - own) / each))
  const left = refcountMax - own - room * each
  const near = [room - 1, room, room + 1, most - 1, most, most + 1].filter((n) => n >= 1 && n <= refcountMax)
  const half = Math.ceil(room / 2)
  return [
    ...near.map((n): Op[] => [['pin', n]]),
    ...near.map((n): Op[] => [['pinReferenced', n]]),
    [['get', refcountMax]],
    [
      ['get', refcountMax - own],
      ['get', 1],
      ['pin', 1],
    ],
    [
      ['get', refcountMax - 1],
      ['get', 2],
      ['get', 1],
    ],
    [
      ['pin', room],
      ['get', left],
      ['get', 1],
      ['pin', 1],
    ],
    [
      ['pin', room],
      ['get', left + 1],
    ],
    [
      ['pin', room],
      ['pin', 1],
      ['pin', 1],
      ['get', 2000],
    ],
    [
      ['pin', 1],
      ['get', refcountMax],
    ],
    [
      ['pin', 1],
      ['get', refcountMax - own - each],
      ['get', 1],
      ['pin', 1],
    ],
    [
      ['get', 100],
      ['pin', room],
    ],
    [
      ['get', 1024],
      ['pinReferenced', room - 1],
      ['pinReferenced', 1],
    ],
    [
      ['pin', half],
      ['pinReferenced', half],
      ['pin', half],
      ['get', half],
    ],
    [
      ['get', 2 ** 30],
      ['get', 2 ** 30],
      ['get', 2 ** 30],
      ['pin', Math.max(1, half)],
    ],
    Array.from({ length: 5 }, (): Op => ['pin', Math.max(1, Math.floor(room / 4) + 3)]),
    Array.from({ length: 40 }, (_, i): Op => [i % 2 === 0 ? 'pin' : 'get', 2 ** (i % 31)]),
    Array.from({ length: each === 1 ? 220 : 6 }, (): Op => ['pin', each === 1 ? 10_000_019 : 1_000_003]),
  ]
}

function refused(step: () => void): PageboxError | undefined {
  try {
    step()
    return undefined
  } catch (error) {
    if (error instanceof PageboxError) return error
    throw error
  }
}

function expectClean(box: Box, when: string): void {
  const { clean, rows } = box.audit()
  if (!clean) throw new Error(`${when}: ${rows[0]?.invariant} expected ${rows[0]?.expected} found ${rows[0]?.found}`)
}

function existing(scheme: string, layout: Layout, pages: number, ledger = true): Box | undefined {
  try {
    return Box.create({ pages, scheme, layout, ledger })
  } catch (error) {
    if (error instanceof PageboxError && error.code === 'ERR_PAGEBOX_NO_ROOM') return undefined
    throw error
  }
}

const cases = layouts.list().flatMap((layout) => schemes.names.map((scheme) => ({ name: layout.name, layout, scheme })))

describe('counts at their edges, with a ledger', () => {
  test.each(cases)(
    '$scheme on $name',
    ({ layout, scheme }) => {
      const box = existing(scheme, layout, 1024)
      if (box === undefined) return
      try {
        box.setup(512, { type: 'compound-head', order: 9 })
        for (const pfn of [1, 512, 700]) {
          const head = pfn < 512 ? pfn : 512
          box.pins.pin(pfn)
          const each = box.page(head).refcount
          box.pins.unpin(pfn)
          const own = box.page(head).refcount
          const perPin = each - own
          // folio-pincount is exact, and goes further, where the layout names a place.
          const most = perPin < box.scheme.refsPerPin ? refcountMax : Number(box.scheme.maxPins)
          for (const sequence of sequences(Math.min(most, refcountMax), perPin, own)) {
            let refs = own
            let pins = 0
            const taken: Op[] = []
            for (const [op, n] of sequence.filter(([, count]) => count > 0)) {
              const grows = op === 'get' ? n : n * perPin
              const error = refused(() => box.pins[op](pfn, n))
              const packedIsFull = op !== 'get' && pins + n > most
              const fits = refs + grows <= refcountMax && !packedIsFull
              if (fits) {
                refs += grows
                pins += op === 'get' ? 0 : n
                taken.push([op, n])
              }
              // Refused before: nothing has changed, and nothing is below zero.
              const found = box.page(head).refcount
              if (found === refs && error?.code === (fits ? undefined : 'ERR_PAGEBOX_PIN_LIMIT')) continue
              const said = `${op}(${pfn}, ${n}) after ${JSON.stringify(taken.slice(-8))}`
              expect(error?.code, said).toBe(fits ? undefined : 'ERR_PAGEBOX_PIN_LIMIT')
              expect(found, said).toBe(refs)
            }
            if (pins > 0) expect(box.pins.maybePinned(pfn)).toBe(true)
            expectClean(box, `held ${JSON.stringify(taken.slice(0, 8))}`)
            for (const [op, n] of taken) box.pins[inverse[op]](pfn, n)
            expect(box.page(head).refcount).toBe(own)
            expect(refused(() => box.pins.unpin(pfn))?.code).toBe('ERR_PAGEBOX_NOT_PINNED')
            expect(refused(() => box.pins.unpin(pfn, refcountMax))?.code).toBe('ERR_PAGEBOX_NOT_PINNED')
            expectClean(box, `given back ${JSON.stringify(taken.slice(0, 8))}`)
          }
        }
      } finally {
        box.close()
      }
    },
    60_000,
  )

  test.each(cases)('many at once of $scheme on $name are all granted or none is', ({ layout, scheme }) => {
    const box = existing(scheme, layout, 64)
    if (box === undefined) return
    try {
      const most = Math.min(Number(box.scheme.maxPins), refcountMax)
      box.pins.pin(1)
      box.pins.unpin(1)
      const limit = Math.min(most, Math.floor((refcountMax - 1) / box.scheme.refsPerPin))
      const pfns = Uint32Array.of(1, 2, 1, 3)
      const tooMany = Uint32Array.of(limit - 1, 1, 2, 1)
      const error = refused(() => box.pins.pinMany(pfns, { counts: tooMany }))
      expect(error).toMatchObject({ code: 'ERR_PAGEBOX_PIN_LIMIT', index: 2 })
      if (scheme !== 'refcount') for (const pfn of pfns) expect(box.pins.maybePinned(pfn)).toBe(false)
      expectClean(box, 'after a refusal')
      const justEnough = Uint32Array.of(limit - 1, 1, 1, 1)
      expect(box.pins.pinMany(pfns, { counts: justEnough })).toBe(4)
      expectClean(box, 'full')
      expect(box.pins.unpinMany(pfns, { counts: justEnough })).toBe(4)
      expectClean(box, 'given back')
    } finally {
      box.close()
    }
  })

  test.each(schemes.names)('memory of a process pinned and referenced by %s up to its edge', (scheme) => {
    const box = Box.create({ pages: 2048, scheme })
    try {
      const mm = box.createMm()
      for (const huge of [false, true]) {
        const map = mm.mmap({ pages: 512 })
        if (huge) map.advise('hugepage')
        map.store(0, 1)
        const pfn = map.pfns()[0] as number
        // Memory management keeps some references of each page for itself.
        const full = refused(() => box.pins.get(pfn, refcountMax - box.page(pfn).refcount))
        expect(full?.code).toBe('ERR_PAGEBOX_PIN_LIMIT')
        const room = refcountMax - 4096 - box.page(pfn).refcount
        box.pins.get(pfn, room)
        expectClean(box, 'full')
        for (const fast of [true, false])
          for (const take of [() => map.slice(0, 1).pin({ fast }), () => map.slice(0, 1).get({ fast })])
            expect(refused(take)?.errno).toBe('ENOMEM')
        expectClean(box, 'refused')
        const child = mm.fork()
        map.advise('pageout')
        map.store(0, 2)
        child.close()
        expectClean(box, 'what memory management needs is left to it')
        box.pins.put(pfn, room)
        map.unmap()
        expectClean(box, 'given back')
      }
    } finally {
      box.close()
    }
  })
})

describe('without a ledger', () => {
  test.each(cases)(
    'the one that crosses is kept by $scheme on $name, seen, and can be given back',
    ({ layout, scheme }) => {
      const box = existing(scheme, layout, 64, false)
      if (box === undefined) return
      try {
        box.pins.get(1, refcountMax - 1)
        expectClean(box, 'the last that fits')
        box.pins.get(1, 2)
        expect(box.page(1).refcount).toBeLessThan(0)
        expect(box.audit().rows.map(({ invariant }) => invariant)).toContain('pin-limit-kept')
        for (const step of [() => box.pins.get(1), () => box.pins.pin(1), () => box.pins.pinReferenced(1)])
          expect(refused(step)?.code).toBe('ERR_PAGEBOX_PIN_LIMIT')
        box.pins.put(1, 2)
        expectClean(box, 'back')
        box.pins.put(1, refcountMax - 1)
        expect(box.page(1).refcount).toBe(1)
        expectClean(box, 'given back')
      } finally {
        box.close()
      }
    },
  )
})
