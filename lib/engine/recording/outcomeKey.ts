import type { OutcomeResult, RecordedResult } from './types.ts'

const flagsKept = new Set(['ANON', 'ANON_EXCLUSIVE', 'ZERO_PAGE', 'NOPAGE'])

/** Of page flags those that the recordings have, sorted. */
export function plain(result: RecordedResult | null): RecordedResult | null {
  if (result === null || !Array.isArray(result.pages)) return result
  const pages = result.pages.map((page: Record<string, unknown>) =>
    typeof page?.kf === 'string'
      ? {
          ...page,
          kf: page.kf
            .split('|')
            .filter((flag) => flagsKept.has(flag))
            .sort()
            .join('|'),
        }
      : page,
  )
  return { ...result, pages }
}

export const plainOutcome = ({ threads, after }: OutcomeResult): OutcomeResult => ({
  threads: threads.map((each) => each.map(plain)),
  after: after.map(plain),
})

/** One text for equal outcomes, whatever the order of keys. */
export function keyOf(outcome: OutcomeResult): string {
  const sorted = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  return JSON.stringify(plainOutcome(outcome), sorted)
}
