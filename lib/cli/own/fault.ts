import { PageboxError } from '../../errors.ts'

/** What is wrong with a file of definitions, with its name and what it should hold. */
export function fault(file: string, what: string, allowed: string, cause?: unknown): PageboxError {
  return new PageboxError('ERR_PAGEBOX_DEFINITIONS', `${file}: ${what}; ${allowed}`, {
    argument: file,
    given: what,
    allowed,
    ...(cause !== undefined && { cause }),
  })
}

/** What such a file holds, in words. */
export const shape = 'it holds a scheme, an array of schemes, or { schemes, layouts }'
