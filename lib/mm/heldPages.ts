import { newBytes } from '../base/newBytes.ts'
import { typedArrayLength } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'
import { done, kernelError } from '../native/machineStatus.ts'
import { errnoName, isClosed } from '../native/status.ts'
import { inputBytes, pageBytes, within, wordsPerPage } from './range.ts'
import { checkInternal, type MachineSource, wrongKind } from './source.ts'
import { integer, unsigned64 } from '../base/args.ts'

/**
 * Pages that GUP has handed out. Their frames are read and written as a device does by DMA: past page
 * tables, whatever has become of the mapping since.
 */
abstract class HeldPages {
  readonly #source: MachineSource<unknown>
  readonly #id: number
  readonly #pfns: Uint32Array
  readonly #kind: 'unpin' | 'put'
  #held = true

  /** Use `mapping.pin()` or `mapping.get()`. */
  constructor(source: MachineSource<unknown>, id: number, pfns: Uint32Array, kind: 'unpin' | 'put', allowed: symbol) {
    checkInternal(allowed, 'HeldPages', 'mapping.pin() or mapping.get()')
    this.#source = source
    this.#id = id
    this.#pfns = pfns
    this.#kind = kind
  }

  static #of(value: unknown): HeldPages {
    if (typeof value === 'object' && value !== null && #id in value) return value as HeldPages
    throw wrongKind('this', value, 'pages that were pinned or referenced')
  }

  /** The pages, one an entry; a copy. */
  get pfns(): Uint32Array {
    return HeldPages.#of(this).#pfns.slice()
  }

  get pages(): number {
    return HeldPages.#of(this).#pfns.length
  }

  /** Not given back yet. */
  get held(): boolean {
    return HeldPages.#of(this).#held
  }

  #open(call: string): HeldPages {
    if (!this.#held) throw this.#gone(call)
    return this
  }

  /** Reads the frames: `lengthBytes` from byte `offsetBytes` of the first page on; all of them. */
  read(offsetBytes = 0, lengthBytes?: number): Uint8Array {
    const self = HeldPages.#of(this).#open('read')
    const size = self.#pfns.length * pageBytes
    const { offset, length } = within(offsetBytes, lengthBytes, size, ['offsetBytes', 'lengthBytes'])
    const bytes = newBytes(length, 'lengthBytes')
    done(self.#source.native.frameBytes(self.#id, offset, bytes, false), 'read', 'the pages')
    return bytes
  }

  /** Writes the frames, as a device would: the CPU's page tables see nothing of it. */
  write(bytes: Uint8Array, offsetBytes = 0): void {
    const self = HeldPages.#of(this).#open('write')
    const input = inputBytes(bytes, 'bytes')
    const size = self.#pfns.length * pageBytes
    const { offset } = within(offsetBytes, typedArrayLength(input), size, ['offsetBytes', 'bytes.length'])
    done(self.#source.native.frameBytes(self.#id, offset, input, true), 'write', 'the pages')
  }

  /** Word `word` of page `page`. */
  load(page = 0, word = 0): bigint {
    const self = HeldPages.#of(this)
    const bytes = self.read(self.#offset(page, word), 8)
    return new DataView(bytes.buffer).getBigUint64(0, true)
  }

  store(page: number, value: bigint | number, word = 0): void {
    const self = HeldPages.#of(this)
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, unsigned64(value, 'value'), true)
    self.write(bytes, self.#offset(page, word))
  }

  /** The first word of each page. */
  words(): BigUint64Array {
    const self = HeldPages.#of(this)
    return BigUint64Array.from({ length: self.#pfns.length }, (_, page) => self.load(page))
  }

  #gone(call: string): PageboxError {
    const pinned = this.#kind === 'unpin'
    return new PageboxError(
      pinned ? 'ERR_PAGEBOX_NOT_PINNED' : 'ERR_PAGEBOX_NOT_REFERENCED',
      `${call}: the ${pinned ? 'pins' : 'references'} were given back before`,
      { argument: 'this', given: 'pages given back', allowed: 'pages that are held', errno: 'EINVAL' },
    )
  }

  #offset(page: unknown, word: unknown): number {
    const at = integer(page, 'page', 0, this.#pfns.length - 1)
    return at * pageBytes + integer(word, 'word', 0, wordsPerPage - 1) * 8
  }

  /** Gives pages back that a method of one of the two kinds was called on. */
  protected static giveBack(value: unknown, call: 'unpin' | 'put'): void {
    const self = HeldPages.#of(value).#open(call)
    if (self.#kind !== call) throw wrongKind('this', value, call === 'unpin' ? 'pinned pages' : 'referenced pages')
    const status = self.#source.native.giveBackPages(self.#id)
    if (status !== undefined) throw kernelError(status, call, 'the box')
    self.#held = false
  }

  /**
   * Gives the pages back if they are still held and the box is open. Throws `ERR_PAGEBOX_BUSY` while a
   * race has the box; they are held on then, and can be given back when it is over.
   */
  [Symbol.dispose](): void {
    const self = HeldPages.#of(this)
    if (!self.#held) return
    const status = self.#source.native.giveBackPages(self.#id)
    // With the box they went.
    if (status !== undefined && !isClosed(status) && errnoName(status) !== 'EBADF')
      throw kernelError(status, self.#kind, 'the box')
    self.#held = false
  }
}

/** Pages pinned for DMA (FOLL_PIN). They live until they are unpinned, whatever happens to the mapping. */
export class PinnedPages extends HeldPages implements Disposable {
  /** Throws `ERR_PAGEBOX_NOT_PINNED` the second time. */
  unpin(): void {
    HeldPages.giveBack(this, 'unpin')
  }
}

/** Pages with a plain reference each (FOLL_GET): nobody can tell them from any other reference. */
export class ReferencedPages extends HeldPages implements Disposable {
  /** Throws `ERR_PAGEBOX_NOT_REFERENCED` the second time. */
  put(): void {
    HeldPages.giveBack(this, 'put')
  }
}
