import { BtfWriter, type WrittenMember } from './writer.ts'

/** What a test changes about the kernel that {@link kernel} writes. */
export interface KernelShape {
  order?: 'little' | 'big'
  wordBytes?: 4 | 8
  /** Other names of members, wherever they stand: what is renamed is missing, and its new name unknown. */
  renamed?: Record<string, string>
  /** Members more in the struct that holds `mapping`. */
  besideMapping?: readonly string[]
  /** Alternatives of `index`. */
  overIndex?: readonly string[]
  /** A struct more in the union of struct page. */
  arm?: readonly string[]
  /** Members more at the end of struct page. */
  last?: readonly string[]
  /** A bit-field more in struct slab. */
  slabBit?: string
  flags?: readonly string[]
  zones?: readonly string[]
  cpus?: number
  nodes?: number
  balancing?: boolean
  generations?: boolean
  /** mem_section without subsection_map: whether there is a section in flags, nobody can tell. */
  sparse?: boolean
  pagetype?: boolean
  /** Page-table locks that are too large for the descriptor. */
  largeLocks?: boolean
  /** The pin count of a folio in `page[3]`, not in `page[1]`. */
  pinsInThird?: boolean
}

const defaultFlags = [
  ...['locked', 'writeback', 'referenced', 'uptodate', 'dirty', 'lru', 'head', 'waiters', 'active', 'workingset'],
  ...['owner_priv_1', 'owner_2', 'arch_1', 'reserved', 'private', 'private_2', 'reclaim', 'swapbacked'],
  ...['unevictable', 'mlocked'],
]

