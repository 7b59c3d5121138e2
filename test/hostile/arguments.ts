import { errorCodes, PageboxError } from 'pagebox'
import { expect } from 'vitest'
import type { BadValue } from '../badValues.ts'

/** One public argument, and the call that hands a value to it. */
export interface Argument {
  readonly name: string
  readonly call: (value: never) => unknown
  /** Bad values that this argument takes, by name. */
  readonly takes?: readonly string[]
  readonly number?: boolean
}

/** Each of the values is refused with an error that names the argument. */
export function expectRefused({ name, call, takes = [] }: Argument, values: readonly BadValue[]): void {
  for (const { name: given, value } of values) {
    if (takes.includes(given)) continue
    let error: unknown
    try {
      call(value as never)
    } catch (thrown) {
      error = thrown
    }
    expect(error, `${name} took ${given}`).toBeInstanceOf(PageboxError)
    const { code, argument, message } = error as PageboxError
    expect(errorCodes, `${name}, ${given}: ${message}`).toHaveProperty(code)
    expect(['ERR_PAGEBOX_INTERNAL', 'ERR_PAGEBOX_PLATFORM']).not.toContain(code)
    expect(argument, `${name}, ${given}: ${message}`).toBeTruthy()
  }
}
