import { badArgument, oneOf, unsigned64 } from '../base/args.ts'
import { counted } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import { tables } from '../native/tables.ts'
import type { AuditReport } from '../engine/audit.ts'
import type { LruKind } from '../page/lru.ts'
import type { Page } from '../page/page.ts'
import { isMapping } from '../mm/mapping.ts'
import { isMm } from '../mm/mm.ts'
import { isMemoryDevice } from '../zone_device/memoryDevice.ts'
import { rangeToBePinned } from './machineMatchers.ts'
import type { MatcherResult } from './matcherResult.ts'
import { isPage, showPage } from './words.ts'

export { toNeverReach, toReach, toSurviveExploration } from './explorationMatchers.ts'
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
  const wanted = unsigned64(pins, 'pins')
  const count = page.pinCount
  return {
    pass: BigInt(count.pins) === wanted,
    message: () => `expected page ${page.pfn} to have ${counted(pins, 'pin')}; ${countOf(page)}${showPage(page)}`,
    expected: pins,
    actual: count.pins,
  }
}

/** Passes if the page is on an LRU list; on the named one, if a name is given. */
export function toBeOnLru(received: unknown, list?: LruKind): MatcherResult {
  const page = pageOf(received, 'toBeOnLru')
  if (list !== undefined) oneOf(list, 'list', tables().lruKinds)
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
  for (const [name, given] of Object.entries(fieldsOf(expected))) {
    const value = integerOf(given, name)
    actual[name] = fields[name]
    if (fields[name] === undefined)
      lines.push(`  ${name}: no such field on a ${page.type} page; it has ${Object.keys(fields).join(', ')}`)
    else if (fields[name] !== value) lines.push(`  ${name}: expected ${hex(value)}, found ${hex(fields[name])}`)
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

/**
 * Passes if an audit finds everything as it must be: that of a box, or of the box behind an address space,
 * mapping or device; what `race`, `run`, `explore` or `explorePins` returned; or the audit of a race.
 */
export function toPassAudit(received: unknown): MatcherResult {
  const { clean, text } = verdictOf(received)
  return {
    pass: clean,
    message: () => (clean ? 'expected the audit to find something; it was clean' : `expected a clean audit\n${text()}`),
  }
}

/** Whatever has fields, but nothing else. */
function fieldsOf(expected: unknown): object {
  if (typeof expected === 'object' && expected !== null && !Array.isArray(expected)) return expected
  throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'expected', expected, 'an object of fields and their values')
}

function integerOf(value: unknown, field: string): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  throw badArgument('ERR_PAGEBOX_ARG_TYPE', `expected.${field}`, value, 'a bigint or a whole number')
}

function pageOf(received: unknown, matcher: string): Page {
  if (isPage(received)) return received
  throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${matcher}() takes what box.page(pfn) returns`, {
    argument: 'received',
    given: typeof received,
    allowed: 'a page of a box',
  })
}

interface Verdict {
  clean: boolean
  /** What was found, and how to repeat it. */
  text: () => string
}

/** Anything of another copy of the package may lack the text: its fields are shown then. */
function textOf(value: object): string {
  const text = String(value)
  if (text !== '[object Object]') return text
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each), 2)
}

/** Outcomes of an exploration, all of them clean? */
const allClean = (outcomes: object): boolean =>
  Object.entries(outcomes).every(([outcome, count]) => outcome === 'clean' || count === 0)

function verdictOf(received: unknown): Verdict {
  if (isMapping(received)) return verdictOf(received.mm.box)
  if (isMm(received) || isMemoryDevice(received)) return verdictOf(received.box)
  if (typeof received === 'object' && received !== null) {
    const value = received as Record<string, unknown>
    const text = (): string => textOf(value)
    if (typeof value.audit === 'function') return verdictOf((received as Audited).audit())
    if (typeof value.clean === 'boolean' && Array.isArray(value.rows)) return { clean: value.clean, text }
    if (typeof value.outcomes === 'object' && value.outcomes !== null) return { clean: allClean(value.outcomes), text }
    if (typeof value.violations === 'number' && typeof value.schedules === 'number')
      return { clean: value.violations === 0, text }
    if (Array.isArray(value.audit) && typeof value.leaks === 'string')
      return { clean: value.audit.length === 0 && value.leaks === '', text }
    if (typeof value.audit === 'object' && value.audit !== null) return verdictOf(value.audit)
  }
  throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', 'toPassAudit() takes a box, or what a run or an audit returned', {
    argument: 'received',
    given: typeof received,
    allowed: 'a box, what box.audit() returned, or the result of a race, a run or an exploration',
  })
}

function countOf(page: Page): string {
  const { pins, exact } = page.pinCount
  return exact ? `its scheme counts ${counted(pins, 'pin')}` : `its scheme sees at most ${counted(pins, 'pin')}`
}

function hex(value: bigint): string {
  return value < 0n ? String(value) : `0x${value.toString(16)}`
}
