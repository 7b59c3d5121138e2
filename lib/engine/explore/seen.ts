import type { SeenOutcome } from '../scenario/scenarioTypes.ts'

/** Of the same result is the same text. */
export const resultKey = (result: SeenOutcome['result']): string =>
  JSON.stringify(result, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each))

const before = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** An order that says nothing, and is the same wherever results come from. */
export function inOrder(seen: readonly SeenOutcome[]): SeenOutcome[] {
  return seen
    .map((each) => ({ key: resultKey(each.result), each }))
    .sort((a, b) => before(a.key, b.key))
    .map(({ each }) => each)
}

/** The better of two tokens of one thing: the shorter, of equals the first in the alphabet. */
export const betterToken = (a: string, b: string): string =>
  a.length !== b.length ? (a.length < b.length ? a : b) : before(a, b) <= 0 ? a : b
