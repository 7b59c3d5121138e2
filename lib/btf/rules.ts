import type { FieldKind } from '../page/layout.ts'
import type { DescribedType } from './description.ts'
import type { ViewLetter } from './views.ts'

/**
 * Which member of which struct is which field on which page types, over all versions. `p`, `f`, `s`,
 * `t`, `n` stand for struct page, folio, slab, ptdesc, netmem_desc; `@1` for what lies in `page[1]`. The
 * first of `from` that exists is taken; the others are the same thing by older names.
 */
export interface Rule {
  readonly name: string
  readonly kind: FieldKind | 'list'
  readonly types: readonly DescribedType[]
  readonly from: readonly (string | { readonly ref: string; readonly types: readonly DescribedType[] })[]
  readonly meaning: string
  readonly object?: string
}

const hmm: readonly DescribedType[] = [
  'device-private-anon',
  'device-private-file',
  'device-public-anon',
  'device-public-file',
  'device-coherent',
]
const device: readonly DescribedType[] = [...hmm, 'fsdax', 'devdax', 'p2pdma']
const user: readonly DescribedType[] = ['anon', 'file', 'compound-head']
export const tails: readonly DescribedType[] = ['tail', 'second-tail', 'third-tail']
const tables: readonly DescribedType[] = ['page-table', 'pgd']
const single: readonly DescribedType[] = ['free', 'slab', ...tables, 'page-pool', 'zsmalloc']
export const everyType: readonly DescribedType[] = [
  'free',
  'anon',
  'file',
  'slab',
  'compound-head',
  ...tails,
  ...tables,
  'page-pool',
  'zsmalloc',
  ...device,
]
export const deviceTypes = device
/** Kernel members that one type's rule takes over all of its views. */
const rule = (
  name: string,
  kind: Rule['kind'],
  types: readonly DescribedType[],
  from: Rule['from'],
  meaning: string,
  object?: string,
): Rule => ({ name, kind, types, from, meaning, ...(object !== undefined && { object }) })

const pool = (name: string, kind: FieldKind, meaning: string): Rule =>
  rule(name, kind, ['page-pool'], [`n.${name}`, `p.${name}`], meaning)

const hugetlb = (name: string, meaning: string): Rule =>
  rule(
    name,
    'pointer',
    ['third-tail'],
    [{ ref: `f.${name}@1`, types: ['tail'] }, { ref: `f.${name}@2`, types: ['second-tail'] }, `f.${name}@3`],
    meaning,
  )

/** Of page[3] on, as far as a folio's members can say it. */
const laterTails = (name: string): Rule['from'] =>
  [3, 4, 5, 6, 7].map((tail) => ({ ref: `${name}@${tail}`, types: ['third-tail'] as const }))

