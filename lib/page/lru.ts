/** The LRU lists, as `/proc/meminfo` names them. */
export type LruKind = 'inactive_anon' | 'active_anon' | 'inactive_file' | 'active_file' | 'unevictable'

/** The LRU lists of a box, threaded through the descriptors. */
export interface Lru {
  /** Takes a page off its list, for the caller to keep. False: it was on none. */
  isolate(pfn: number): boolean
  /** Puts an isolated page back on the list that its flags ask for. */
  putback(pfn: number): void
  /** Pages of a list from head to tail, `limit` at most (2^20). */
  list(kind: LruKind, limit?: number): Uint32Array
  /** Pages on their way to a list, in the batches of processors, arrive there. */
  drain(): void
  /** Length of each list. */
  readonly lengths: Readonly<Record<LruKind, number>>
}
