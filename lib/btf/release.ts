import type { Btf } from './types.ts'
import { memberAt } from './members.ts'

/** A kernel release, to be compared: 6.12 is 6012. */
export type Release = number
export const release = (major: number, minor: number): Release => major * 1000 + minor
export const releaseText = (of: Release): string => `v${Math.floor(of / 1000)}.${of % 1000}`

/** `'6.12.117-amd64'` → 6.12; undefined: begins otherwise. */
export function parseRelease(text: string): Release | undefined {
  const [, major, minor] = /^(\d{1,2})\.(\d{1,3})(?!\d)/.exec(text) ?? []
  return major === undefined ? undefined : release(Number(major), Number(minor))
}

/** Which kernels a file can come from. */
export interface ReleaseRange {
  /** The first that it can be. */
  readonly least: Release
  /** The first that it can no longer be; undefined: no end is known. */
  readonly before: Release | undefined
  /** What says so: `'struct ptdesc exists: v6.6 or later'`. */
  readonly because: readonly string[]
  /** What contradicts the rest; empty: nothing. */
  readonly against: readonly string[]
}

interface Mark {
  readonly since: Release
  readonly what: string
  readonly in: (btf: Btf) => boolean
  /** Whether every kernel since then has it, whatever its configuration: then a kernel without it is older. */
  readonly always?: boolean
  /** The first release that has it no more. */
  readonly until?: Release
}

const has = (of: string, path: string) => (btf: Btf) => {
  const found = btf.composite(of)
  return found !== undefined && memberAt(btf, found.id, path) !== undefined
}
const struct = (name: string) => (btf: Btf) => btf.has(name, 'struct')
const value = (of: string, name: string) => (btf: Btf) => btf.enumOf(of)?.some((each) => each.name === name) ?? false

/** What came and went, oldest first. */
const marks: readonly Mark[] = [
  { since: release(4, 18), until: release(5, 3), what: 'page.hmm_data', in: has('page', 'hmm_data') },
  { since: release(5, 3), what: 'page.zone_device_data', in: has('page', 'zone_device_data'), always: true },
  { since: 0, until: release(5, 11), what: 'page.mem_cgroup', in: has('page', 'mem_cgroup') },
  { since: 0, until: release(5, 17), what: 'page.slab_cache', in: has('page', 'slab_cache') },
  {
    since: release(5, 7),
    until: release(5, 18),
    what: 'page.hpage_pinned_refcount',
    in: has('page', 'hpage_pinned_refcount'),
  },
  { since: release(5, 11), what: 'page.memcg_data', in: has('page', 'memcg_data') },
  { since: release(5, 16), what: 'struct folio', in: struct('folio'), always: true },
  { since: release(5, 17), what: 'struct slab', in: has('slab', 'slab_cache'), always: true },
  { since: release(5, 19), what: 'PG_anon_exclusive', in: value('pageflags', 'PG_anon_exclusive'), always: true },
  { since: release(6, 0), what: 'MEMORY_DEVICE_COHERENT', in: value('memory_type', 'MEMORY_DEVICE_COHERENT') },
  { since: release(6, 1), what: 'folio._pincount', in: has('folio', '_pincount'), always: true },
  { since: release(6, 1), until: release(6, 6), what: 'folio._folio_dtor', in: has('folio', '_folio_dtor') },
  { since: release(6, 6), what: 'struct ptdesc', in: struct('ptdesc'), always: true },
  { since: release(6, 10), what: 'folio._large_mapcount', in: has('folio', '_large_mapcount'), always: true },
  { since: release(6, 12), what: 'PGTY_buddy', in: value('pagetype', 'PGTY_buddy'), always: true },
  { since: release(6, 14), what: 'PG_dropbehind', in: value('pageflags', 'PG_dropbehind'), always: true },
  { since: release(6, 15), what: 'folio._mm_ids', in: has('folio', '_mm_ids'), always: true },
  { since: release(6, 16), what: 'page.__folio_index', in: has('page', '__folio_index'), always: true },
  { since: release(6, 18), what: 'flags as memdesc_flags_t', in: has('page', 'flags.f'), always: true },
  { since: release(6, 19), what: 'struct freelist_counters', in: struct('freelist_counters') },
  { since: release(7, 0), what: 'slab.stride', in: has('slab', 'stride') },
  { since: 0, until: release(7, 1), what: 'page.compound_head', in: has('page', 'compound_head') },
  { since: release(7, 1), what: 'page.compound_info', in: has('page', 'compound_info') },
  { since: release(7, 3), what: 'folio.migrate_info', in: has('folio', 'migrate_info') },
]

/**
 * Which kernels have just these names. BTF does not name its release; what exists and what does not
 * leaves a range.
 */
export function releaseRange(btf: Btf): ReleaseRange {
  let least: Release = 0
  let before: Release | undefined
  let leastBy = 'nothing that BTF has is older'
  let beforeBy = ''
  const cap = (at: Release, by: string): void => {
    if (before !== undefined && before <= at) return
    before = at
    beforeBy = by
  }
  const seen = marks.map((mark) => ({ mark, is: mark.in(btf) }))
  for (const { mark, is } of seen) {
    if (is && mark.since > least) {
      least = mark.since
      leastBy = `${mark.what} exists: ${releaseText(mark.since)} or later`
    }
    if (is && mark.until !== undefined) cap(mark.until, `${mark.what} exists: before ${releaseText(mark.until)}`)
  }
  for (const { mark, is } of seen)
    if (!is && mark.always === true && mark.since > least)
      cap(mark.since, `${mark.what} does not exist: before ${releaseText(mark.since)}`)
  const because = [leastBy, ...(beforeBy === '' ? [] : [beforeBy])]
  if (before !== undefined && before <= least)
    return { least, before: undefined, because: [leastBy], against: [beforeBy] }
  return { least, before, because, against: [] }
}

/** `'v6.12 to v6.13'`, `'v7.1 or later'` */
export function rangeText({ least, before }: Pick<ReleaseRange, 'least' | 'before'>): string {
  if (least === 0) return before === undefined ? 'of unknown age' : `before ${releaseText(before)}`
  if (before === undefined) return `${releaseText(least)} or later`
  if (before === least + 1) return releaseText(least)
  return `${releaseText(least)} or later, before ${releaseText(before)}`
}
