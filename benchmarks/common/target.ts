import type { Interval } from '../../lib/compare/interval.ts'

/** What design section 11 asks of a number. */
export interface Target {
  bound: 'at most' | 'at least'
  value: number
}

export const atMost = (value: number): Target => ({ bound: 'at most', value })
export const atLeast = (value: number): Target => ({ bound: 'at least', value })

/** `open`: the bound lies within the 95 % interval, so these rounds cannot tell. */
export type Verdict = 'holds' | 'misses' | 'open' | ''

export function judge(found: Interval, target: Target | undefined): Verdict {
  if (target === undefined) return ''
  const { bound, value } = target
  const [within, beyond] =
    bound === 'at most' ? [found.high <= value, found.low > value] : [found.low >= value, found.high < value]
  return within ? 'holds' : beyond ? 'misses' : 'open'
}

export const targetText = (target: Target | undefined): string =>
  target === undefined ? '' : `${target.bound} ${target.value}`
