import type { PinCount } from '../page/page.ts'
import type { DirectPins } from './direct.ts'

export type { PinCount }

/** How a batch goes about its pages. */
export interface BatchOptions {
  /** How often each page is pinned or unpinned; once by default. As long as `pfns`. */
  counts?: Uint32Array
  /**
   * Gets a status for each page: 0, or the number of the errno or refusal. With it, the batch goes on
   * after a page that was refused, and throws for bad arguments only. As long as `pfns`.
   */
  out?: Int32Array
}

/**
 * Pins of one box. Plain functions: they may be taken off the object and called alone.
 *
 * A pin of a tail goes to the head of its compound page. All of them throw {@link PageboxError}:
 * `ERR_PAGEBOX_PFN_RANGE` and `ERR_PAGEBOX_ARG_TYPE` for a bad pfn, `ERR_PAGEBOX_CLOSED`, and what
 * each one says. What throws has changed nothing.
 */
export interface Pins {
  /**
   * Pins as fast GUP does: the page may be free. Adds unless the reference count is zero, then
   * rechecks. Throws `ERR_PAGEBOX_PAGE_FREE` (EAGAIN), `ERR_PAGEBOX_PIN_LIMIT` (ENOMEM).
   */
  pin(pfn: number, count?: number): void
  /** As {@link Pins.pin}, but false where that throws `ERR_PAGEBOX_PAGE_FREE`. */
  tryPin(pfn: number): boolean
  /** Pins as slow GUP does: the caller already holds a reference. */
  pinReferenced(pfn: number, count?: number): void
  /** Gives pins back. With a ledger, throws `ERR_PAGEBOX_NOT_PINNED` before it touches anything. */
  unpin(pfn: number, count?: number): void
  /** True if the page may be pinned; wrong only on the side of yes, and where the scheme says so. */
  maybePinned(pfn: number): boolean
  /** The count as the scheme knows it. */
  pins(pfn: number): PinCount
  /** Takes a plain reference. With a ledger, throws `ERR_PAGEBOX_PIN_LIMIT` where `_refcount` has no room. */
  get(pfn: number, count?: number): void
  /** Gives a plain reference back; the last one frees the page. */
  put(pfn: number, count?: number): void
  /** Pins many pages in one call: all, or none if it throws; the error's `index` says which failed. */
  pinMany(pfns: Uint32Array, options?: BatchOptions): number
  /**
   * Unpins many pages in one call. With a ledger: all or none. Without one, nobody can say beforehand
   * which pages are pinned that often: the others are unpinned, and the error names the first that
   * was not.
   */
  unpinMany(pfns: Uint32Array, options?: BatchOptions): number
  /**
   * The descriptors themselves, for `Atomics`. Unchecked: a wrong add is a wrong count. Throws
   * `ERR_PAGEBOX_NO_DIRECT` unless the box has `ledger: false` and a scheme that is one plain add.
   */
  direct(): DirectPins
}
