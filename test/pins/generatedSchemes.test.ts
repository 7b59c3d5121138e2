import { expect, test } from 'vitest'
import {
  PageboxError,
  type FlagPlace,
  type PinEvent,
  type SchemeDefinition,
  layouts,
  pageTypes,
  probe,
  room,
  schemes,
} from 'pagebox'
import { seededRandom } from '../../lib/compare/statistics.ts'

// Schemes nobody has thought of, over every place of a descriptor: whatever the table says of one, memory
// says too. A seed that fails names its scheme.

const protocols = ['add', 'flag-and-word', 'packed-word', 'list-overlay', 'external'] as const
const ofAdd = ['refcount', 'word', 'mapcount', 'counter', 'tail'] as const
const events: PinEvent[] = ['pin', 'first-pin', 'full', 'isolate', 'unpin', 'last-unpin', 'not-full', 'putback']
const fields = ['index', 'private', 'mapping', 'lru.next', 'lru.prev', 'pgmap', 'memcg_data', 'mem_cgroup'] as const
const weights = [1, 1, 1, 2, 3, 16, 1000, 1024, 65536, 1048576]

function generated(random: () => number, name: string): SchemeDefinition {
  const below = (n: number): number => Math.floor(random() * n)
  const oneOf = <Value>(list: readonly Value[]): Value => list[below(list.length)] as Value
  const protocol = oneOf(protocols)
  const place =
    protocol === 'external' ? oneOf(['side-table', 'sharded'] as const) : protocol === 'add' ? oneOf(ofAdd) : 'word'
  const made: SchemeDefinition = { name, protocol, place, refsPerPin: oneOf(weights) }
  const narrow = (width: number): void => {
    const bits = 1 + below(Math.min(32, width))
    Object.assign(made, { countBits: bits, countShift: below(width - bits + 1) })
    made.atLimit = oneOf(['refuse', 'saturate', 'spill'] as const)
  }
  if (['counter', 'tail', 'side-table'].includes(place) && below(2) === 0) narrow(32)
  if (place === 'word') {
    made.countWord = below(6)
    made.countBits = 32
    if (protocol !== 'packed-word' && below(2) === 0) narrow(64)
    if (below(4) === 0) {
      delete made.countWord
      made.place = { field: oneOf(fields) }
    }
    if (protocol === 'packed-word') {
      made.packedBits = oneOf([32, 64] as const)
      const shift = below(made.packedBits)
      made.countShift = shift
      made.countBits = 1 + below(made.packedBits - shift)
      made.atLimit = oneOf(['refuse', 'saturate', 'spill'] as const)
      if (below(3) === 0) {
        made.place = 'word'
        made.countWord = 0
        made.countShift = 'lowest-free'
        made.countBits = 1 + below(9)
        delete made.packedBits
      }
    }
  }
  if (protocol !== 'add' && protocol !== 'external') {
    const named = typeof made.place === 'object' ? made.place : undefined
    const flag = (): FlagPlace => ({
      ...(named !== undefined && (protocol === 'packed-word' || below(2) === 0)
        ? { field: protocol === 'packed-word' ? named.field : oneOf(fields) }
        : { word: protocol === 'packed-word' ? (made.countWord as number) : below(6) }),
      bit: below(random() < 0.5 ? 8 : 64),
    })
    made.pinned = flag()
    if (protocol === 'flag-and-word' && below(3) === 0) made.pinned = { word: 0, bit: 'lowest-free' }
    if (protocol === 'list-overlay' || random() < 0.5) made.wasLru = flag()
    // Where the count tells by itself there is no flag.
    if (protocol === 'packed-word' && below(2) === 0) {
      delete made.pinned
      delete made.wasLru
    }
    if (protocol === 'packed-word' && below(2) === 0) {
      const bit = (): number | 'lowest-free' => (made.countShift === 'lowest-free' ? 'lowest-free' : below(32))
      const some = (): PinEvent[] => events.filter(() => below(4) === 0)
      made.states = Array.from({ length: 1 + below(3) }, (_, i) => ({
        name: `s${i}`,
        bit: bit(),
        set: some(),
        clear: some(),
      }))
    }
    if (protocol === 'list-overlay' && made.wasLru && made.pinned) {
      const { bit, ...rest } = made.pinned
      made.wasLru = { ...rest, bit: made.wasLru.bit === bit ? Number(bit) + 1 : made.wasLru.bit }
    }
  }
  if (below(4) === 0) made.types = pageTypes.filter(() => random() < 0.5)
  return made
}

/** The first that is a scheme: most of what is drawn contradicts itself, and is refused. */
function defined(random: () => number, name: string): string {
  for (;;) {
    try {
      return schemes.define(generated(random, name)).name
    } catch (error) {
      if (!(error instanceof PageboxError) || !/SCHEME_INVALID|ARG_/.test(error.code)) throw error
    }
  }
}

const seeds = Array.from({ length: 12 }, (_, i) => i + 1)

test.each(seeds)('table and memory agree on a scheme of seed %i, everywhere', { timeout: 120_000 }, (seed) => {
  const random = seededRandom(seed)
  for (const scheme of [defined(random, `generated-${seed}-a`), defined(random, `generated-${seed}-b`)])
    for (const layout of layouts.names)
      for (const pageType of pageTypes)
        for (const order of [0, 1, 2, 9]) {
          const where = { scheme, layout, pageType, order }
          const { cell, collisions } = room(where)
          const { cell: seen, damaged } = probe(where)
          expect({ cell: seen, damaged }, JSON.stringify({ ...where, scheme: schemes.get(scheme) }, big)).toEqual({
            cell,
            damaged: collisions,
          })
        }
})

const big = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

test('a count in a tail that the layout does not have is not written over the flags', () => {
  schemes.define({ name: 'tail-of-one', protocol: 'add', place: 'tail' })
  for (const layout of ['linux-4.20', 'linux-4.20-32', 'linux-6.12', 'linux-6.12-32'])
    for (const pageType of ['anon', 'slab'] as const) {
      const where = { scheme: 'tail-of-one', layout, pageType }
      expect(room(where).cell).toBe('fits')
      expect(probe(where)).toMatchObject({ cell: 'fits', damaged: [] })
    }
})

test('a flag over a bit that is always set is seen, in the table and in memory', () => {
  // Bit 63 of a kernel's pointer is 1: the page reads as pinned before anybody has pinned it.
  schemes.define({
    name: 'flag-over-sign',
    protocol: 'flag-and-word',
    countWord: 2,
    pinned: { word: 3, bit: 63 },
  })
  const where = { scheme: 'flag-over-sign', layout: 'linux-6.12', pageType: 'file' } as const
  const mapping = room(where).collisions.filter(({ field }) => field === 'mapping')
  expect(mapping).toEqual([{ field: 'mapping', tail: 0, offsetBytes: 24, shift: 63, bits: 1 }])
  expect(probe(where).damaged).toEqual(room(where).collisions)
})

test('a flag in a list pointer that need not be clear collides with the list', () => {
  schemes.define({
    name: 'flag-in-pointer',
    protocol: 'list-overlay',
    countWord: 2,
    countBits: 32,
    pinned: { word: 1, bit: 9 },
    wasLru: { word: 1, bit: 2 },
  })
  const where = { scheme: 'flag-in-pointer', layout: 'linux-6.12', pageType: 'anon' } as const
  expect(room(where).collisions.map(({ field }) => field)).toContain('lru.next')
  expect(probe(where).damaged).toEqual(room(where).collisions)
})
