import { describe } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'

/** The error of this room: what is wrong, and what is allowed. */
export const shardFault = (argument: string, given: unknown, what: string, allowed: string): PageboxError =>
  new PageboxError('ERR_PAGEBOX_SHARD', `${argument}: ${what}; ${allowed}`, {
    argument,
    given: describe(given),
    allowed,
  })