/** Where two lie over each other on one page type, the first has the bits. */
export const rules: readonly Rule[] = [
  rule(
    'flags',
    'flags',
    everyType.filter((type) => type !== 'tail'),
    ['p.flags'],
    'page flags; zone, node and section at the top',
  ),

  rule('lru', 'list', user, ['f.lru', 'p.lru'], 'on the LRU list'),
  rule(
    'mapping',
    'mapping',
    [...user, ...hmm, 'fsdax', 'devdax'],
    ['f.mapping', 'p.mapping'],
    'address_space, or anon_vma with bit 0 set',
  ),
  rule(
    'index',
    'count',
    [...user, ...hmm, 'fsdax', 'devdax'],
    ['f.index', 'p.index', 'p.__folio_index'],
    'offset in the mapping, in pages',
  ),
  rule('private', 'count', [...user, ...hmm, 'fsdax'], ['f.private', 'p.private'], 'buffer heads, or swap entry'),

  rule('buddy_list', 'list', ['free'], ['p.buddy_list', 'p.lru'], 'free block of this order'),
  rule('buddy_order', 'constant', ['free'], ['p.private'], 'order of the free block'),

  rule(
    'slab_cache',
    'pointer',
    ['slab'],
    ['s.slab_cache', 'p.slab_cache'],
    'the cache that owns the slab',
    'slab-cache',
  ),
  rule('slab_list', 'list', ['slab'], ['s.slab_list', 'p.slab_list'], "slab of the node's list"),
  rule('freelist', 'pointer', ['slab'], ['s.freelist', 'p.freelist'], 'first free object', 'slab-object'),
  rule('inuse', 'count', ['slab'], ['s.inuse', 'p.inuse'], 'objects in use'),
  rule('objects', 'count', ['slab'], ['s.objects', 'p.objects'], 'objects in the slab'),
  rule('frozen', 'count', ['slab'], ['s.frozen', 'p.frozen'], 'owned by one CPU'),
  rule('stride', 'constant', ['slab'], ['s.stride'], "distance of the objects' extensions"),

  rule('compound_head', 'page-ref', tails, ['p.compound_info', 'p.compound_head'], "the head's address, bit 0 set"),
  rule('compound_dtor', 'constant', ['tail'], ['f._folio_dtor@1', 'p.compound_dtor'], 'which function frees the folio'),
  rule('_large_mapcount', 'mapcount', ['tail'], ['f._large_mapcount@1'], 'mappings of any part, from -1'),
  rule(
    '_entire_mapcount',
    'mapcount',
    ['tail'],
    ['f._entire_mapcount@1', { ref: 'f._entire_mapcount@2', types: ['second-tail'] }],
    'mappings of the whole folio, from -1',
  ),
  rule(
    'compound_mapcount',
    'mapcount',
    ['tail'],
    ['f._total_mapcount@1', 'f._compound_mapcount@1', 'p.compound_mapcount'],
    'mappings of the whole folio, from -1',
  ),
  rule(
    '_nr_pages_mapped',
    'count',
    ['tail'],
    ['f._nr_pages_mapped@1', 'f._subpages_mapcount@1', 'p.subpages_mapcount'],
    'pages that are mapped',
  ),
  rule(
    '_pincount',
    'pincount',
    ['tail'],
    [
      'f._pincount@1',
      { ref: 'f._pincount@2', types: ['second-tail'] },
      ...laterTails('f._pincount'),
      'p.compound_pincount',
      { ref: 'p.hpage_pinned_refcount', types: ['second-tail'] },
    ],
    'pins of the folio',
  ),
  rule('_mm_id_mapcount', 'count', ['tail'], ['f._mm_id_mapcount@1'], 'mappings by each of two address spaces'),
  rule('_mm_ids', 'count', ['tail'], ['f._mm_ids@1'], 'which two address spaces these are'),
  rule(
    '_folio_nr_pages',
    'constant',
    ['tail'],
    ['f._nr_pages@1', 'f._folio_nr_pages@1', 'p.compound_nr'],
    'pages of the folio',
  ),
  rule('_deferred_list', 'list', ['second-tail'], ['f._deferred_list@2', 'p.deferred_list'], 'folio to be split'),
  hugetlb('_hugetlb_subpool', 'pool that the hugetlb folio is charged to'),
  hugetlb('_hugetlb_cgroup', 'cgroup that the hugetlb folio is charged to'),
  hugetlb('_hugetlb_cgroup_rsvd', 'cgroup that the reservation is charged to'),
  hugetlb('_hugetlb_hwpoison', 'list of its poisoned pages'),

  rule('pmd_huge_pte', 'pointer', ['page-table'], ['t.pmd_huge_pte', 'p.pmd_huge_pte'], 'deposited page table', 'page'),
  rule('pt_list', 'list', ['pgd'], ['t.pt_list', 'p.lru'], 'pgd of the list of all (x86)'),
  rule('pt_mm', 'pointer', tables, ['t.pt_mm', 'p.pt_mm'], 'the mm that a pgd belongs to', 'mm'),
  rule('ptl', 'lock', tables, ['t.ptl', 'p.ptl'], 'page-table lock'),

  rule('pgmap', 'pointer', device, ['f.pgmap', 'p.pgmap'], "the device's dev_pagemap", 'dev-pagemap'),
  rule('zone_device_data', 'pointer', device, ['p.zone_device_data', 'p.hmm_data'], "the driver's own pointer"),

  pool('pp_magic', 'constant', 'says that a page_pool owns the page'),
  pool('pp', 'pointer', 'the pool'),
  pool('dma_addr', 'count', 'address for the device'),
  pool('dma_addr_upper', 'count', 'its upper half'),
  pool('pp_frag_count', 'count', 'fragments in use'),
  pool('pp_ref_count', 'count', 'references of the pool'),

  rule('_mapcount', 'mapcount', [...user, ...device, ...tails], ['p._mapcount'], 'mappings, from -1'),
  rule(
    'page_type',
    'constant',
    ['free', ...tables, 'slab', 'zsmalloc'],
    ['p.page_type'],
    'what a page that cannot be mapped is',
  ),
  rule('_refcount', 'refcount', [...user, ...device, ...single], ['p._refcount'], 'references'),
  rule('_refcount', 'poison', tails, ['p._refcount'], '0: references go to the head'),

  rule(
    'memcg_data',
    'pointer',
    [...user, ...hmm],
    ['f.memcg_data', 'p.memcg_data', 'p.mem_cgroup'],
    'the cgroup that is charged',
    'mem-cgroup',
  ),
  rule(
    'obj_exts',
    'pointer',
    ['slab'],
    ['s.obj_exts', 's.memcg_data', 's.obj_cgroups', 'p.obj_cgroups', 'p.memcg_data', 'p.mem_cgroup'],
    'the cgroups that the objects are charged to',
    'mem-cgroup',
  ),
  rule(
    'pt_memcg_data',
    'pointer',
    tables,
    ['t.pt_memcg_data', 'p.memcg_data', 'p.mem_cgroup'],
    'the cgroup that is charged',
    'mem-cgroup',
  ),

  rule('virtual', 'pointer', everyType, ['p.virtual'], 'where the page is mapped in the kernel'),
  rule('_last_cpupid', 'count', everyType, ['p._last_cpupid'], 'who touched it last, for NUMA balancing'),
  rule('kmsan_shadow', 'pointer', everyType, ['p.kmsan_shadow'], "KMSAN's shadow"),
  rule('kmsan_origin', 'pointer', everyType, ['p.kmsan_origin'], "KMSAN's origins"),
]

