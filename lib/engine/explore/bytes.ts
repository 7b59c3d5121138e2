/** Numbers of any size and texts as bytes, as short as they are. */
export class ByteWriter {
  readonly #bytes: number[] = []

  /** Seven bits a byte, the lowest first. */
  number(value: number | bigint): this {
    let left = BigInt(value)
    for (; left >= 0x80n; left >>= 7n) this.#bytes.push(Number(left & 0x7fn) | 0x80)
    this.#bytes.push(Number(left))
    return this
  }

  raw(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#bytes.push(byte)
    return this
  }

  text(value: string): this {
    const bytes = Buffer.from(value, 'utf8')
    return this.number(bytes.length).raw(bytes)
  }

  get length(): number {
    return this.#bytes.length
  }

  take(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}

/** What is no such bytes; who reads says of what. */
export class BytesFault extends Error {}

const mostBits = 70

export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  big(): bigint {
    let value = 0n
    for (let shift = 0; shift < mostBits; shift += 7) {
      const byte = this.raw(1)[0] as number
      value |= BigInt(byte & 0x7f) << BigInt(shift)
      if (byte < 0x80) return value
    }
    throw new BytesFault('a number that is too long')
  }

  number(most = Number.MAX_SAFE_INTEGER): number {
    const value = this.big()
    if (value > BigInt(most)) throw new BytesFault(`a number above ${most}`)
    return Number(value)
  }

  raw(length: number): Uint8Array {
    if (length > this.left) throw new BytesFault('an early end')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string {
    return Buffer.from(this.raw(this.number(this.left))).toString('utf8')
  }
}
