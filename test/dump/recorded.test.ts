import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type DecodedDump, decodeLog } from 'pagebox'

/*
 * Real logs of public reports. What is expected is read off each log by hand: what the kernel that printed it says of the
 * page, its release as the report gives it, and what no line of it tells.
 */
interface Expected {
  /** The kernel that printed it. */
  release: readonly [number, number]
  layout: string
  flags: string[]
  refcount: number
  mapcount: number
  zone: number | null
  node: number | null
  lastCpupid: number | null
  order: number | null
  type: string
  why: string
  wordBytes: 4 | 8
  pins?: { pins: number; exact: boolean } | null
  pfn?: bigint
}

const unknownTop = { zone: null, node: null, lastCpupid: null }

const expected: Record<string, Expected> = {
  '01': {
    release: [6, 10],
    layout: 'linux-6.12',
    flags: ['reserved'],
    refcount: 0,
    mapcount: 0,
    zone: 2,
    node: 1,
    lastCpupid: 0x1ffff,
    order: 0,
    type: 'free',
    why: 'freed with flags that no free page has: reserved',
    wordBytes: 8,
    pfn: 0x4bd34a4n,
  },
  '03': {
    release: [6, 8],
    layout: 'linux-6.6',
    flags: ['referenced', 'uptodate', 'private'],
    refcount: 0,
    mapcount: 0,
    zone: 2,
    node: 0,
    lastCpupid: 0x7ff,
    order: 0,
    type: 'free',
    why: 'freed with flags that no free page has: private',
    wordBytes: 8,
    pfn: 0x11bf4cn,
  },
  '05': {
    release: [4, 14],
    layout: 'linux-4.14',
    flags: [],
    refcount: -2,
    mapcount: 0,
    ...unknownTop,
    order: 0,
    type: 'free',
    why: '_refcount -2: 2 puts too many',
    wordBytes: 8,
    pins: null,
  },
  '06': {
    release: [5, 10],
    layout: 'linux-5.10',
    flags: ['head'],
    refcount: 1,
    mapcount: 0,
    ...unknownTop,
    order: 9,
    type: 'compound-head',
    why: 'an assertion of the kernel failed (VM_BUG_ON_PAGE): page_ref_count(page)',
    wordBytes: 8,
    pins: { pins: 0, exact: true },
    pfn: 0x100200n,
  },
  '07': {
    release: [5, 10],
    layout: 'linux-5.10',
    flags: ['uptodate', 'lru', 'swapbacked'],
    refcount: 1025,
    mapcount: 1,
    ...unknownTop,
    order: 0,
    type: 'anon',
    why: 'dumped because: gup_test: dump_pages() test',
    wordBytes: 8,
    pins: { pins: 1, exact: false },
    pfn: 0x108008n,
  },
  '08': {
    release: [5, 6],
    layout: 'linux-4.20',
    flags: [],
    refcount: 0,
    mapcount: 1,
    ...unknownTop,
    order: 9,
    type: 'tail',
    why: 'dumped because: testing dump_page()',
    wordBytes: 8,
    pins: null,
  },
  '10': {
    release: [6, 13],
    layout: 'linux-6.12',
    flags: ['uptodate', 'dirty', 'swapbacked'],
    refcount: 1,
    mapcount: 0,
    zone: 2,
    node: 0,
    lastCpupid: 0x7ff,
    order: 0,
    type: 'anon',
    why: 'an assertion of the kernel failed (VM_WARN_ON_ONCE_FOLIO): !memcg && !mem_cgroup_disabled()',
    wordBytes: 8,
    pfn: 0x13cc00n,
  },
  '11': {
    release: [6, 18],
    layout: 'linux-6.18',
    flags: ['uptodate', 'owner_2', 'head'],
    refcount: 2,
    mapcount: 0,
    zone: 3,
    node: 1,
    lastCpupid: 0x1ffff,
    order: 18,
    type: 'hugetlb',
    why: 'nothing need be wrong with the page: it could not be moved (migration failure; _refcount 2, mapcount 0)',
    wordBytes: 8,
    pins: { pins: 0, exact: true },
    pfn: 0xc080000n,
  },
  '13': {
    release: [6, 15],
    layout: 'linux-6.12',
    flags: [],
    refcount: 0,
    mapcount: 0,
    zone: 0,
    node: null,
    lastCpupid: null,
    order: 0,
    type: 'free',
    why: 'taken for a leaked page_pool page',
    wordBytes: 4,
    pfn: 0xf7n,
  },
  '14': {
    release: [4, 17],
    layout: 'linux-4.14',
    flags: [],
    refcount: 0,
    mapcount: -127,
    ...unknownTop,
    order: 1,
    type: 'buddy',
    why: 'page_type says that the page is in the buddy allocator: freed twice',
    wordBytes: 4,
    pins: null,
  },
  '15': {
    release: [5, 8],
    layout: 'linux-5.10',
    flags: [],
    refcount: 0,
    mapcount: 1,
    ...unknownTop,
    order: 0,
    type: 'free',
    why: 'freed while still mapped once',
    wordBytes: 4,
  },
  '17': {
    release: [6, 18],
    layout: 'linux-6.12',
    flags: ['uptodate', 'active', 'owner_priv_1', 'reclaim', 'swapbacked'],
    refcount: 2,
    mapcount: 0,
    zone: 3,
    node: 0,
    lastCpupid: null,
    order: 0,
    type: 'anon',
    why: 'nothing need be wrong with the page: it could not be moved (migration failure; _refcount 2, mapcount 0)',
    wordBytes: 8,
    pfn: 0xb12f25n,
  },
  '19': {
    release: [6, 14],
    layout: 'linux-6.12',
    flags: ['locked', 'referenced', 'uptodate', 'lru'],
    refcount: 3,
    mapcount: 1,
    zone: 2,
    node: 0,
    lastCpupid: 0x1ffff,
    order: 0,
    type: 'file',
    why: 'an assertion of the kernel failed (VM_BUG_ON_FOLIO): folio_mapped(folio)',
    wordBytes: 8,
    pfn: 0x13ab4fn,
  },
  '21': {
    release: [5, 15],
    layout: 'linux-5.10',
    flags: ['referenced', 'dirty'],
    refcount: -1,
    mapcount: -1,
    ...unknownTop,
    order: 0,
    type: 'free',
    why: '_refcount -1: one put too many',
    wordBytes: 8,
    pins: null,
  },
  '23': {
    release: [4, 9],
    layout: 'linux-4.9',
    flags: [
      ...['uptodate', 'dirty', 'lru', 'active', 'private', 'private_2', 'writeback', 'head', 'unevictable', 'mlocked'],
    ],
    refcount: -117901064,
    mapcount: 0,
    ...unknownTop,
    order: null,
    type: 'compound-head',
    why: 'freed while still charged to a memory cgroup (0xe3e3e3e3)',
    wordBytes: 4,
    pins: null,
  },
  '24': {
    release: [5, 0],
    layout: 'linux-4.20',
    flags: ['reserved'],
    refcount: 1,
    mapcount: 0,
    ...unknownTop,
    order: 0,
    type: 'reserved',
    why: 'nothing need be wrong with the page: it could not be moved (unmovable page;',
    wordBytes: 8,
  },
  '25': {
    release: [5, 1],
    layout: 'linux-4.20',
    flags: ['head'],
    refcount: 1,
    mapcount: 0,
    ...unknownTop,
    // The first tail has it, and is not in the log.
    order: null,
    type: 'compound-head',
    why: 'nothing is wrong with the page: KASAN prints it since a bad access hit memory in it',
    wordBytes: 8,
  },
}

