import { typedArray } from '../base/args.ts'
import { guardThis } from '../base/guardThis.ts'

/** What a device finds at one page, in words: `'WRITE'`, `'ZERO+READ'`, `'PRIVATE_LOCAL+WRITE'`, `'ERROR'`. */
export type SnapshotText = string

const locations: Readonly<Record<number, string>> = {
  16: 'ZERO',
  32: 'PRIVATE_LOCAL',
  64: 'COHERENT_LOCAL',
  80: 'COHERENT_REMOTE',
}

/** A code of the kernel's test driver (HMM_DMIRROR_PROT_*) in words. */
export function snapshotText(code: number): SnapshotText {
  if (code === 0xff) return 'ERROR'
  const parts: string[] = []
  const location = locations[code & 0xf0]
  if (location !== undefined) parts.push(location)
  if ((code & 3) === 1) parts.push('READ')
  if ((code & 3) === 2) parts.push('WRITE')
  if ((code & 4) !== 0) parts.push('PMD')
  return parts.length === 0 ? 'NONE' : parts.join('+')
}

/** What a device would find in a range, without faulting anything in. */
export class Snapshot implements Iterable<number> {
  readonly #codes: Uint8Array

  /** Codes as `device.snapshot()` finds them, one a page. */
  constructor(codes: Uint8Array) {
    this.#codes = typedArray(codes, 'codes', 'Uint8Array')
    Object.freeze(this)
  }

  /** One code a page. */
  get codes(): Uint8Array {
    return this.#codes
  }

  get pages(): number {
    return this.#codes.length
  }

  /** By index: whoever has `codes` may transfer its memory away, and then there are none. */
  *[Symbol.iterator](): Iterator<number> {
    for (let page = 0; page < this.#codes.length; page++) yield this.#codes[page] as number
  }

  /** Each page in words. */
  toStrings(): SnapshotText[] {
    return Array.from({ length: this.#codes.length }, (_, page) => snapshotText(this.#codes[page] as number))
  }

  toString(): string {
    return this.toStrings().join(' ')
  }

  static {
    guardThis(Snapshot, (value) => typeof value === 'object' && value !== null && #codes in value, 'a snapshot')
  }
}
