import { describe, expect, test } from 'vitest'
import { type SearchOptions, type SearchResult, search } from 'pagebox'

/** What the thread asked for: HMM's pages too, no larger descriptor, one spare flag at the most. */
const demands: SearchOptions = {
  layout: 'linux-4.20',
  types: ['anon', 'file', 'device-private-anon'],
  minPins: 65_536,
  exact: true,
  noGrowth: true,
  maxFlagBits: 1,
}

const inside = ({ candidates }: SearchResult): string[] =>
  candidates.filter(({ where }) => where === 'inside').map(({ place }) => place)
const remains = ({ without }: SearchResult, demand: string) =>
  without.find((each) => each.demand === demand)?.remains ?? []
const placesOf = (found: SearchResult, demand: string): string[] => remains(found, demand).map(({ place }) => place)

describe('where can a pin count live in linux-4.20?', () => {
  test('with device-private pages and no growth, nothing exact remains inside the descriptor', async () => {
    const found = await search(demands)
    expect(found.findings).toEqual([])
    expect(inside(found)).toEqual([])
    expect(
      (await search({ ...demands, types: ['device-private-anon'] })).candidates.map(({ where }) => where),
    ).not.toContain('inside')
  })

  test('each of the five words says who lives there', async () => {
    const { excluded } = await search(demands)
    const because = (place: string) => excluded.find((each) => each.place === place)?.because
    expect(because('word 1')).toMatch(/pgmap: live on device-private-anon/)
    expect(because('word 2')).toMatch(/hmm_data: live on device-private-anon/)
    expect(because('word 3')).toMatch(/mapping: live on anon, file, device-private-anon/)
    expect(because('word 4')).toMatch(/index: live on anon, file, device-private-anon/)
    expect(because('word 5')).toMatch(/private: live on anon, file, device-private-anon/)
  })

  test('without the demand of no growth: the counter beside _refcount, the last layout of the thread', async () => {
    const found = await search(demands)
    expect(placesOf(found, '--no-growth')).toEqual(['a counter beside _refcount'])
    expect(remains(found, '--no-growth')[0]).toMatchObject({ where: 'growth', exact: true, bytesPerPage: 16 })
  })

  test('without exactness: the bias in _refcount, which Linux 5.7 took', async () => {
    expect(placesOf(await search(demands), '--exact')).toContain('_refcount, 1024 a pin')
  })

  test('without HMM: the proposals over page->lru', async () => {
    const found = await search(demands)
    expect(placesOf(found, 'device-private-anon')).toEqual([
      'the words of page->lru while the page is isolated (list-overlay)',
      'the words of page->lru while the page is isolated (packed-word, 64 bits)',
      'the words of page->lru while the page is isolated (packed-word, 32 bits)',
      'a spare flag, and a list word while the page is isolated',
    ])
    expect(inside(await search({ ...demands, types: ['anon', 'file'] }))).toEqual(
      expect.arrayContaining(placesOf(found, 'device-private-anon')),
    )
  })

  test('without many pins: the spare bit of flags; without a limit on flags too few bits for 65536 pins', async () => {
    const found = await search(demands)
    expect(placesOf(found, '--min-pins')).toEqual(['flags, 1 spare bit'])
    expect(placesOf(found, '--max-flag-bits').filter((place) => !place.includes('table'))).toEqual([])
  })

  test('what is found when a demand is really dropped is what was said to remain', async () => {
    const found = await search(demands)
    const names = ({ candidates }: SearchResult) => candidates.map(({ place }) => place).sort()
    const before = names(found)
    const { exact: _, ...notExact } = demands
    const { noGrowth: __, ...growing } = demands
    for (const [demand, rest] of [
      ['--exact', notExact],
      ['--no-growth', growing],
    ] as const)
      expect(names(await search(rest)), demand).toEqual([...before, ...placesOf(found, demand)].sort())
  })

  test('the rearranged descriptor of the thread gives device pages the room', async () => {
    const found = await search({ ...demands, layout: 'linux-4.20-zd', types: ['fsdax'] })
    expect(inside(found).length).toBeGreaterThan(0)
  })
})
