import type { ByteOrder } from './blob.ts'

/** Bits of a descriptor as memory has them: the n-th bit from its first byte on, as BTF counts. */
export interface Span {
  readonly bit: number
  readonly bits: number
}

/** Bits of the value of one word, from the lowest up. */
export interface InWord {
  readonly byte: number
  readonly word: number
  readonly shift: number
  readonly bits: number
}

/**
 * Cuts a span at the words and says which bits of each word's value it has. In big-endian memory the
 * first bytes are the highest bits; BTF counts bits in memory's order, from the word's top.
 */
export function inWords({ bit, bits }: Span, wordBits: number, order: ByteOrder): InWord[] {
  const parts: InWord[] = []
  for (let at = bit; at < bit + bits; ) {
    const word = Math.floor(at / wordBits)
    const first = at - word * wordBits
    const count = Math.min(bit + bits - at, wordBits - first)
    parts.push({
      byte: Math.floor(at / 8),
      word,
      shift: order === 'little' ? first : wordBits - first - count,
      bits: count,
    })
    at += count
  }
  return parts
}

/** The byte in memory where bits of a word's value begin. */
export function byteOf(word: number, shift: number, bits: number, wordBits: number, order: ByteOrder): number {
  const wordBytes = wordBits / 8
  return order === 'little'
    ? word * wordBytes + Math.floor(shift / 8)
    : word * wordBytes + Math.floor((wordBits - shift - bits) / 8)
}

/** Which bits of a descriptor are taken, by word values. */
export class Taken {
  readonly #bits: Uint8Array
  readonly #wordBits: number

  constructor(strideBytes: number, wordBits: number) {
    this.#bits = new Uint8Array(strideBytes * 8)
    this.#wordBits = wordBits
  }

  take({ word, shift, bits }: Pick<InWord, 'word' | 'shift' | 'bits'>): void {
    const from = word * this.#wordBits + shift
    this.#bits.fill(1, from, from + bits)
  }

  /** What of these bits is not taken yet. */
  rest({ word, shift, bits }: Pick<InWord, 'word' | 'shift' | 'bits'>): { shift: number; bits: number }[] {
    const from = word * this.#wordBits
    const found: { shift: number; bits: number }[] = []
    for (let at = shift; at < shift + bits; at++) {
      if (this.#bits[from + at] !== 0) continue
      const last = found.at(-1)
      if (last !== undefined && last.shift + last.bits === at) last.bits++
      else found.push({ shift: at, bits: 1 })
    }
    return found
  }
}
