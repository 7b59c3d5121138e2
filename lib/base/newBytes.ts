import { PageboxError } from '../errors.ts'

/** What one call can return: 4 GiB. */
export const mostBytes = 2 ** 32

/**
 * Fresh memory for what a call returns, zeroed.
 *
 * @param argument What asked for so much.
 * @throws PageboxError `ERR_PAGEBOX_ARG_RANGE` above {@link mostBytes}, `ERR_PAGEBOX_MEMORY` where the
 * engine has none.
 */
export function newBytes(bytes: number, argument: string): Uint8Array {
  if (bytes > mostBytes)
    throw new PageboxError(
      'ERR_PAGEBOX_ARG_RANGE',
      `${argument} asks for ${bytes} bytes; one call returns at most 2^32, so take a part`,
      { argument, given: `${bytes} bytes`, allowed: 'at most 2^32 bytes' },
    )
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    throw new PageboxError('ERR_PAGEBOX_MEMORY', `there is no memory for the ${bytes} bytes of ${argument}`, {
      argument,
      given: `${bytes} bytes`,
      allowed: 'what the JavaScript engine can allocate',
      cause,
    })
  }
}
