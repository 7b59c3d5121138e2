import { PageboxError } from '../errors.ts'
import type { Layout, PageType } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import type { BoundaryRow, FalsePositiveRow } from './document.ts'
import type { Subject, SubjectBox } from './subject.ts'

/** Each pin also holds `_refcount`, a signed 32-bit word in which the page itself holds one. */
const refcountRoom = 2n ** 31n - 2n

/** Pins in one call at most: a count is an unsigned 32-bit number. */
const largestStep = 2n ** 30n

/** What really bounds the count of one page: the scheme's own counter or `_refcount`. */
export function effectiveMaxPins(scheme: Scheme): bigint {
  const byRefcount = scheme.refsPerPin > 0 ? refcountRoom / BigInt(scheme.refsPerPin) : refcountRoom
  return scheme.maxPins === null || scheme.maxPins > byRefcount ? byRefcount : scheme.maxPins
}

function withPage<T>(
  subject: Subject,
  scheme: Scheme,
  layout: Layout,
  page: { pageType: PageType; order: number },
  use: (box: SubjectBox) => T,
): T {
  const pages = Math.max(64, 2 ** (page.order + 1))
  const box = subject.createBox({ pages, scheme, layout: layout.name, ledger: false, populate: 'none' })
  try {
    box.setup(0, { type: page.pageType, order: page.order })
    return use(box)
  } finally {
    box.close()
  }
}

function pinTimes(box: SubjectBox, count: bigint): void {
  for (let left = count; left > 0n; ) {
    const step = left < largestStep ? left : largestStep
    box.pins.pin(0, Number(step))
    left -= step
  }
}

/**
 * Pins one page up to the limit and beyond. The kernel's rule is that the pin
 * which crosses is kept and the next one is refused; packed fields refuse
 * before they carry.
 */
export function measureBoundary(
  subject: Subject,
  scheme: Scheme,
  layout: Layout,
  page: { pageType: PageType; order: number },
): BoundaryRow {
  const { pageType, order } = page
  const most = effectiveMaxPins(scheme)
  return withPage(subject, scheme, layout, page, (box) => {
    let granted = 0n
    let refusal = ''
    try {
      pinTimes(box, most)
      granted = most
      // One that crosses may be kept, and one may fit because the page's own reference is 1 less.
      for (let beyond = 0; beyond < 3; beyond++) {
        box.pins.pin(0)
        granted++
      }
    } catch (error) {
      if (!(error instanceof PageboxError)) throw error
      refusal = error.errno === undefined ? error.code : `${error.code} (${error.errno})`
    }
    const agrees = refusal !== '' && granted >= most && granted <= most + 1n
    return { layout: layout.name, pageType, order, granted: Number(granted), refusal, agrees }
  })
}

/** Counts of ordinary references around the places where a fuzzy query tips over. */
const referenceCounts = [1, 2, 1023, 1024, 4096]

/** Asks "is it pinned?" about a page that nobody pinned but many hold. */
export function measureFalsePositives(subject: Subject, scheme: Scheme, layout: Layout): FalsePositiveRow[] {
  const page = { pageType: 'anon' as const, order: 0 }
  return withPage(subject, scheme, layout, page, (box) => {
    let held = 1
    return referenceCounts.map((references) => {
      if (references > held) box.pins.get(0, references - held)
      held = references
      return { layout: layout.name, ...page, references, maybePinned: box.pins.maybePinned(0) }
    })
  })
}
