import { PageboxError } from '../errors.ts'
import type { AuditReport } from '../engine/audit.ts'
import type { LruKind } from '../engine/boxTypes.ts'
import type { Page } from '../page/page.ts'
import { isMapping } from '../mm/mapping.ts'
import { isMm } from '../mm/mm.ts'
import { isMemoryDevice } from '../zone_device/memoryDevice.ts'
import { rangeToBePinned } from './machineMatchers.ts'
import type { MatcherResult } from './matcherResult.ts'
import { isPage, showPage } from './words.ts'

export { toBeMapped, toBeOnDevice, toBePresent, toBeSwappedOut, toHaveWords } from './machineMatchers.ts'

/** Names of fields and what they must hold; numbers and bigints are compared by value. */
export type ExpectedFields = Readonly<Record<string, bigint | number>>

interface Audited {
  audit(): AuditReport
}

/** Passes if the page's scheme says that it may be pinned; of a mapping, if every page of it is. */
export function toBePinned(received: unknown): MatcherResult {
  if (isMapping(received)) return rangeToBePinned(received)
  const page = pageOf(received, 'toBePinned')
  const pass = page.maybePinned
  return {
    pass,
    message: () => `expected page ${page.pfn} ${pass ? 'not ' : ''}to be pinned; ${countOf(page)}${showPage(page)}`,
  }
}

/**
 * Passes if the page has exactly `pins` pins as its scheme counts them. Of a fuzzy scheme the count
 * is an upper bound, and the message says so.
 */
export function toHavePins(received: unknown, pins: number): MatcherResult {
  const page = pageOf(received, 'toHavePins')
  const count = page.pinCount
  return {
    pass: count.pins === pins,
    message: () => `expected page ${page.pfn} to have ${pins} pins; ${countOf(page)}${showPage(page)}`,
    expected: pins,
    actual: count.pins,
  }
}

/** Passes if the page is on an LRU list; on the named one, if a name is given. */
export function toBeOnLru(received: unknown, list?: LruKind): MatcherResult {
  const page = pageOf(received, 'toBeOnLru')
  const found = page.lru
  const pass = list === undefined ? found !== null : found === list
  const wanted = list === undefined ? 'an LRU list' : list
  return {
    pass,
    message: () =>
      `expected page ${page.pfn} ${pass ? 'not ' : ''}to be on ${wanted}; it is on ${found ?? 'none'}${showPage(page)}`,
    expected: list ?? 'any list',
    actual: found,
  }
}

/** Passes if each named field of the descriptor holds the given value. */
export function toHoldFields(received: unknown, expected: ExpectedFields): MatcherResult {
  const page = pageOf(received, 'toHoldFields')
  const fields = page.fields
  const actual: Record<string, bigint | undefined> = {}
  const lines: string[] = []
  for (const [name, value] of Object.entries(expected)) {
    actual[name] = fields[name]
    if (fields[name] === undefined)
      lines.push(`  ${name}: no such field on a ${page.type} page; it has ${Object.keys(fields).join(', ')}`)
    else if (fields[name] !== BigInt(value))
      lines.push(`  ${name}: expected ${hex(BigInt(value))}, found ${hex(fields[name])}`)
  }
  const pass = lines.length === 0
  return {
    pass,
    message: () =>
      pass
        ? `expected page ${page.pfn} not to hold ${Object.keys(expected).join(', ')} as given${showPage(page)}`
        : `expected page ${page.pfn} to hold\n${lines.join('\n')}${showPage(page)}`,
    expected,
    actual,
  }
}

/** Passes if the audit of a box finds everything as it must be; of the box behind an address space, mapping or device. */
export function toPassAudit(received: unknown): MatcherResult {
  const report = reportOf(received)
  return {
    pass: report.clean,
    message: () =>
      report.clean ? 'expected the audit to find something; it was clean' : `expected a clean audit\n${report}`,
  }
}

function pageOf(received: unknown, matcher: string): Page {
  if (isPage(received)) return received
  throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${matcher}() takes what box.page(pfn) returns`, {
    argument: 'received',
    given: typeof received,
    allowed: 'a page of a box',
  })
}

function reportOf(received: unknown): AuditReport {
  if (isMapping(received)) return reportOf(received.mm.box)
  if (isMm(received) || isMemoryDevice(received)) return reportOf(received.box)
  if (typeof received === 'object' && received !== null) {
    if ('audit' in received && typeof received.audit === 'function') return (received as Audited).audit()
    if ('clean' in received && 'rows' in received) return received as AuditReport
  }
  throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', 'toPassAudit() takes a box or the report of an audit', {
    argument: 'received',
    given: typeof received,
    allowed: 'a box, or what box.audit() returned',
  })
}

function countOf(page: Page): string {
  const { pins, exact } = page.pinCount
  return exact ? `its scheme counts ${pins} pins` : `its scheme sees at most ${pins} pins`
}

function hex(value: bigint): string {
  return value < 0n ? String(value) : `0x${value.toString(16)}`
}
