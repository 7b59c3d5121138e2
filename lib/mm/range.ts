import { badArgument, integer, typedArray, unsigned64 } from '../base/args.ts'
import { counted } from '../base/describe.ts'
import { isShared, typedArrayBuffer, typedArrayLength } from '../base/primordials.ts'

export const pageBytes = 4096
export const wordsPerPage = pageBytes / 8

/** Pages that one range can have: what x86-64 user space holds. */
export const maxPages = 2 ** 35

/** The end of user space. */
export const userEnd = 1n << 47n

/** An address as a bigint; `align` bytes divide it. */
export function addressOf(value: unknown, argument: string, align = pageBytes): bigint {
  const address = unsigned64(value, argument)
  if (address % BigInt(align) !== 0n)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, value, `a multiple of ${align}`)
  return address
}

/** Checks that pages from an address on end below 2^64. */
export function checkEnd(address: bigint, pages: number, argument: string): void {
  if (address + BigInt(pages) * BigInt(pageBytes) > 1n << 64n)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, address, 'an address from which the range does not wrap')
}

export const hex = (address: bigint): string => `0x${address.toString(16)}`

/** Bytes to be read by native code: what another thread could change is copied. */
export function inputBytes(value: unknown, argument: string): Uint8Array {
  const bytes = typedArray(value, argument, 'Uint8Array')
  return isShared(typedArrayBuffer(bytes)) ? new Uint8Array(bytes) : bytes
}

/** The same of whole pages, `pages` at most. */
export function inputPages(value: unknown, argument: string, pages: number): Uint8Array {
  const bytes = inputBytes(value, argument)
  const length = typedArrayLength(bytes)
  if (length === 0 || length % pageBytes !== 0 || length > pages * pageBytes)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, value, `1 to ${counted(pages, 'page')} of ${pageBytes} bytes`)
  return bytes
}

/** An offset and a length within `size` bytes. */
export function within(
  offset: unknown,
  length: unknown,
  size: number,
  names: readonly [string, string],
): { offset: number; length: number } {
  const from = offset === undefined ? 0 : integer(offset, names[0], 0, size)
  return { offset: from, length: length === undefined ? size - from : integer(length, names[1], 0, size - from) }
}
