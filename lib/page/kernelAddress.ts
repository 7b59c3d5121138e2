/** What a word's value says about it as a pointer of a real kernel. */
export interface KernelPointer {
  readonly kind: 'null' | 'poison' | 'kernel' | 'none'
  readonly text: string
  /** False for what no kernel would write as a pointer. */
  readonly ok: boolean
}

const poisons: Readonly<Record<string, string>> = {
  100: 'list poison 1',
  122: 'list poison 2',
  200: 'list poison 2 (until 5.1)',
  400: 'TAIL_MAPPING',
  40: 'PP_SIGNATURE',
}

const poison64 = 0xdead000000000000n

/** x86-64 without address randomisation: where the descriptors begin. */
const vmemmap = 0xffffea0000000000n
const vmemmapEnd = 0xffffeb0000000000n

/** `page 42` or `page 42.lru`, on an x86-64 kernel whose descriptors lie where they lie unless randomised. */
export function staticPage(address: bigint, strideBytes: number): string | null {
  if (address < vmemmap || address >= vmemmapEnd) return null
  const offset = address - vmemmap
  const stride = BigInt(strideBytes)
  if (offset % stride === 0n) return `page ${offset / stride}`
  return (offset - 8n) % stride === 0n ? `page ${(offset - 8n) / stride}.lru` : null
}

/**
 * Addresses differ by architecture and are randomised, so ranges are wide: x86-64, arm64 and riscv64 have kernel
 * addresses at the top; ppc64 begins with c or f; mips64, loongarch64 with 9 or a; s390x has low ones.
 */
function isKernel64(address: bigint): boolean {
  // Where a map of memory begins no object lies.
  if (address % (1n << 40n) === 0n) return false
  const top = address >> 48n
  if (top >= 0xff00n) return address < 0xfffffffffffff000n
  const digit = address >> 60n
  if (digit === 0xcn || digit === 0xfn || digit === 0x9n || digit === 0xan) return true
  // s390x and parisc64 map the kernel from zero on.
  return top === 0n && address >= 0x10000n && address % 8n === 0n && address < 1n << 46n
}

/** A pointer by its value: null, poison, an address of a kernel, or nothing a kernel would write. */
export function kernelPointer(address: bigint, wordBytes: number): KernelPointer {
  if (address === 0n) return { kind: 'null', text: 'null', ok: true }
  // Architectures without addresses that are never mapped (s390x, 32-bit ones) have no base of poison.
  const poison = wordBytes === 8 && address >= poison64 ? address - poison64 : address
  const known = poison >= 0n && poison < 0x1000n ? poisons[poison.toString(16)] : undefined
  if (known !== undefined) return { kind: 'poison', text: known, ok: true }
  const kernel = wordBytes === 8 ? isKernel64(address) : address >= 0x1000n && address < 0xfffff000n
  if (kernel) return { kind: 'kernel', text: 'a kernel address', ok: true }
  return { kind: 'none', text: 'no address of a kernel object', ok: false }
}

/** PP_SIGNATURE in word 1. Bits 0 and 1 are page_pool's own, and since 6.15 bits from 7 on may hold an index. */
export const looksLikePool = (word: bigint, wordBytes: number): boolean =>
  (wordBytes === 8 && word >> 48n === 0xdeadn && (word & 0x7cn) === 0x40n) || (word & ~3n) === 0x40n

/**
 * Zone 2 or 4 of node 0, if the word has the form that most x86-64 and arm64 kernels give it: the zone's bits, and a
 * last_cpupid of ones below. A hint, no fact: another configuration may have other widths.
 */
export function zoneHint(word: bigint): 2 | 4 | null {
  const text = word.toString(2)
  if (text.length < 45) return null
  if (/^101{8,}/.test(text)) return 2
  return /^1001{8,}/.test(text) ? 4 : null
}
