import type { NativePageCalls } from '../native/binding.ts'
import type { NativeResult, Status } from '../native/callTypes.ts'
import { native } from '../native/load.ts'
import { tables } from '../native/tables.ts'

type OnPage<Answer> = (pfn: number, box: number) => Answer

/** Calls on one page of the box that has this number. */
export interface PageCalls {
  pin: OnPage<Status>
  pinReferenced: OnPage<Status>
  unpin: OnPage<Status>
  get: OnPage<Status>
  put: OnPage<Status>
  maybePinned: OnPage<NativeResult<boolean>>
  pins: OnPage<NativeResult<{ pins: number; exact: boolean }>>
}

// Each function is written out, and made once for all boxes: V8 then knows what it calls and the
// slot it writes as constants, without which a call takes half as long again.
function over({ slot, pin, pinReferenced, unpin, get, put, maybePinned, pins }: NativePageCalls): PageCalls {
  const { badFirst } = tables().statuses

  /** Hands the page over; false: it is none. The slot would make a number of anything. */
  function hand(pfn: unknown, box: number): boolean {
    if (typeof pfn !== 'number' || pfn >>> 0 !== pfn) return false
    slot[0] = pfn
    slot[1] = box | 0 // said to be an integer: else it goes through a double, on the way to the page
    return true
  }

  return {
    pin: (pfn, box) => (hand(pfn, box) ? pin() : badFirst),
    pinReferenced: (pfn, box) => (hand(pfn, box) ? pinReferenced() : badFirst),
    unpin: (pfn, box) => (hand(pfn, box) ? unpin() : badFirst),
    get: (pfn, box) => (hand(pfn, box) ? get() : badFirst),
    put: (pfn, box) => (hand(pfn, box) ? put() : badFirst),
    maybePinned: (pfn, box) => (hand(pfn, box) ? maybePinned() : badFirst),
    pins: (pfn, box) => (hand(pfn, box) ? pins() : badFirst),
  }
}

let made: PageCalls | undefined

export function pageCalls(): PageCalls {
  made ??= over(native().pageCalls)
  return made
}
