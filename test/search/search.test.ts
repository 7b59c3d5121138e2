import { beforeAll, describe, expect, test } from 'vitest'
import {
  explore,
  layouts,
  type PageType,
  probe,
  race,
  room,
  type Scenario,
  type SearchOptions,
  type SearchResult,
  schemes,
  search,
} from 'pagebox'
import { dominates } from '../../lib/search/front.ts'
import { prove } from '../../lib/search/prove.ts'

const key = ({ tail, offsetBytes, shift, bits }: { tail: number; offsetBytes: number; shift: number; bits: number }) =>
  [tail, offsetBytes, shift, bits].join()

const questions: SearchOptions[] = [
  { layout: 'linux-4.20', types: ['anon', 'file', 'device-private-anon'], minPins: 65_536, exact: true },
  { layout: 'linux-6.12', types: ['anon', 'file'], orders: [0, 9] },
  { layout: 'linux-6.12', types: ['fsdax', 'devdax'], minPins: 100, noLock: true },
  { layout: 'linux-7.2', types: ['anon'], orders: [9], minPins: 1_000_000, exact: true, noGrowth: true },
  { layout: 'linux-4.20', types: ['anon', 'compound-head'], orders: [9], minPins: 65_536, exact: true, noGrowth: true },
  { layout: 'linux-4.20-32', types: ['page-table', 'slab'], minPins: 16 },
]

describe.each(questions.map((question) => [`${question.layout} ${question.types}`, question] as const))(
  '%s',
  (_, question) => {
    // Seconds of proofs and measurements, once.
    let found: SearchResult
    let before: readonly string[]
    beforeAll(async () => {
      before = schemes.names
      found = await search(question)
    })

    test('every bit of the descriptor is a candidate or excluded with a reason, once', () => {
      const { map, excluded, candidates } = found
      const layout = layouts.get(question.layout as string)
      const head = map.filter(({ tail }) => tail === 0)
      expect(head.reduce((sum, { bits }) => sum + bits, 0)).toBe(layout.strideBytes * 8)
      for (const segment of map) {
        const why = excluded.filter(({ at }) => at !== null && key(at) === key(segment))
        expect(why.length, key(segment)).toBe(segment.candidates.length > 0 ? 0 : 1)
        for (const { because } of why) expect(because).toMatch(/\w/)
      }
      for (const { because } of excluded) expect(because).not.toBe('')
      for (const { definition, where } of candidates)
        if (where === 'inside') expect(map.some((segment) => segment.candidates.includes(definition.name))).toBe(true)
    })

    test('its definitions pass room, probe, race and exploration', async () => {
      const { candidates, findings, asked } = found
      expect(findings).toEqual([])
      expect(candidates.length).toBeGreaterThan(0)
      expect(schemes.names).toEqual(before)
      for (const [at, { definition, layout }] of candidates.entries()) {
        const on420 = layout && layouts.define({ ...JSON.parse(JSON.stringify(layout)), name: `pasted-layout-${at}` })
        const scheme = schemes.define({
          ...JSON.parse(JSON.stringify(definition)),
          name: `pasted-${questions.indexOf(question)}-${at}`,
        })
        for (const pageType of asked.types)
          for (const order of asked.orders) {
            const on = { scheme, layout: on420 ?? (question.layout as string), pageType, order }
            if (room(on).cell === 'impossible') continue
            expect(room(on).cell, `${definition.name} on ${pageType}`).toBe('fits')
            expect(probe(on)).toMatchObject({ cell: 'fits', damaged: [] })
            const raced = await race(
              { ...on, pages: 16 * 2 ** order },
              { threads: 2, ops: 2000, mix: { 'pin+unpin': 3, maybe_pinned: 1, 'get+put': 1 } },
            )
            expect(raced.audit.clean, `${definition.name} on ${pageType}`).toBe(true)
            const ops = [
              { op: 'pin_page', pfn: 0, n: 1 },
              { op: 'unpin_page', pfn: 0, n: 1 },
            ]
            const scenario = {
              name: 'pasted',
              pages: Math.max(16, 2 ** order),
              setup: [{ op: 'set_up_page', pfn: 0, pages: 2 ** order, type: pageType as PageType, order }],
              threads: ['a', 'b'].map((name) => ({ name, ops })),
            } as unknown as Scenario
            const { outcomes, schedules } = await explore(scenario, { scheme, layout: on.layout, samples: 100 })
            expect(outcomes.clean, `${definition.name} on ${pageType}`).toBe(schedules)
          }
      }
    })

    test('the front is what nobody dominates', () => {
      const { candidates } = found
      for (const each of candidates) {
        expect(each.front).toBe(!candidates.some((other) => dominates(other, each)))
        expect(each.cost?.hot?.median).toBeGreaterThan(0)
        expect(each.cost?.cold?.median).toBeGreaterThan(0)
        expect(each.proof.raceOps).toBeGreaterThan(0)
        expect(each.proof.schedules).toBeGreaterThan(0)
      }
    })
  },
)

