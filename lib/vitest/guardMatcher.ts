import { PageboxError } from '../errors.ts'
import type { MatcherResult } from './matcherResult.ts'

type Matcher = (...args: never[]) => MatcherResult | Promise<MatcherResult>

/**
 * What a matcher gets is known by its calls, since it may be of another copy of the package: so it can be anything,
 * a revoked proxy too, and throw wherever it is read. That is an error of the argument.
 */
function read<Result>(name: string, work: () => Result): Result {
  try {
    return work()
  } catch (cause) {
    if (isTyped(cause)) throw cause
    throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${name}() could not read what it was given`, {
      argument: 'received',
      given: 'a value that throws where it is read',
      allowed: 'what pagebox returned',
      cause,
    })
  }
}

/** A `PageboxError` of whichever copy of the package. */
function isTyped(error: unknown): boolean {
  try {
    return error instanceof PageboxError || /^ERR_PAGEBOX_/.test((error as { code: string }).code)
  } catch {
    return false
  }
}

/** The same matchers; whatever they are given, what they throw is a `PageboxError`, their messages too. */
export function guardMatchers<Matchers extends Readonly<Record<string, Matcher>>>(matchers: Matchers): Matchers {
  const guarded = Object.entries(matchers).map(([name, matcher]) => {
    const guarded = (result: MatcherResult): MatcherResult => ({
      ...result,
      message: () => read(name, () => result.message()),
    })
    const guard = (...args: never[]): MatcherResult | Promise<MatcherResult> => {
      const result = read(name, () => matcher(...args))
      if (!(result instanceof Promise)) return guarded(result)
      return result.then(guarded, (error: unknown) =>
        read<never>(name, () => {
          throw error
        }),
      )
    }
    Object.defineProperty(guard, 'name', { value: name })
    return [name, guard]
  })
  return Object.freeze(Object.fromEntries(guarded)) as Matchers
}
