import { kernelPointer, staticPage } from '../page/kernelAddress.ts'

/** A pointer of a real kernel. */
export interface RealPointer {
  /** Its value, in hexadecimal with 0x. */
  readonly address: string
  /** What its value alone tells. */
  readonly text: string
  /** False for what no kernel would write there. */
  readonly ok: boolean
}

export const hex = (value: bigint): string => `0x${value.toString(16)}`

/** Reads a word as a pointer. `low` bits are the kernel's own marks and are left out of the address. */
export function realPointer(word: bigint, wordBytes: 4 | 8, low = 0n): RealPointer {
  const address = word & ~low
  return { address: hex(address), ...kernelPointer(address, wordBytes) }
}

/** Whether a word can be a neighbour on a list: a kernel's address that is even. */
export function looksListed(word: bigint | undefined, wordBytes: 4 | 8): boolean {
  if (word === undefined || word === 0n) return false
  return (word & (wordBytes === 8 ? 7n : 3n)) === 0n && kernelPointer(word, wordBytes).kind === 'kernel'
}

/** The order that a mask in word 1 of a tail stands for (7.1 on), or null if it is an address. */
export function maskOrder(word: bigint, strideBytes: number): number | null {
  if ((strideBytes & (strideBytes - 1)) !== 0) return null
  const holes = BigInt.asUintN(64, ~(word & ~1n)) + 1n
  const pages = holes / BigInt(strideBytes)
  if (holes % BigInt(strideBytes) !== 0n || pages < 2n || (pages & (pages - 1n)) !== 0n) return null
  const order = pages.toString(2).length - 1
  return order <= 20 ? order : null
}

export { staticPage }
