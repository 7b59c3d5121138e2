import { isDeepStrictEqual } from 'node:util'
import { atLevel } from './same.ts'
import type { ConformLevel, RecordedResult } from './types.ts'

/**
 * What the declared visible effects of a scheme had to do with one operation. An effect is here
 * because it happened, in this scenario, to a page that the operation works on.
 */
export interface OpEffects {
  /** Of everything that the operation works on. */
  readonly all: readonly string[]
  /** Of each page of its range; empty for operations without one. */
  readonly pages: readonly (readonly string[])[]
}

type Page = Readonly<Record<string, unknown>>

/** Effects that only an observer of the page sees, with the keys and flags of `pagemap` they can change. */
const observed: ReadonlyMap<string, { readonly keys: readonly string[]; readonly flags: readonly string[] }> = new Map([
  ['lru-clear', { keys: [], flags: ['LRU'] }],
  ['mapcount-raised', { keys: ['mc', 'ex'], flags: ['MMAP'] }],
])

/** The page without what these effects can have changed. */
function without(page: Page, effects: readonly string[]): Page {
  const keys = effects.flatMap((effect) => observed.get(effect)?.keys ?? [])
  const flags = effects.flatMap((effect) => observed.get(effect)?.flags ?? [])
  const rest = Object.fromEntries(Object.entries(page).filter(([key]) => !keys.includes(key)))
  if (!Array.isArray(rest.kf)) return rest
  return { ...rest, kf: rest.kf.filter((flag) => !flags.includes(String(flag))) }
}

const isObject = (value: unknown): value is Page => typeof value === 'object' && value !== null

/** The effects that explain why one page reads otherwise; null: none does. */
function explainPage(expected: unknown, actual: unknown, effects: readonly string[]): readonly string[] | null {
  if (isDeepStrictEqual(expected, actual)) return []
  const lasting = effects.filter((effect) => !observed.has(effect))
  if (lasting.length > 0) return lasting
  if (!isObject(expected) || !isObject(actual) || effects.length === 0) return null
  return isDeepStrictEqual(without(expected, effects), without(actual, effects)) ? effects : null
}

/**
 * The effects that explain why a result differs from the recording; empty if anything in it is left
 * unexplained. A list of pages is judged page by page: an effect on one page says nothing of its
 * neighbour. What an observer alone sees excuses only the fields that it changes.
 */
export function explain(
  expected: RecordedResult,
  actual: RecordedResult | undefined,
  effects: OpEffects | null | undefined,
  level: ConformLevel,
): readonly string[] {
  if (effects === null || effects === undefined || actual === undefined) return []
  const [theirs, ours] = [atLevel(expected, level), atLevel(actual, level)]
  if (!Array.isArray(theirs.pages)) return effects.all.filter((effect) => !observed.has(effect))
  if (!Array.isArray(ours.pages) || ours.pages.length !== theirs.pages.length) return []
  const found = new Set<string>()
  for (const [i, page] of theirs.pages.entries()) {
    const because = explainPage(page, ours.pages[i], effects.pages[i] ?? [])
    if (because === null) return []
    for (const effect of because) found.add(effect)
  }
  return [...found].sort()
}
