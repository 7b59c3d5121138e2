import type { Field, Layout } from './layout.ts'

/** The bits of a descriptor from bit `first` on, as one number. */
export function bitsOf(words: readonly bigint[], wordBytes: number, first: number, bits: number): bigint {
  let all = 0n
  const width = wordBytes * 8
  const from = Math.floor(first / width)
  const to = Math.floor((first + bits - 1) / width)
  for (let i = to; i >= from; i--) all = (all << BigInt(width)) | (words[i] ?? 0n)
  return (all >> BigInt(first - from * width)) & ((1n << BigInt(bits)) - 1n)
}

/** The value of a field. */
export const fieldOf = (words: readonly bigint[], layout: Layout, field: Field): bigint =>
  bitsOf(words, layout.wordBytes, field.offsetBytes * 8 + field.shift, field.bits)
