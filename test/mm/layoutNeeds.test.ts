import { describe, expect, test } from 'vitest'
import { Box, explore, type LayoutDefinition, layouts, PageboxError, race, run, type Scenario } from 'pagebox'

const scenario = {
  name: 'x',
  threads: [
    {
      name: 't',
      ops: [
        { op: 'mmap', buf: 'a', pages: 4, kind: 'anon-private', prot: 'rw' },
        { op: 'store', buf: 'a', value: 1 },
      ],
    },
    { name: 'u', ops: [{ op: 'yield' }] },
  ],
} as Scenario

async function refusal(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    expect(error).toBeInstanceOf(PageboxError)
    expect((error as PageboxError).code).toBe('ERR_PAGEBOX_NO_ROOM')
    return (error as PageboxError).message
  }
  throw new Error('it was not refused')
}

/** Every way to a machine. */
const ways: Record<string, (layout: string) => unknown> = {
  run: (layout) => run(scenario, { layout }),
  race: (layout) => race(scenario, { layout, rounds: 2 }),
  'race of mixes': (layout) => race({ name: 'm', mixes: [{ mm: 1 }, { device: 1 }] }, { layout, ops: 20 }),
  createMm: (layout) => withBox({ pages: 64, layout }, (box) => box.createMm()),
  createFile: (layout) => withBox({ pages: 64, layout }, (box) => box.createFile()),
  addDevice: (layout) => withBox({ pages: 64, layout }, (box) => box.addDevice({ type: 'private', pages: 8 })),
  frames: (layout) => withBox({ pages: 64, layout, frames: true }, () => undefined),
  hugetlb: (layout) => withBox({ pages: 2048, layout, hugetlbPages: 1 }, () => undefined),
}

function withBox(options: Parameters<typeof Box.create>[0], use: (box: Box) => unknown): void {
  const box = Box.create(options)
  try {
    use(box)
  } finally {
    box.close()
  }
}

describe('a layout of 4-byte words', () => {
  const narrow = layouts.list().filter(({ wordBytes, builtin }) => builtin && wordBytes === 4)
  for (const { name } of narrow) {
    test.each(Object.keys(ways))(`${name}, %s`, async (way) => {
      expect(await refusal(() => ways[way]!(name))).toContain('address spaces need descriptors of 8-byte words')
    })
    test(`${name}, explore`, async () => {
      expect(await refusal(() => explore(scenario, { layout: name, samples: 3 }))).toContain('8-byte words')
    })
  }
})

let defined = 0
/** A built-in layout with one thing changed. */
function changed(base: string, change: (definition: LayoutDefinition) => Partial<LayoutDefinition>): string {
  const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...rest } = layouts.get(base)
  const definition = structuredClone(rest) as LayoutDefinition
  const name = `changed-${++defined}`
  layouts.define({ ...definition, ...change(definition), name })
  return name
}
const without =
  (field: string, type: string) =>
  ({ fields }: LayoutDefinition): Partial<LayoutDefinition> => ({
    fields: fields
      .map((each) => (each.name === field ? { ...each, types: each.types.filter((of) => of !== type) } : each))
      .filter(({ types }) => types.length > 0),
  })

