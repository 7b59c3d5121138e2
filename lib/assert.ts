/**
 * The matchers of `pagebox/vitest` as plain assertions, for node:test and every other runner.
 *
 * ```ts
 * import { assertBox } from 'pagebox/assert'
 *
 * assertBox.toBePinned(box.page(42))
 * assertBox.not.toBeSwappedOut(buf)
 * ```
 *
 * Each throws an `AssertionError` with the message that the matcher has.
 *
 * @module
 */
import { AssertionError } from 'node:assert'
import { guardMatchers } from './vitest/guardMatcher.ts'
import type { MatcherResult } from './vitest/matcherResult.ts'
import * as raw from './vitest/matchers.ts'

const matchers = guardMatchers({ ...raw })
type Matchers = typeof raw
type Assertions = {
  readonly [Name in keyof Matchers]: (
    ...args: Parameters<Matchers[Name]>
  ) => ReturnType<Matchers[Name]> extends Promise<unknown> ? Promise<void> : void
}

function assertions(wanted: boolean): Assertions {
  const made: Record<string, unknown> = {}
  for (const [name, matcher] of Object.entries(matchers)) {
    const check = (result: MatcherResult): void => {
      if (result.pass === wanted) return
      throw new AssertionError({
        message: result.message(),
        actual: result.actual,
        expected: result.expected,
        operator: wanted ? name : `not.${name}`,
        stackStartFn: made[name] as () => void,
      })
    }
    made[name] = function assertion(...args: unknown[]): void | Promise<void> {
      const result = (matcher as (...args: unknown[]) => MatcherResult | Promise<MatcherResult>)(...args)
      return result instanceof Promise ? result.then(check) : check(result)
    }
  }
  return Object.freeze(made) as Assertions
}

/** The assertions; `assertBox.not` has their opposites. */
export const assertBox: Assertions & { readonly not: Assertions } = Object.freeze({
  ...assertions(true),
  not: assertions(false),
})
