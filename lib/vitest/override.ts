import { PageboxError } from '../errors.ts'

/** What vitest has for fixtures of a suite: `override` from 4.1 on, `scoped` in 3.2 and 4.0. */
interface Settable {
  override?: unknown
  scoped?: unknown
}

/**
 * The same `test` with `override`, in each vitest that has it by one name or the other.
 *
 * @throws PageboxError `ERR_PAGEBOX_VITEST` where fixtures cannot be set for a suite at all.
 */
export function withOverride<Test extends Settable>(test: Test, version: string): Test {
  if (typeof test.override === 'function') return test
  if (typeof test.scoped !== 'function')
    throw new PageboxError(
      'ERR_PAGEBOX_VITEST',
      `pagebox/vitest works in vitest 3.2 and later, which can set fixtures for a suite; this is vitest ${version}. pagebox/assert has the matchers as plain assertions, for any runner`,
      { given: `vitest ${version}`, allowed: 'vitest 3.2 or later' },
    )
  test.override = test.scoped
  return test
}
