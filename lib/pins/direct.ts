/** Descriptors as memory: at most 4 GiB, which is what one external buffer of Node 20 can be. */
export interface DirectWindow {
  readonly firstPfn: number
  readonly pages: number
  /** `_refcount` of page `firstPfn + i` is at `refcountIndex + i * stride`. */
  readonly words: Int32Array
  readonly refcountIndex: number
  readonly stride: number
}

/** Pins by `Atomics` on the descriptors, without a native call. Nothing is checked. */
export interface DirectPins extends Disposable {
  readonly windows: readonly DirectWindow[]
  /** What one pin adds to `_refcount`: 1, or 1024 for the bias. */
  readonly unit: number
  /** Adds one pin to an order-0 page that is in use. Returns the count before. */
  pin(pfn: number): number
  unpin(pfn: number): number
  /** `_refcount` as it is now. */
  refcount(pfn: number): number
  /** Lets go of the windows: their memory goes when the last one is collected. */
  close(): void
}
