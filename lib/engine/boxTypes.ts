import type { BehaviourOptions } from '../pins/behaviour.ts'
import type { PageType } from '../page/layout.ts'

/** Settings of a new box. */
export interface BoxOptions extends BehaviourOptions {
  /** Page descriptors. An untouched one costs nothing: 2^28 are created at once. */
  pages: number
  /**
   * Page frame numbers kept for devices, behind those of RAM; 65536, or as many as the layout can name.
   * They cost nothing until a device is added.
   */
  devicePages?: number
  /** Where pins are counted: a built-in name, or what `schemes.define` gave; `'refcount-bias'`. */
  scheme?: string | { readonly name: string }
  /** Which word means what: a built-in name, or what `layouts.define` gave; `'linux-6.12'`. */
  layout?: string | { readonly name: string }
  /** Keep an exact account of pins handed out, and refuse a wrong unpin; true. */
  ledger?: boolean
  /**
   * Memory behind the descriptors from the start, 4096 bytes a page, and no page but by allocation; false:
   * the first address space, file or device brings it.
   */
  frames?: boolean
  /**
   * `'anon'`: a page becomes anonymous memory at its first pin; the default without frames.
   * `'none'`: it stays free until it is set up.
   */
  populate?: 'anon' | 'none'
  /** Huge pages behind the descriptors, which are then all touched now; false. */
  hugePages?: boolean
  /**
   * Huge pages set aside for `mmap({ hugetlb: true })`, 512 pages each (`nr_hugepages`), from the start
   * and for good; 0. At most `pages / 512 - 1`. Any make `frames` true.
   */
  hugetlbPages?: number
  /** Counters of the `sharded` scheme: logical threads; 8. */
  shards?: number
}

/** What a page is to become. */
export interface PageSetup {
  type: PageType
  /** 2^order pages as one compound page; 0. */
  order?: number
  /** Mappings, where the type counts them; 1. */
  mapcount?: number
  /** Put it on an LRU list, where the type can be; true. */
  onLru?: boolean
}

/** The pool of huge pages, as `/proc/meminfo` counts it (`HugePages_…`). */
export interface HugetlbCounts {
  /** `HugePages_Total`: the box's `hugetlbPages`. */
  readonly pages: number
  /** `HugePages_Free`. */
  readonly free: number
  /** `HugePages_Rsvd`: free ones that are promised to mappings. */
  readonly reserved: number
}

/** What a handle on a box had open when it was closed, and was closed with it. */
export interface BoxLeft {
  /** Address spaces. */
  readonly mms: number
  readonly files: number
  /** Pages that were still pinned, or referenced, by `mapping.pin()` or `mapping.get()`. */
  readonly pinned: readonly number[]
}

/** Names a box to other threads of this process. Plain data: it can be posted to a worker. */
export interface BoxToken {
  readonly pagebox: 'box'
  readonly id: string
}
