import { isDeepStrictEqual } from 'node:util'
import type { ConformLevel, RecordedResult } from './types.ts'

/** Page flags that say what the page is and who holds it; the others are ageing and file system details. */
export const meaningfulFlags: ReadonlySet<string> = new Set([
  'ANON',
  'SWAPBACKED',
  'MMAP',
  'LRU',
  'DIRTY',
  'SWAPCACHE',
  'ANON_EXCLUSIVE',
  'MLOCKED',
  'UNEVICTABLE',
  'COMPOUND_HEAD',
  'COMPOUND_TAIL',
  'THP',
  'NOPAGE',
  'ZERO_PAGE',
])

/** A result with the page flags that the level compares, sorted. */
export function atLevel(result: RecordedResult, level: ConformLevel): RecordedResult {
  const { pages } = result
  if (!Array.isArray(pages)) return result
  return { ...result, pages: pages.map((page) => pageAtLevel(page, level)) }
}

function pageAtLevel(page: unknown, level: ConformLevel): unknown {
  if (typeof page !== 'object' || page === null || !('kf' in page)) return page
  const { kf, ...rest } = page
  if (level === 1) return rest
  const flags = String(kf)
    .split('|')
    .filter((flag) => flag !== '' && (level === 3 || meaningfulFlags.has(flag)))
  return { ...rest, kf: [...new Set(flags)].sort() }
}

/** Whether two results of one operation say the same, as far as the level looks. */
export function sameResult(expected: RecordedResult, actual: RecordedResult, level: ConformLevel): boolean {
  return isDeepStrictEqual(atLevel(expected, level), atLevel(actual, level))
}
