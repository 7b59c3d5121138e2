import { expect } from 'vitest'
import { PageboxError } from 'pagebox'

/** The error of a call, which has to be of that kind. */
export async function fault(call: () => unknown, code = 'ERR_PAGEBOX_BTF'): Promise<PageboxError> {
  let error: unknown
  try {
    await call()
  } catch (thrown) {
    error = thrown
  }
  if (!(error instanceof PageboxError)) throw new Error(`not a PageboxError: ${String(error)}`, { cause: error })
  expect(error.code).toBe(code)
  // A message goes to a terminal, whatever the file held.
  expect(error.message).toMatch(/^[\x20-\x7e…]*$/)
  return error
}