test('demands are met by each candidate', async () => {
  const { candidates } = await search({
    layout: 'linux-6.12',
    noLock: true,
    fuzzyFrom: 100,
    noGrowth: true,
    minPins: 200,
    maxFlagBits: 3,
  })
  expect(candidates.length).toBeGreaterThan(0)
  for (const { locks, fuzzyFrom, where, maxPins, flagBits } of candidates) {
    expect(locks).toBe('')
    expect(fuzzyFrom ?? 100).toBeGreaterThanOrEqual(100)
    expect(where).not.toBe('growth')
    expect(maxPins).toBeGreaterThanOrEqual(200)
    expect(flagBits).toBeLessThanOrEqual(3)
  }
})

test('a folio of two descriptors has an exact count in its tail, where the layout names one', async () => {
  const { candidates } = await search({
    layout: 'linux-6.12',
    types: ['anon'],
    orders: [9],
    exact: true,
    noGrowth: true,
  })
  expect(candidates.find(({ definition }) => definition.place === 'tail')).toMatchObject({
    exact: true,
    where: 'inside',
  })
  const single = await search({ layout: 'linux-6.12', types: ['anon'], orders: [0, 9], exact: true })
  expect(single.candidates.filter(({ definition }) => definition.place === 'tail')).toEqual([])
  expect(single.without.find(({ demand }) => demand === 'order 0')?.remains).toEqual(
    expect.arrayContaining([expect.objectContaining({ exact: true })]),
  )
})

test('a field of its own in a larger descriptor is no place of this one', async () => {
  const { map, candidates } = await search({ layout: 'linux-4.20', types: ['anon', 'fsdax'], exact: true })
  expect(candidates.find(({ where }) => where === 'growth')?.places).toEqual([])
  expect(map.flatMap((segment) => segment.candidates)).not.toContain('like-own-counter')
})

test('where a layout has no pin count in a tail, free bits of the tails are places', async () => {
  const asked = { layout: 'linux-4.20', types: ['anon'] as const, minPins: 65_536, exact: true, noGrowth: true }
  const { candidates } = await search({ ...asked, orders: [9] })
  const tails = candidates.filter(({ layout }) => layout !== null)
  expect(tails.map(({ places }) => places[0]?.tail)).toEqual(expect.arrayContaining([1, 2]))
  for (const { exact, maxPins, places, layout } of tails) {
    expect(exact).toBe(true)
    expect(maxPins).toBeGreaterThanOrEqual(65_536)
    expect(layout?.pincount).toMatchObject({ tail: places[0]?.tail })
  }
  const mixed = await search({ ...asked, orders: [0, 9] })
  expect(mixed.candidates.filter(({ layout }) => layout !== null)).toEqual([])
  expect(
    mixed.without.find(({ demand }) => demand === 'order 0')?.remains.filter(({ layout }) => layout !== null).length,
  ).toBe(tails.length)
  expect(layouts.names.filter((name) => name.includes('-pins-'))).toEqual([])
})

