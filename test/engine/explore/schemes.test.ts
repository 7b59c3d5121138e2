import { explore, race, room, schemes, type Scenario, type SchemeDefinition } from 'pagebox'
import { describe, expect, test } from 'vitest'

/* What few threads do to one page, in every interleaving, under every scheme: no pin is lost or forgotten. */

type Op = 'get_page' | 'put_page' | 'pin_page' | 'unpin_page' | 'maybe_pinned' | 'isolate_page' | 'putback_page'

function onOnePage(...threads: Op[][]): Scenario {
  return {
    name: 'one page',
    pages: 16,
    setup: [{ op: 'set_up_page', pfn: 0, pages: 1, type: 'anon', order: 0 }],
    threads: threads.map((ops, i) => ({ name: `t${i}`, ops: ops.map((op) => ({ op, pfn: 0 })) })),
  }
}

const programs: Record<string, Op[][]> = {
  'a pin against a pin and its unpin': [['pin_page'], ['pin_page', 'unpin_page']],
  'two pins and their unpins': [
    ['pin_page', 'unpin_page'],
    ['pin_page', 'unpin_page'],
  ],
  'a pin against reclaim': [['pin_page'], ['isolate_page', 'putback_page']],
  'a pin against pins between two isolations, which leave poison': [
    ['pin_page'],
    ['isolate_page', 'pin_page', 'unpin_page', 'putback_page', 'isolate_page'],
  ],
  'a question against a pin': [['maybe_pinned'], ['pin_page', 'unpin_page']],
}

/** A flag beside a count that is a link on a list, in words of either width, and counts that end early. */
const flagOverLinks = {
  protocol: 'flag-and-word',
  countWord: 2,
  pinned: { word: 1, bit: 1 },
  wasLru: { word: 1, bit: 2 },
} as const
const own: SchemeDefinition[] = [
  { name: 'flag-over-links', ...flagOverLinks },
  ...(['refuse', 'saturate', 'spill'] as const).map((atLimit) => ({
    ...flagOverLinks,
    name: `narrow-over-links-${atLimit}`,
    countShift: 8,
    countBits: 2,
    atLimit,
  })),
]

/** A count of one bit, which the second pin finds full, in each protocol that takes one. */
const narrowCounts: Readonly<Record<string, Omit<SchemeDefinition, 'name'>>> = {
  'add-counter': { protocol: 'add', place: 'counter' },
  'flag-and-word': {
    protocol: 'flag-and-word',
    countWord: 2,
    pinned: { word: 1, bit: 1 },
    wasLru: { word: 1, bit: 2 },
  },
  'packed-flags': { protocol: 'packed-word', countWord: 0, countShift: 'lowest-free' },
  'packed-word': {
    protocol: 'packed-word',
    countWord: 2,
    countShift: 8,
    pinned: { word: 2, bit: 0 },
    wasLru: { word: 2, bit: 1 },
  },
  'list-overlay': { protocol: 'list-overlay', countWord: 2, pinned: { word: 1, bit: 1 }, wasLru: { word: 1, bit: 2 } },
  'side-table': { protocol: 'external', place: 'side-table' },
}
const limits = ['refuse', 'saturate', 'spill'] as const
const narrowEach = Object.entries(narrowCounts).flatMap(([protocol, definition]) =>
  limits
    // What is outside already spills nowhere.
    .filter((atLimit) => protocol !== 'side-table' || atLimit !== 'spill')
    .map((atLimit) => ({ ...definition, countBits: 1, atLimit, name: `one-bit-${protocol}-${atLimit}` })),
)

describe('a count of one bit', () => {
  test.each(narrowEach)('$name: every class, draws, and native threads', async (definition) => {
    const { name } = schemes.define(definition)
    await survives(name, 'linux-6.12')
    for (const threads of Object.values(programs)) {
      const drawn = await explore(onOnePage(...threads), { scheme: name, strategy: 'random', samples: 200, seed: 1 })
      expect(drawn.first[0]?.text).toBeUndefined()
    }
    const { audit } = await race({ pages: 2, scheme: name }, { ops: 4000, threads: 3 })
    audit.assertClean()
  })
})

const layoutsOfTwoWidths = ['linux-6.12', 'linux-4.20-32'] as const

const samples = 1_000_000

async function survives(scheme: string, layout: string): Promise<void> {
  for (const [name, threads] of Object.entries(programs)) {
    const found = await explore(onOnePage(...threads), { scheme, layout, strategy: 'dpor', samples })
    const { complete, first } = found
    expect({ name, complete, first: first[0]?.text }).toEqual({ name, complete: true, first: undefined })
    expect(found.outcomes.clean).toBeGreaterThan(1)
  }
}

describe.each(layoutsOfTwoWidths)('%s', (layout) => {
  const fits = [...schemes].filter((scheme) => room({ scheme, layout, pageType: 'anon' }).cell === 'fits')
  test.each(fits.map(({ name }) => name))('%s', (scheme) => survives(scheme, layout))

  test.each(own)('$name', async (definition) => {
    const { name } = schemes.define({ ...definition, name: `${definition.name}-${layout.endsWith('-32') ? 32 : 64}` })
    await survives(name, layout)
  })
})
