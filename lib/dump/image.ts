/** Words of one descriptor as memory, so that a count of four bytes is read where the kernel has it. */
export class Image {
  readonly words: readonly bigint[]
  readonly wordBytes: 4 | 8
  readonly bigEndian: boolean
  readonly #view: DataView

  constructor(words: readonly bigint[], wordBytes: 4 | 8, bigEndian: boolean) {
    this.words = words
    this.wordBytes = wordBytes
    this.bigEndian = bigEndian
    this.#view = new DataView(new ArrayBuffer(words.length * wordBytes))
    for (const [i, word] of words.entries()) {
      if (wordBytes === 8) this.#view.setBigUint64(i * 8, word, !bigEndian)
      else this.#view.setUint32(i * 4, Number(word), !bigEndian)
    }
  }

  /** The word at a byte, or undefined where the dump has none. */
  word(byte: number): bigint | undefined {
    return byte % this.wordBytes === 0 ? this.words[byte / this.wordBytes] : undefined
  }

  /** An unsigned number of 8, 16 or 32 bits. */
  unsigned(byte: number, bits: number): number | undefined {
    if (byte + bits / 8 > this.#view.byteLength) return undefined
    if (bits === 8) return this.#view.getUint8(byte)
    return bits === 16 ? this.#view.getUint16(byte, !this.bigEndian) : this.#view.getUint32(byte, !this.bigEndian)
  }

  signed(byte: number): number | undefined {
    const value = this.unsigned(byte, 32)
    return value === undefined ? undefined : value | 0
  }
}

export const tailBit = (word: bigint | undefined): boolean => word !== undefined && (word & 1n) === 1n
