import { PageboxError } from '../errors.ts'
import type { Layout, PageType } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import type { BoundaryRow, Disagreement, FalsePositiveRow } from './document.ts'
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

/** Counts of ordinary references that are asked about in any case. */
const referenceCounts = [1, 2, 1023, 1024, 4096]

/** Beyond the largest weight that a pin can have, by a factor of two: a query that is still sure will be. */
const mostReferences = 2 ** 21

/**
 * From how many references on the scheme says that a page that nobody pinned may be pinned, by its own
 * arithmetic: a pin's weight in references. Null: never.
 */
export function claimedThreshold(scheme: Scheme): number | null {
  // A count of its own may lose count, yet never takes references for pins.
  if (scheme.answer === 'exact' || (scheme.place !== 'refcount' && scheme.place !== 'tail')) return null
  return scheme.answer === 'unknown' ? 1 : scheme.refsPerPin
}

/**
 * The fewest references that the query takes for a pin, found by asking it: doubled until it says yes,
 * then halved. Null: it never does.
 */
export function thresholdIn(asked: (count: number) => boolean, most = mostReferences): number | null {
  let yes = 1
  while (yes <= most && !asked(yes)) yes *= 2
  if (yes > most) return null
  let no = Math.floor(yes / 2)
  while (yes - no > 1) {
    const middle = Math.floor((yes + no) / 2)
    if (asked(middle)) yes = middle
    else no = middle
  }
  return yes
}

/** Largest number of pins that is tried: of a count that sticks, more than its bits can hold. */
const mostPins = 2 ** 21

/** From how many pins on a page reads as pinned after all of them have gone: the largest of a count that saturates. */
export const claimedStick = (scheme: Scheme): number | null =>
  scheme.atLimit === 'saturate' && scheme.countBits <= 20 ? 2 ** scheme.countBits - 1 : null

/** The same, found by pinning and unpinning. Null: it always comes back. */
function measureStick(subject: Subject, scheme: Scheme, layout: Layout): number | null {
  if (scheme.atLimit !== 'saturate') return null
  const most = effectiveMaxPins(scheme)
  return thresholdIn(
    (pins) =>
      BigInt(pins) <= most &&
      withPage(subject, scheme, layout, { pageType: 'anon', order: 0 }, (box) => {
        box.pins.pin(0, pins)
        box.pins.unpin(0, pins)
        return box.pins.maybePinned(0)
      }),
    mostPins,
  )
}

/** Asks "is it pinned?" about a page that nobody pinned but many hold. */
export function measureFalsePositives(subject: Subject, scheme: Scheme, layout: Layout): FalsePositiveRow[] {
  const page = { pageType: 'anon' as const, order: 0 }
  const asked = (references: number): boolean =>
    withPage(subject, scheme, layout, page, (box) => {
      if (references > 1) box.pins.get(0, references - 1)
      return box.pins.maybePinned(0)
    })
  const found = thresholdIn(asked)
  const around = [found, claimedThreshold(scheme)].flatMap((at) => (at === null ? [] : [at - 1, at]))
  const counts = [...new Set([...referenceCounts, ...around])].filter((count) => count >= 1).sort((a, b) => a - b)
  const rows: FalsePositiveRow[] = counts.map((references) => ({
    layout: layout.name,
    ...page,
    references,
    maybePinned: asked(references),
  }))
  const afterPins = measureStick(subject, scheme, layout)
  if (afterPins !== null) rows.push({ layout: layout.name, ...page, references: 1, afterPins, maybePinned: true })
  return rows
}

const fromText = (at: number | null): string => (at === null ? 'never' : `from ${at} references on`)

/** Where memory contradicts what the scheme's arithmetic says of its false positives. */
export function thresholdDisagreement(
  scheme: Scheme,
  layout: Layout,
  rows: readonly FalsePositiveRow[],
): Disagreement | undefined {
  if (rows.length === 0) return undefined
  const at = { layout: layout.name, pageType: 'anon', order: 0, scheme: scheme.name }
  const claimed = claimedThreshold(scheme)
  const found = rows.find(({ maybePinned, afterPins }) => maybePinned && afterPins === undefined)?.references ?? null
  if (found !== claimed)
    return { ...at, table: `a page that nobody pinned may be pinned ${fromText(claimed)}`, probe: fromText(found) }
  const sticks = claimedStick(scheme)
  const stuck = rows.find(({ afterPins }) => afterPins !== undefined)?.afterPins ?? null
  if (stuck === sticks) return undefined
  const after = (pins: number | null): string => (pins === null ? 'never' : `after ${pins} pins`)
  return { ...at, table: `a page whose pins have gone reads as pinned ${after(sticks)}`, probe: after(stuck) }
}
