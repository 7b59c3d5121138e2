import { PageboxError } from 'pagebox'

/** What a call throws; fails the test if it throws nothing, or something else. */
export function errorOf(call: () => unknown): PageboxError {
  try {
    call()
  } catch (error) {
    if (error instanceof PageboxError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

export const codeOf = (call: () => unknown): string => errorOf(call).code
export const errnoOf = (call: () => unknown): string | undefined => errorOf(call).errno
