import { typedArray } from '../base/args.ts'
import { typedArrayName } from '../base/primordials.ts'
import { counted } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import { isMapping, type Mapping } from '../mm/mapping.ts'
import type { PagemapEntry } from '../mm/mmTypes.ts'
import { isMemoryDevice, type MemoryDevice } from '../zone_device/memoryDevice.ts'
import type { MatcherResult } from './matcherResult.ts'

/** Rows of a range that a message shows. */
const mostRows = 16

/** Passes if the whole range lies in mappings of its address space, whether or not anything is present. */
export function toBeMapped(received: unknown): MatcherResult {
  const range = rangeOf(received, 'toBeMapped')
  let at = range.address
  for (const { address, pages } of range.mm.vmas) {
    const end = address + BigInt(pages) * 4096n
    if (address <= at && at < end) at = end
  }
  const pass = at >= range.end
  const hole = (at - range.address) / 4096n
  return {
    pass,
    message: () =>
      pass
        ? `expected ${range} not to be mapped`
        : `expected ${range} to be mapped; nothing is from page ${hole} on${showMappings(range)}`,
  }
}

/** Passes if every page of the range is present: in RAM, or in memory of a device that CPUs reach. */
export function toBePresent(received: unknown): MatcherResult {
  return everyPage(received, 'toBePresent', 'be present', ({ state }) => state === 'present')
}

/** Passes if every page of the range is in swap. */
export function toBeSwappedOut(received: unknown): MatcherResult {
  return everyPage(received, 'toBeSwappedOut', 'be swapped out', ({ state }) => state === 'swap')
}

/** Passes if every page of the range is in the memory of a device; of this one, if one is given. */
export function toBeOnDevice(received: unknown, device?: MemoryDevice): MatcherResult {
  const range = rangeOf(received, 'toBeOnDevice')
  if (device !== undefined && !isMemoryDevice(device)) throw notA('toBeOnDevice', 'device', 'a device', device)
  const ram = (range.mm.box as { pages: number }).pages
  const first = device === undefined ? ram : device.firstPfn
  const end = device === undefined ? Number.POSITIVE_INFINITY : device.firstPfn + device.pages
  const what = device === undefined ? 'be in memory of a device' : `be in memory of '${device.name}'`
  return everyPage(range, 'toBeOnDevice', what, ({ state, pfn }) => {
    const there = state === 'present' || state.startsWith('dev_private')
    return there && pfn !== null && pfn >= first && pfn < end
  })
}

/**
 * Passes if the first words of the range's pages are these; a single word is that of the first page, and
 * the others count up from it, as `mapping.fill()` writes them. Reads as a program does: what is
 * swapped out or in private memory of a device comes back.
 */
export function toHaveWords(received: unknown, expected: readonly bigint[] | BigUint64Array | bigint): MatcherResult {
  const range = rangeOf(received, 'toHaveWords')
  const wanted = wordsOf(expected, range.pages)
  const actual = [...range.words()]
  const wrong = wanted.findIndex((word, i) => word !== actual[i])
  const pass = wrong < 0 && wanted.length === actual.length
  return {
    pass,
    message: () =>
      pass
        ? `expected ${range} not to have these words`
        : wrong < 0
          ? `expected ${wanted.length} words; ${range} has ${actual.length}`
          : `expected ${range} to have word ${wanted[wrong]} on page ${wrong}; it has ${actual[wrong] ?? 'no such page'}${showRange(range)}`,
    expected: wanted,
    actual,
  }
}

/** By index: an iterator of a subclass need not end. */
function wordsOf(expected: unknown, pages: number): bigint[] {
  if (typeof expected === 'bigint') return Array.from({ length: pages }, (_, i) => expected + BigInt(i))
  if (typedArrayName(expected) === 'BigUint64Array') {
    const view = typedArray(expected, 'expected', 'BigUint64Array')
    return Array.from({ length: view.length }, (_, i) => view[i] as bigint)
  }
  if (!Array.isArray(expected) || expected.length > 2 ** 24 || expected.some((word) => typeof word !== 'bigint'))
    throw notA('toHaveWords', 'expected', 'a bigint, an array of bigints or a BigUint64Array', expected)
  return [...expected]
}

/** Passes if each page of the range may be pinned, as the scheme of its box sees it. */
export function rangeToBePinned(range: Mapping): MatcherResult {
  const box = range.mm.box as { pins: { maybePinned(pfn: number): boolean } }
  return everyPage(range, 'toBePinned', 'be pinned', ({ pfn }) => pfn !== null && box.pins.maybePinned(pfn))
}

/** Negated: not every page is so. */
function everyPage(
  received: unknown,
  matcher: string,
  what: string,
  is: (entry: PagemapEntry) => boolean,
): MatcherResult {
  const range = rangeOf(received, matcher)
  const entries = range.pagemap()
  const answers = entries.map(is)
  const pass = answers.every((answer) => answer)
  const which = answers.flatMap((answer, page) => (answer ? [] : [page]))
  return {
    pass,
    message: () =>
      pass
        ? `expected ${range} not to ${what}${showEntries(entries)}`
        : `expected ${range} to ${what}; not so: page ${list(which)}${showEntries(entries)}`,
  }
}

const list = (pages: readonly number[]): string =>
  pages.length <= 8 ? pages.join(', ') : `${pages.slice(0, 8).join(', ')} and ${pages.length - 8} more`

const showRange = (range: Mapping): string => showEntries(range.pagemap())

/** The pages of a range as /proc shows them, one a line. */
function showEntries(entries: readonly PagemapEntry[]): string {
  const lines = entries.slice(0, mostRows).map(({ state, pfn, mapcount, flags }, page) => {
    const parts: string[] = [state]
    if (pfn !== null) parts.push(`pfn ${pfn}`)
    if (mapcount !== null) parts.push(`mapcount ${mapcount}`)
    if (flags !== null && flags.length > 0) parts.push(flags.join('|'))
    return `  page ${page}: ${parts.join(', ')}`
  })
  if (entries.length > mostRows) lines.push(`  and ${entries.length - mostRows} more`)
  return `\n\n${lines.join('\n')}`
}

function showMappings(range: Mapping): string {
  const lines = range.mm.vmas.map(
    ({ address, pages, kind, prot }) => `  0x${address.toString(16)}: ${counted(pages, 'page')}, ${kind}, ${prot}`,
  )
  return `\n\n${lines.length === 0 ? '  nothing is mapped' : lines.join('\n')}`
}

function rangeOf(received: unknown, matcher: string): Mapping {
  if (isMapping(received)) return received
  throw notA(matcher, 'received', 'what mm.mmap() returns, or a slice of it', received)
}

function notA(matcher: string, argument: string, allowed: string, value: unknown): PageboxError {
  return new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${matcher}() takes ${allowed}`, {
    argument,
    given: typeof value,
    allowed,
  })
}