describe('proofs', () => {
  test.each(['lru-overlay', 'packed-64'])('find what %s damages', async (name) => {
    const kind = { pageType: 'device-private-anon', order: 0 } as const
    const { finding } = await prove(schemes.get(name), layouts.get('linux-4.20'), kind)
    expect(finding).toMatch(/race on device-private-anon pages of order 0/)
  })
})

describe('bad input', () => {
  const fails = (options: unknown) => search(options as SearchOptions)
  test.each([
    [{ layout: 'linux-4.2' }, 'ERR_PAGEBOX_LAYOUT_UNKNOWN', /did you mean 'linux-4\.20'/],
    [{ types: ['anno'] }, 'ERR_PAGEBOX_ARG_RANGE', /did you mean 'anon'/],
    [
      { layout: 'linux-4.20', types: ['device-coherent'] },
      'ERR_PAGEBOX_ARG_RANGE',
      /pinned in linux-4\.20: anon, file/,
    ],
    [{ types: ['free'] }, 'ERR_PAGEBOX_ARG_RANGE', /a page type that is pinned/],
    [{ types: ['tail'] }, 'ERR_PAGEBOX_ARG_RANGE', /a page type that is pinned/],
    [{ types: [] }, 'ERR_PAGEBOX_ARG_RANGE', /at least one/],
    [{ types: 'anon' }, 'ERR_PAGEBOX_ARG_TYPE', /an array/],
    [{ orders: [11] }, 'ERR_PAGEBOX_ARG_RANGE', /0 to 10/],
    [{ types: ['fsdax'], orders: [9] }, 'ERR_PAGEBOX_ARG_RANGE', /orders that fsdax pages of linux-6\.12 have: 0/],
    [{ minPins: 2 ** 31 }, 'ERR_PAGEBOX_ARG_RANGE', /1 to 2147483647/],
    [{ minPins: 0 }, 'ERR_PAGEBOX_ARG_RANGE', /1 to 2147483647/],
    [{ minPins: 1.5 }, 'ERR_PAGEBOX_ARG_RANGE', /an integer/],
    [{ exact: true, fuzzyFrom: 1024 }, 'ERR_PAGEBOX_ARG_RANGE', /left out with options\.exact/],
    [{ fuzzyFrom: 1 }, 'ERR_PAGEBOX_ARG_RANGE', /2 to 1048576/],
    [{ maxFlagBits: 65 }, 'ERR_PAGEBOX_ARG_RANGE', /0 to 64/],
    [{ exact: 'yes' }, 'ERR_PAGEBOX_ARG_TYPE', /true or false/],
    [{ growth: false }, 'ERR_PAGEBOX_OPTION_UNKNOWN', /growth/],
  ])('%j', async (options, code, message) => {
    await expect(fails(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('a scheme of the caller that has the name of a form stays as it is', async () => {
    const mine = schemes.define({ name: 'like-side-table', protocol: 'external', place: 'sharded', countBits: 64 })
    const { candidates } = await search({ exact: true })
    expect(schemes.get('like-side-table')).toBe(mine)
    expect(candidates.map(({ definition }) => definition.name)).toContain('like-side-table-2')
  })
})

test('an abort keeps the places, and says that it was one', async () => {
  const controller = new AbortController()
  const found = await search({
    progressIntervalMs: 1,
    onProgress: () => controller.abort(),
    signal: controller.signal,
  })
  expect(found).toMatchObject({ complete: false, stoppedBy: 'abort' })
  expect(found.map.length).toBeGreaterThan(0)
  expect(found.candidates.length).toBeGreaterThan(0)
  await expect(search({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_PAGEBOX_ABORTED' })
})
