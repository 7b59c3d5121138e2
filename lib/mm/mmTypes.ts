import type { BoxFile } from './boxFile.ts'

/**
 * What stands behind a mapping: anonymous memory, a file in memory (tmpfs), a file on a disk, the blocks
 * of a file on a dax device. Private mappings copy what is written.
 */
export type MapKind =
  | 'anon-private'
  | 'anon-shared'
  | 'file-private'
  | 'file-shared'
  | 'disk-private'
  | 'disk-shared'
  | 'dax-private'
  | 'dax-shared'

/** What a mapping may be used for; `'none'` faults always. */
export type Prot = 'none' | 'r' | 'w' | 'rw'

/** Settings of a new mapping. */
export interface MmapOptions {
  pages: number
  /** `'anon-private'`; with a file, shared memory of it. */
  kind?: MapKind
  /** `'rw'`. */
  prot?: Prot
  /** What to map. The `disk-` and `dax-` kinds need one; `file-` without one gets a file of its own. */
  file?: BoxFile
  /** Page of the file at which the mapping begins; 0. */
  filePage?: number
  /** Where: a multiple of 4096 at which nothing is mapped. Chosen if left out. */
  address?: bigint | number
  /**
   * Huge pages of the box's pool (MAP_HUGETLB; `hugetlbPages` of the box): `pages` is a multiple of 512,
   * the kind `'anon-private'`, an address a multiple of 2 MiB. Throws `ERR_PAGEBOX_REFUSED` (ENOMEM) if the
   * pool cannot promise them; false.
   */
  hugetlb?: boolean
}

/** Advice of madvise(2). */
export type Advice =
  | 'dontneed'
  | 'pageout'
  | 'cold'
  | 'free'
  | 'willneed'
  | 'remove'
  | 'populate_read'
  | 'populate_write'
  | 'dontfork'
  | 'dofork'
  | 'wipeonfork'
  | 'keeponfork'
  | 'hugepage'
  | 'nohugepage'
  | 'collapse'

/** How pages are pinned or referenced. */
export interface GupOptions {
  /** For writing (FOLL_WRITE): breaks copy-on-write first; false. */
  write?: boolean
  /** For good (FOLL_LONGTERM): moves what cannot stay; false. Of a pin only: a `get` with it gives EINVAL. */
  longterm?: boolean
  /** Look without a lock first (get_user_pages_fast); true. */
  fast?: boolean
  /** Past the protection, as ptrace may (FOLL_FORCE); false. */
  force?: boolean
  /** Peer-to-peer memory too (FOLL_PCI_P2PDMA), which else gives EREMOTEIO; not with `longterm` (EINVAL). */
  p2pdma?: boolean
}

/** One mapping of an address space, as `/proc/pid/maps` has it. */
export interface Vma {
  readonly address: bigint
  readonly pages: number
  readonly prot: Prot
  readonly shared: boolean
  readonly locked: boolean
  /** Made of the pool's huge pages. */
  readonly hugetlb: boolean
  readonly kind: MapKind | 'device'
  readonly filePage: number
  /** vm_flags by the kernel's bits. */
  readonly flags: number
}

/** How an entry of a page table looks from user space. */
export type PagemapState =
  | 'none'
  | 'present'
  | 'swap'
  | 'dev_private_w'
  | 'dev_private_r'
  | 'dev_exclusive_w'
  | 'dev_exclusive_r'
  | 'migration'
  | 'hwpoison'
  | 'marker'

/** One page of an address space: `/proc/pid/pagemap`, `/proc/kpagecount` and `/proc/kpageflags`. */
export interface PagemapEntry {
  readonly state: PagemapState
  readonly softDirty: boolean
  /** Mapped exactly once. */
  readonly exclusive: boolean
  /** A file's page, or shared anonymous memory. */
  readonly file: boolean
  readonly uffdWp: boolean
  /** Null where /proc/kpagecount says nothing. */
  readonly mapcount: number | null
  /** Names of /proc/kpageflags; null where it says nothing. */
  readonly flags: readonly string[] | null
  /** The page; null where there is none: nothing is mapped, or memory without descriptors. */
  readonly pfn: number | null
}

/** Pages of an address space by what they are, as smaps counts them. */
export interface MmCounters {
  /** Mapped, whether or not anything is there. */
  readonly size: number
  /** Present in RAM or in memory of a device that the CPU can reach; not blocks of a dax device. */
  readonly rss: number
  readonly anon: number
  readonly file: number
  readonly swap: number
  /** In private memory of a device. */
  readonly device: number
  readonly softDirty: number
  readonly locked: number
}

/** What read(2) or write(2) did. */
export interface IoResult {
  readonly bytes: number
  /** The file system moved the frames' own bytes by O_DIRECT. False: through a buffer or the page cache. */
  readonly direct: boolean
  /** Why it was not all; null if it was. */
  readonly errno: string | null
}