/** What only fills space, in any struct. */
const fillers: ReadonlySet<string> = new Set([
  ...['__filler', '__unused', '_pp_mapping_pad', '_compound_pad_1', '_compound_pad_2', '_pt_pad_1', '_pt_pad_2'],
  ...['_unused_pgmap_compound_head', '_unused_pgmap_compound_info', '_unused_slab_obj_exts', '_usable_1'],
  ...['__unused_padding', '_zp_pad_1', '_private_1'],
])

/**
 * Names that are known and no field of their own: a word that another struct has already told, or a
 * second name of a field's bits (a slab on a CPU's list, a page that RCU is about to free).
 */
const secondNames: Readonly<Record<ViewLetter, ReadonlySet<string>>> = {
  p: new Set([
    ...['callback_head', 'rcu_head', 'pcp_list', 'pcp_llist', 'order', 'mlock_count', 'share', 'next', 'pages'],
    ...['pobjects', 'slabs', 's_mem', 'active', 'units', 'counters', 'pt_frag_refcount', 'pt_share_count', 'pt_index'],
    'compound_order',
  ]),
  f: new Set([
    ...['flags', '_mapcount', '_refcount', 'mlock_count', 'share', 'swap', 'page', '_mm_id'],
    ...['_page_1', '__page_1', '_page_2', '__page_2', '_page_2a', '__page_2a', '__page_3'],
    ...['_flags_1', '_head_1', '__head', '_mapcount_1', '_refcount_1', '_flags_2', '_head_2', '_flags_2a', '_head_2a'],
    ...['_flags_3', '_head_3', '_folio_order'],
  ]),
  s: new Set([
    ...['flags', '__page_flags', '__page_type', '__page_refcount', 'callback_head', 'rcu_head', 'next', 'slabs'],
    ...['llnode', 'flush_freelist', 'counters', 'freelist_counter', 'freelist_counters', 's_mem', 'active'],
  ]),
  t: new Set([
    ...['__page_flags', 'pt_flags', '__page_type', '__page_refcount', '__page_mapping', 'callback_head'],
    ...['pt_rcu_head', 'pt_index', 'pt_frag_refcount', 'pt_share_count', '_refcount'],
  ]),
  n: new Set(['_flags']),
  z: new Set(['flags', '_refcount', 'page_type']),
}

/** Whether it is known that a member is no field of its own. */
export const isSecondName = (letter: ViewLetter, name: string): boolean =>
  fillers.has(name) || secondNames[letter].has(name)
