import { describe, expect, test } from 'vitest'
import type { PageboxError } from 'pagebox'
import { test as extended } from '../../lib/vitest/index.ts'
import { withOverride } from '../../lib/vitest/override.ts'

/* The vitest of these tests is one; others have other names for the same. */
describe('a vitest that sets fixtures of a suite', () => {
  const override = (): void => {}
  test('by its name of today', () => {
    expect(withOverride({ override }, '4.1.12').override).toBe(override)
  })
  test('by that of 3.2 and 4.0', () => {
    expect(withOverride<{ override?: unknown; scoped: unknown }>({ scoped: override }, '3.2.4').override).toBe(override)
  })
  test('in none is refused with both versions', () => {
    let error: PageboxError | undefined
    try {
      withOverride({}, '2.1.9')
    } catch (found) {
      error = found as PageboxError
    }
    expect(error?.code).toBe('ERR_PAGEBOX_VITEST')
    expect(error?.message).toMatch(/works in vitest 3\.2 and later.*this is vitest 2\.1\.9.*pagebox\/assert/)
  })
  test('as this one does', () => {
    expect(extended.override).toBeTypeOf('function')
  })
})