/** BTF of a kernel that never was, in the manner of 6.12: written by hand, and known to the last bit. */
export function kernel(shape: KernelShape = {}): BtfWriter {
  const { order = 'little', wordBytes = 8, renamed = {}, cpus = 64, nodes = 1 } = shape
  const w = new BtfWriter(order, wordBytes)
  const member = (name: string, type: number, bits?: number): WrittenMember => ({
    name: renamed[name] ?? name,
    type,
    ...(bits !== undefined && { bits }),
  })
  const long = w.int('long unsigned int', wordBytes)
  const u32 = w.int('unsigned int', 4)
  const pointer = w.ptr()
  const atomic = w.typedef('atomic_t', w.struct('', [{ name: 'counter', type: u32 }]))
  const list = w.struct('list_head', [
    { name: 'next', type: pointer },
    { name: 'prev', type: pointer },
  ])
  const longs = (names: readonly string[] = []): WrittenMember[] => names.map((name) => member(name, long))

  const index = w.union('', [member('index', long), member('share', long), ...longs(shape.overIndex)])
  const lru = w.union('', [member('lru', list), member('buddy_list', list), member('pcp_list', list)])
  const arms = [
    w.struct('', [
      { name: '', type: lru },
      member('mapping', pointer),
      { name: '', type: index },
      member('private', long),
      ...longs(shape.besideMapping),
    ]),
    w.struct('', [member('compound_head', long)]),
    w.struct('', [member('pgmap', pointer), member('zone_device_data', pointer)]),
    ...(shape.arm === undefined ? [] : [w.struct('', longs(shape.arm))]),
  ]
  const union = w.union('', [...arms.map((type) => ({ name: '', type })), member('callback_head', list)])
  const counts = w.union('', [member('page_type', u32), member('_mapcount', atomic)])
  const page = [
    member('flags', long),
    { name: '', type: union },
    { name: '', type: counts },
    member('_refcount', atomic),
    member('memcg_data', long),
    ...longs(shape.last),
  ]
  const pageId = w.struct('page', page)

  // page[1] and page[2] are as large as struct page: an unnamed union holds both.
  const first = w.struct('', [
    member('_flags_1', long),
    member('_head_1', long),
    member('_large_mapcount', atomic),
    member('_entire_mapcount', atomic),
    member('_nr_pages_mapped', atomic),
    ...(shape.pinsInThird === true ? [] : [member('_pincount', atomic)]),
  ])
  const second = w.struct('', [member('_flags_2', long), member('_head_2', long), member('_deferred_list', list)])
  const third =
    shape.pinsInThird === true
      ? w.struct('', [member('_flags_3', long), member('_head_3', long), member('_pincount', atomic)])
      : 0
  const head = w.struct('', [
    member('flags', long),
    member('lru', list),
    member('mapping', pointer),
    member('index', long),
    member('private', pointer),
  ])
  w.struct('folio', [
    {
      name: '',
      type: w.union('', [
        { name: '', type: head },
        { name: 'page', type: pageId },
      ]),
    },
    {
      name: '',
      type: w.union('', [
        { name: '', type: first },
        { name: '__page_1', type: pageId },
      ]),
    },
    {
      name: '',
      type: w.union('', [
        { name: '', type: second },
        { name: '__page_2', type: pageId },
      ]),
    },
    ...(shape.pinsInThird === true
      ? [
          {
            name: '',
            type: w.union('', [
              { name: '', type: third },
              { name: '__page_3', type: pageId },
            ]),
          },
        ]
      : []),
  ])

  const bits = w.struct('', [
    member('inuse', u32, 16),
    member('objects', u32, 15),
    member('frozen', u32, 1),
    ...(shape.slabBit === undefined ? [] : [member(shape.slabBit, u32, 1)]),
  ])
  w.struct('slab', [
    member('__page_flags', long),
    member('slab_cache', pointer),
    member('slab_list', list),
    member('freelist', pointer),
    { name: '', type: w.union('', [member('counters', long), { name: '', type: bits }]) },
    member('__page_type', u32),
    member('__page_refcount', atomic),
    member('obj_exts', long),
  ])
  w.struct('ptdesc', [
    member('__page_flags', long),
    member('_pt_pad_1', long),
    member('pmd_huge_pte', pointer),
    member('__page_mapping', long),
    member('pt_mm', pointer),
    member('ptl', shape.largeLocks === true ? pointer : u32),
    member('__page_type', u32),
    member('__page_refcount', atomic),
  ])

  const flags = shape.flags ?? defaultFlags
  w.enum('pageflags', {
    ...Object.fromEntries(flags.map((name, bit) => [`PG_${name}`, bit])),
    __NR_PAGEFLAGS: flags.length,
    PG_swapcache: 10,
    PG_anon_exclusive: 11,
  })
  const zones =
    shape.zones ??
    (wordBytes === 8 ? ['DMA', 'DMA32', 'NORMAL', 'MOVABLE', 'DEVICE'] : ['NORMAL', 'HIGHMEM', 'MOVABLE'])
  w.enum('zone_type', {
    ...Object.fromEntries(zones.map((name, number) => [`ZONE_${name}`, number])),
    __MAX_NR_ZONES: zones.length,
  })
  w.enum('memory_type', {
    MEMORY_DEVICE_PRIVATE: 1,
    MEMORY_DEVICE_COHERENT: 2,
    MEMORY_DEVICE_FS_DAX: 3,
    MEMORY_DEVICE_GENERIC: 4,
    MEMORY_DEVICE_PCI_P2PDMA: 5,
  })
  if (shape.pagetype !== false)
    w.enum('pagetype', { PGTY_buddy: 0xf0, PGTY_table: 0xf2, PGTY_hugetlb: 0xf4, PGTY_slab: 0xf5 })
  const zoneref = w.struct('zoneref', [
    { name: 'zone', type: pointer },
    { name: 'zone_idx', type: u32 },
  ])
  w.struct('zonelist', [{ name: '_zonerefs', type: w.array(zoneref, nodes * zones.length + 1) }])
  w.struct('cpumask', [{ name: 'bits', type: w.array(long, Math.ceil(cpus / (wordBytes * 8))) }])
  if (shape.balancing === true) w.struct('numa_group', [{ name: 'refcount', type: u32 }])
  if (shape.generations === true)
    w.struct('lru_gen_folio', [
      { name: 'timestamps', type: w.array(long, 4) },
      { name: 'avg_refaulted', type: w.array(w.array(long, 4), 2) },
    ])
  if (shape.sparse === true) w.struct('mem_section', [{ name: 'section_mem_map', type: long }])
  return w
}