const folder = new URL('./logs/', import.meta.url)
const logOf = (name: string): string => readFileSync(new URL(`${name}.txt`, folder), 'utf8')

function onlyDump(log: string): DecodedDump {
  const { dumps } = decodeLog(log)
  expect(dumps).toHaveLength(1)
  return dumps[0] as DecodedDump
}

/** `'6.12 to 6.14'` holds 6.13. */
function holds(kernels: string | null, [major, minor]: readonly [number, number]): boolean {
  const numbers = [...(kernels ?? '').matchAll(/(\d+)\.(\d+)/g)].map(([, a, b]) => Number(a) * 1000 + Number(b))
  const asked = major * 1000 + minor
  const last = kernels?.includes('later') ? Number.POSITIVE_INFINITY : (numbers.at(-1) as number)
  return numbers.length > 0 && (numbers[0] as number) <= asked && asked <= last
}

test('every log has an answer here', () => {
  expect(readdirSync(folder).sort()).toEqual(
    Object.keys(expected)
      .map((name) => `${name}.txt`)
      .sort(),
  )
})

describe.each(Object.entries(expected))('log %s', (name, right) => {
  const dump = onlyDump(logOf(name))

  test('what is printed is what is answered', () => {
    const { flags, refcount, mapcount, zone, node, lastCpupid, order, wordBytes, type } = dump
    expect({ flags, refcount, mapcount, zone, node, lastCpupid, order, wordBytes, type }).toEqual({
      flags: right.flags,
      refcount: right.refcount,
      mapcount: right.mapcount,
      zone: right.zone,
      node: right.node,
      lastCpupid: right.lastCpupid,
      order: right.order,
      wordBytes: right.wordBytes,
      type: right.type,
    })
    if (right.pins !== undefined) expect(dump.pins).toEqual(right.pins)
    if (right.pfn !== undefined) expect(dump.pfn).toBe(right.pfn)
  })

  test('the layout reads the kernel that printed it', () => {
    expect(dump.layout).toBe(right.layout)
    expect(holds(dump.kernels, right.release), `${dump.kernels}`).toBe(true)
    expect(dump.layoutReason).not.toBe('')
  })

  test('what is wrong is said, and what cannot be told', () => {
    expect(dump.why).toContain(right.why)
    const unknown = dump.unknown.join()
    if (right.zone === null) expect(unknown).toContain('zone, node and last_cpupid')
    if (right.order === null) expect(unknown).toContain('order')
    // A real kernel's pointers are good pointers.
    expect(dump.warnings.filter((text) => !text.startsWith('_refcount is negative'))).toEqual([])
  })

  test('without its printed lines the words say the same, or nothing', () => {
    const rows = logOf(name)
      .split('\n')
      .filter((line) => / ?raw: /.test(line))
      .join('\n')
    if (rows === '') return
    const bare = onlyDump(rows)
    expect([bare.zone, bare.node, bare.lastCpupid]).toEqual([null, null, null])
    expect(bare.wordBytes).toBe(right.wordBytes)
    // A tail's references are counted at its head, and a hugetlb head has a page type where others are counted.
    if (right.type !== 'tail') expect(bare.refcount).toBe(right.refcount)
    expect([right.mapcount, null]).toContain(bare.type === 'tail' ? null : bare.mapcount)
    expect(JSON.stringify(bare.fields, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).not.toMatch(
      /lru-anchor|dev-pagemap|anon-vma \d/,
    )
  })
})
