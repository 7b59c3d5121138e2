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
  /** One code a page. */
  readonly codes: Uint8Array

  constructor(codes: Uint8Array) {
    this.codes = codes
    Object.freeze(this)
  }

  get pages(): number {
    return this.codes.length
  }

  [Symbol.iterator](): Iterator<number> {
    return this.codes.values()
  }

  /** Each page in words. */
  toStrings(): SnapshotText[] {
    return Array.from(this.codes, snapshotText)
  }

  toString(): string {
    return this.toStrings().join(' ')
  }
}
