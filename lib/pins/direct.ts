import { hasLostMemory } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'
import type { NativeBox } from '../native/binding.ts'
import { badPfn, closedError, refusal } from '../native/status.ts'

/** Descriptors as memory: at most 4 GiB, which is what one external buffer of Node 20 can be. */
export interface DirectWindow {
  readonly firstPfn: number
  readonly pages: number
  /** `_refcount` of page `firstPfn + i` is at `refcountIndex + i * stride`. */
  readonly words: Int32Array
  readonly refcountIndex: number
  /** 32-bit words from one descriptor to the next. */
  readonly stride: number
}

/**
 * Pins by `Atomics` on the descriptors, without a native call. The pfn is checked; that the page is
 * in use, of order 0, and really pinned when it is unpinned is the caller's word. `pin` and `unpin`
 * taken off the object (`const { pin, unpin } = box.pins.direct()`) cost what the bare `Atomics.add` does.
 *
 * A window whose memory was transferred away (`words.buffer.transfer()`) throws
 * `ERR_PAGEBOX_BUFFER_DETACHED` from then on. The memory stays for as long as anybody has it.
 */
export interface DirectPins extends Disposable {
  readonly windows: readonly DirectWindow[]
  /** What one pin adds to `_refcount`: 1, or 1024 for the bias. */
  readonly unit: number
  /** Adds one pin to an order-0 page that is in use. Returns the count before. */
  pin(pfn: number): number
  /** Takes one pin away. Returns the count before. */
  unpin(pfn: number): number
  /** `_refcount` as it is now. */
  refcount(pfn: number): number
  /** Lets go of the windows: their memory goes when the last one is collected. */
  close(): void
}

/** What one external ArrayBuffer can be on Node 20. */
const windowBytes = 2 ** 32

function noDirect(lack: string): PageboxError {
  return new PageboxError('ERR_PAGEBOX_NO_DIRECT', `no direct view: ${lack}`, {
    argument: 'this',
    given: lack,
    allowed: 'ledger: false and a scheme that is one plain add to _refcount',
  })
}

function openWindows(native: NativeBox): DirectWindow[] {
  const { pages, layout } = native.facts
  const pagesPerWindow = Math.floor(windowBytes / layout.strideBytes)
  const windows: DirectWindow[] = []
  for (let firstPfn = 0; firstPfn < pages; firstPfn += pagesPerWindow) {
    const count = Math.min(pagesPerWindow, pages - firstPfn)
    const buffer = native.window(firstPfn * layout.strideBytes, count * layout.strideBytes)
    if (typeof buffer === 'number') {
      if (buffer < 0) throw refusal(buffer, 'direct', 'the box')
      throw noDirect('this JavaScript engine refuses memory that is not its own')
    }
    windows.push(
      Object.freeze({
        firstPfn,
        pages: count,
        words: new Int32Array(buffer),
        refcountIndex: layout.refcountOffsetBytes / 4,
        stride: layout.strideBytes / 4,
      }),
    )
  }
  return windows
}

/** Throws `ERR_PAGEBOX_NO_DIRECT` where a pin is more than an add, or has to be accounted for. */
export function openDirect(native: NativeBox): DirectPins {
  const { ledger, scheme, pages, layout } = native.facts
  if (ledger) throw noDirect('the box keeps a ledger, which an add from JavaScript would not enter')
  if (scheme.protocol !== 'add' || scheme.place !== 'refcount')
    throw noDirect(`a pin of '${scheme.name}' is more than one add to _refcount`)
  // Emptied by close(): the object holds the list itself, as a getter would cost each call 1.5 ns.
  const windows = openWindows(native)
  const unit = scheme.refsPerPin
  const stride = layout.strideBytes / 4
  const offset = layout.refcountOffsetBytes / 4
  const pagesPerWindow = Math.floor(windowBytes / layout.strideBytes)
  // One window is the common case, and an index below 2^30 the fast one.
  let only = windows.length === 1 ? windows[0]?.words : undefined

  /** Slow path: another window, a closed view, or no page at all. */
  function of(pfn: number): Int32Array {
    if (windows.length === 0) throw closedError('the direct view')
    const window = typeof pfn === 'number' && pfn >>> 0 === pfn ? windows[Math.floor(pfn / pagesPerWindow)] : undefined
    if (window === undefined || pfn >= pages) throw badPfn(pfn, 'pfn', pages)
    return window.words
  }

  /** What Atomics has thrown, in words; off the hot path. */
  function failed(error: unknown, pfn: number): unknown {
    if (error instanceof PageboxError) return error
    const window = windows[Math.floor(pfn / pagesPerWindow)]
    if (window === undefined || !hasLostMemory(window.words)) return error
    return new PageboxError('ERR_PAGEBOX_BUFFER_DETACHED', 'the memory of this window was transferred away', {
      argument: 'this',
      given: 'a window without its memory',
      allowed: 'a direct view whose buffers were not transferred; direct() gives a new one',
    })
  }

  function close(): void {
    windows.length = 0
    only = undefined
  }

  return Object.freeze({
    windows,
    unit,
    pin(pfn: number): number {
      try {
        return only !== undefined && typeof pfn === 'number' && pfn >>> 0 === pfn && pfn < pages
          ? Atomics.add(only, pfn * stride + offset, unit)
          : Atomics.add(of(pfn), (pfn % pagesPerWindow) * stride + offset, unit)
      } catch (error) {
        throw failed(error, pfn)
      }
    },
    unpin(pfn: number): number {
      try {
        return only !== undefined && typeof pfn === 'number' && pfn >>> 0 === pfn && pfn < pages
          ? Atomics.sub(only, pfn * stride + offset, unit)
          : Atomics.sub(of(pfn), (pfn % pagesPerWindow) * stride + offset, unit)
      } catch (error) {
        throw failed(error, pfn)
      }
    },
    refcount(pfn: number): number {
      try {
        return Atomics.load(of(pfn), (pfn % pagesPerWindow) * stride + offset)
      } catch (error) {
        throw failed(error, pfn)
      }
    },
    close,
    [Symbol.dispose]: close,
  })
}
