import type { Interval } from '../../lib/compare/interval.ts'
import type {
  Cell,
  CompareDocument,
  CostRow,
  FieldBits,
  LayoutEntry,
  Pattern,
  SchemeEntry,
} from '../../lib/compare/document.ts'

// A small compare document with the shape and the proportions of a real one,
// so that renderers can be tested without the addon.

const ram = ['free', 'anon', 'file', 'slab', 'compound-head', 'tail', 'second-tail', 'page-table']
const device = ['device-private-anon', 'device-private-file', 'device-public-anon', 'fsdax']
const types = [...ram, ...device]
const lruTypes = ['anon', 'file', 'compound-head']

const field = (
  name: string,
  offsetBytes: number,
  bits: number,
  kind: string,
  of: string[],
): LayoutEntry['fields'][number] => ({
  name,
  offsetBytes,
  shift: 0,
  bits,
  kind,
  types: of,
  meaning: `${name} of ${of[0]}`,
  contested: false,
})

export const layoutFixture = (name: string, strideBytes = 64): LayoutEntry => ({
  name,
  summary: 'The thread’s starting point.',
  wordBytes: 8,
  strideBytes,
  kconfig: 'x86-64, 64 CPUs, 64 nodes',
  freeFlagBits: 15,
  types,
  fields: [
    field('flags', 0, 49, 'flags', types),
    field('lru.next', 8, 64, 'list-next', lruTypes),
    field('lru.prev', 16, 64, 'list-prev', lruTypes),
    field('compound_head', 8, 64, 'page-ref', ['tail', 'second-tail']),
    field('pgmap', 8, 64, 'pointer', device),
    field('hmm_data', 16, 64, 'count', device),
    field('mapping', 24, 64, 'mapping', [...lruTypes, ...device]),
    field('index', 32, 64, 'count', [...lruTypes, ...device]),
    field('private', 40, 64, 'count', [...lruTypes, ...device]),
    field('_mapcount', 48, 32, 'mapcount', types),
    field('_refcount', 52, 32, 'refcount', types),
    field('mem_cgroup', 56, 64, 'pointer', types),
  ],
})

const around = (median: number): Interval => ({ median, low: median * 0.96, high: median * 1.05 })

const bits = (name: string, offsetBytes: number, width: number, shift = 0): FieldBits => ({
  field: name,
  tail: 0,
  offsetBytes,
  shift,
  bits: width,
})

function cost(layout: string, hotNs: number): CostRow[] {
  const row = (pattern: Pattern, workingSetBytes: number, threads: number, ns: number): CostRow => ({
    layout,
    pageType: 'anon',
    order: 0,
    pattern,
    workingSetBytes,
    threads,
    op: 'pin+unpin',
    nsPerOp: around(ns),
    timesLimit: around(1.03),
    rounds: 9,
  })
  return [
    row('hot', 64, 1, hotNs),
    row('sequential', 8 << 20, 1, hotNs + 2),
    row('random', 8 << 20, 1, hotNs + 8),
    row('random', 256 << 20, 1, hotNs + 21),
    row('hot', 64, 2, hotNs * 6),
    row('random', 8 << 20, 2, hotNs + 9),
    { ...row('hot', 64, 1, hotNs / 4), op: 'maybe_pinned' },
  ]
}

const overlays = new Set(['lru-overlay', 'packed-64'])

function scheme(name: string, hotNs: number, layouts: string[]): SchemeEntry {
  const overlay = overlays.has(name)
  const claims = overlay ? [bits('word 1', 8, 2, 1), bits('word 2', 16, 32)] : [bits('_refcount', 52, 32)]
  const cellOf = (type: string): Cell => {
    if (type === 'free') return 'refused'
    if (!overlay) return 'fits'
    return lruTypes.includes(type) ? 'fits' : 'collides'
  }
  const rows = layouts.flatMap((layout) =>
    types.map((pageType) => {
      const cell = cellOf(pageType)
      const hit = pageType.startsWith('d') || pageType === 'fsdax' ? ['pgmap', 'hmm_data'] : ['word 1']
      return {
        layout,
        pageType,
        order: 0,
        cell,
        reason: cell === 'refused' ? 'a free page cannot be pinned' : '',
        claims,
        collisions: cell === 'collides' ? hit.map((each, at) => bits(each, 8 + 8 * at, 2, 1)) : [],
      }
    }),
  )
  return {
    name,
    summary: `${name} in one line`,
    source: 'somebody, some day',
    where: overlay ? 'words 1 and 2' : '_refcount',
    bits: overlay ? 32 : 21,
    exact: overlay,
    answer: overlay ? 'exact' : name === 'refcount' ? 'unknown' : 'fuzzy',
    maxPins: overlay ? '4611686018427387903' : 2097151,
    falsePositives: overlay ? '' : 'from 1024 references on',
    locks: overlay ? 'LRU lock on the first and the last pin' : '',
    room: rows,
    probe: rows.map(({ collisions, claims: _, ...row }) => ({ ...row, damaged: collisions })),
    cost: cost(layouts[0] as string, hotNs),
    ledger: [],
    boundaries: [],
    falsePositivesSeen: [],
  }
}

/** A complete document; `overrides` replaces what a test is about. */
export function documentFixture(overrides: Partial<CompareDocument> = {}): CompareDocument {
  const layouts = [layoutFixture('linux-4.20'), layoutFixture('linux-6.12')]
  const names = layouts.map((each) => each.name)
  const schemes = [
    scheme('refcount', 5.2, names),
    scheme('lru-overlay', 24, names),
    scheme('packed-64', 11, names),
    scheme('refcount-bias', 5.3, names),
  ]
  return {
    documentVersion: 1,
    pagebox: '0.1.0',
    date: '2026-01-01T00:00:00.000Z',
    complete: true,
    elapsedSeconds: 42,
    machine: {
      cpu: 'A Processor <64> & more',
      cores: 2,
      lastLevelCacheBytes: 32 << 20,
      memoryBytes: 23 * 2 ** 30,
      kernel: 'Linux 6.1.0',
      arch: 'x64',
      node: 'v20.20.2',
      loadAverage: 0.4,
    },
    settings: {
      effort: 'default',
      seed: 1,
      costLayout: 'linux-6.12',
      schemes: schemes.map((each) => each.name),
      layouts: names,
      rounds: 9,
      sampleMs: 4,
    },
    layouts,
    schemes,
    limit: schemes.flatMap((each) =>
      each.cost.map(({ timesLimit: _, ...row }) => ({
        ...row,
        scheme: each.name,
        nsPerOp: around(row.nsPerOp.median / 1.03),
      })),
    ),
    pureJs: [],
    disagreements: [],
    answer: 'On ZONE_DEVICE pages of linux-4.20 the LRU overlay collides with pgmap and hmm_data.',
    ...overrides,
  }
}