describe('what a layout lacks is named, by each way to a machine alike', () => {
  const lacks: [string, string, (definition: LayoutDefinition) => Partial<LayoutDefinition>][] = [
    ['linux-6.12', "the field 'index' of file pages", without('index', 'file')],
    ['linux-6.12', "the field 'private' of anon pages", without('private', 'anon')],
    ['linux-6.12', "the field 'lru.prev' of compound-head pages", without('lru.prev', 'compound-head')],
    ['linux-6.12', "the field '_entire_mapcount' of tail pages", without('_entire_mapcount', 'tail')],
    ['linux-6.12', "the field 'buddy_order' of free pages", without('buddy_order', 'free')],
    ['linux-6.12', "the field 'page_type' of page-table pages", without('page_type', 'page-table')],
    ['linux-4.20', "the field 'mapping' of anon pages", without('mapping', 'anon')],
    ['linux-6.12', "'owner_2'", ({ flags }) => ({ flags: flags.filter(({ name }) => name !== 'owner_2') })],
    ['linux-6.12', "'waiters'", ({ flags }) => ({ flags: flags.filter(({ name }) => name !== 'waiters') })],
    ['linux-4.20-counter', "'owner_2'", ({ era }) => ({ era: { ...era, anonExclusive: true } })],
    ['linux-6.12', 'tableType', ({ era }) => ({ era: { ...era, tableType: 0 } })],
    [
      'linux-6.12',
      'buddyType and era.slabType are the same',
      ({ era }) => ({ era: { ...era, buddyType: 0xf5000000 } }),
    ],
    [
      'linux-4.20',
      'compound tail pages',
      ({ compoundTypes }) => ({
        compoundTypes: compoundTypes?.filter((type) => type !== 'tail') ?? [],
      }),
    ],
    ['linux-6.12', "field 'pgmap' of p2pdma pages", without('pgmap', 'p2pdma')],
  ]
  test.each(lacks)('%s: %s', async (base, what, change) => {
    const name = changed(base, change)
    for (const way of what.includes('pgmap') ? ['run', 'race'] : Object.keys(ways))
      expect(await refusal(() => ways[way]!(name)), way).toMatch(new RegExp(`${name}: .*${escaped(what)}`))
    // It serves descriptors all the same.
    withBox({ pages: 16, layout: name }, (box) => {
      box.pins.pin(3)
      box.pins.unpin(3)
      box.audit().assertClean()
    })
  })

  test('pages of devices whose words lie elsewhere than those of other pages are refused, with the byte', async () => {
    const name = changed('linux-6.12', ({ fields }) => ({
      fields: fields.map((field) =>
        field.types.includes('anon') && (field.name === 'index' || field.name === 'private')
          ? { ...field, offsetBytes: field.name === 'index' ? 40 : 32 }
          : field,
      ),
    }))
    expect(await refusal(() => run(scenario, { layout: name }))).toContain(
      "devices need the field 'index' of their pages at byte 40",
    )
    // Without devices it is as good as any other.
    withBox({ pages: 64, layout: name }, (box) => {
      box.createMm().mmap({ pages: 2 }).store(0, 7n)
      box.audit().assertClean()
    })
  })

  test('a word that lies elsewhere on some of the pages is refused, with the byte of the others', async () => {
    const name = changed('linux-6.12', ({ fields }) => ({
      fields: fields.flatMap((field) => {
        if (!field.types.includes('anon') || (field.name !== 'index' && field.name !== 'private')) return [field]
        const moved = { ...field, types: ['file' as const], offsetBytes: field.name === 'index' ? 40 : 32 }
        return [{ ...field, types: field.types.filter((type) => type !== 'file') }, moved]
      }),
    }))
    expect(await refusal(() => run(scenario, { layout: name }))).toContain("'index' of file pages: 64 bits at byte 32")
  })
})

describe('a field that code reaches by its name is as wide as code takes it for', () => {
  const narrowed: [string, string, number][] = [
    ['linux-6.12', 'pgmap', 32],
    ['linux-6.12', 'memcg_data', 32],
    ['linux-6.12', '_large_mapcount', 16],
    ['linux-4.20', 'compound_dtor', 4],
    ['linux-4.20', 'hmm_data', 16],
    ['linux-6.12', 'flags', 32],
  ]
  test.each(narrowed)('%s: %s of %i bits', (base, field, bits) => {
    expect(() =>
      changed(base, ({ fields }) => ({
        fields: fields.map((each) => (each.name === field ? { ...each, bits, kind: narrowKind(each.kind) } : each)),
      })),
    ).toThrow(field)
  })
  const narrowKind = <Kind extends string>(kind: Kind) => (kind === 'pointer' || kind === 'mapcount' ? 'count' : kind)
})

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
