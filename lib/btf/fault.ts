import { PageboxError } from '../errors.ts'

/** Where in a file something was wrong. */
export interface Place {
  /** Byte of the BTF data, from its header on. */
  readonly byte?: number
  readonly type?: number
  /** The argument at fault, if it is not the file itself. */
  readonly argument?: string
  /** Of the system, where it refused. */
  readonly errno?: string | undefined
  readonly cause?: unknown
}

/**
 * The error for a file that holds no usable BTF: what was found, where, and what is allowed. `given` is
 * made by the reader and never text from the file.
 */
export function btfFault(
  given: string,
  allowed: string,
  { byte, type, argument = 'source', errno, cause }: Place = {},
): PageboxError {
  const where = [...(type === undefined ? [] : [`type ${type}`]), ...(byte === undefined ? [] : [`byte ${byte}`])]
  const at = where.length === 0 ? '' : ` (${where.join(', ')})`
  const system = errno === undefined ? '' : ` (${errno})`
  return new PageboxError('ERR_PAGEBOX_BTF', `${argument}: ${given}${system}${at}; allowed: ${allowed}`, {
    argument,
    given: `${given}${at}`,
    allowed,
    ...(errno !== undefined && { errno }),
    cause,
  })
}
