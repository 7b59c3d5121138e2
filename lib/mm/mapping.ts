import { boolean, integer, oneOf, options, unsigned64 } from '../base/args.ts'
import { counted } from '../base/describe.ts'
import { newBytes } from '../base/newBytes.ts'
import { typedArrayLength } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'
import type { NativeTables, Status } from '../native/binding.ts'
import type { NativeStop } from '../native/callTypes.ts'
import { done, kernelError, givenBy } from '../native/machineStatus.ts'
import { tables } from '../native/tables.ts'
import type { Page } from '../page/page.ts'
import { PinnedPages, ReferencedPages } from './heldPages.ts'
import type { Mm } from './mm.ts'
import type { Advice, GupOptions, IoResult, PagemapEntry, Prot } from './mmTypes.ts'
import { counting } from './boxFile.ts'
import { type PageFile, pageFileId } from './pageFile.ts'
import { pagemapEntries, pagemapNumbers } from './pagemap.ts'
import { addressOf, hex, inputBytes, maxPages, pageBytes, within, wordsPerPage } from './range.ts'
import { checkInternal, internal, type MachineSource, otherBox, wrongKind } from './source.ts'
import { errnoName, isStop } from '../native/status.ts'

type UserIo = 'userRead' | 'userWrite' | 'userDirectRead' | 'userDirectWrite'

/** Of a pagemap: each is an object of a hundred bytes and more. */
const mostEntries = 2 ** 20

const gupFlags = ['write', 'longterm', 'fast', 'force', 'p2pdma'] as const

/** The bits of a way to take pages. */
const gupBits = (names: readonly NativeTables['gupFlags'][number][]): number =>
  names.reduce((bits, name) => bits | (1 << tables().gupFlags.indexOf(name)), 0)

export const protOf = (value: unknown, argument: string): Prot => oneOf(value, argument, tables().prots)

/** What devices need of a mapping. */
export interface RangeParts {
  readonly source: MachineSource<unknown>
  readonly mm: number
  readonly address: bigint
  readonly pages: number
}

let partsOf: (value: unknown) => RangeParts | undefined

/**
 * A range of whole pages of an address space. It names addresses and owns nothing: what is mapped
 * there may change, and its calls then say so.
 */
export class Mapping<Owner = unknown> {
  readonly #source: MachineSource<Owner>
  readonly #id: number
  readonly #mm: Mm<Owner>
  readonly #address: bigint
  readonly #pages: number

  /** Use `mm.mmap()`, `mm.at()` or `mapping.slice()`. */
  constructor(
    source: MachineSource<Owner>,
    mm: Mm<Owner>,
    id: number,
    address: bigint,
    pages: number,
    allowed: symbol,
  ) {
    checkInternal(allowed, 'Mapping', 'mm.mmap() or mm.at()')
    this.#source = source
    this.#mm = mm
    this.#id = id
    this.#address = address
    this.#pages = pages
    Object.freeze(this)
  }

  static #of<Owner>(value: Mapping<Owner>): Mapping<Owner> {
    if (typeof value === 'object' && value !== null && #pages in value) return value
    throw wrongKind('this', value, 'a mapping')
  }

  get mm(): Mm<Owner> {
    return Mapping.#of(this).#mm
  }

  get address(): bigint {
    return Mapping.#of(this).#address
  }

  /** Where it ends. */
  get end(): bigint {
    const { address, pages } = Mapping.#of(this)
    return address + BigInt(pages * pageBytes)
  }

  get pages(): number {
    return Mapping.#of(this).#pages
  }

  toString(): string {
    const { address, pages } = Mapping.#of(this)
    return `${counted(pages, 'page')} at ${hex(address)}`
  }

  /** Pages [first, first + pages) of this range. */
  slice(first = 0, pages?: number): Mapping<Owner> {
    const self = Mapping.#of(this)
    const from = integer(first, 'first', 0, self.#pages - 1)
    const count = pages === undefined ? self.#pages - from : integer(pages, 'pages', 1, self.#pages - from)
    const address = self.#address + BigInt(from) * BigInt(pageBytes)
    return new Mapping(self.#source, self.#mm, self.#id, address, count, internal)
  }

  /** Reads word `word` of page `page`, as a program does. Throws `ERR_PAGEBOX_SIGNAL`. */
  load(page = 0, word = 0): bigint {
    const self = Mapping.#of(this)
    const found = self.#source.native.load(self.#id, self.#wordAt(page, word))
    if (typeof found === 'bigint') return found
    throw kernelError(found, 'load', self.#subject(page))
  }

  /** Writes it. */
  store(page: number, value: bigint | number, word = 0): void {
    const self = Mapping.#of(this)
    const status = self.#source.native.store(self.#id, self.#wordAt(page, word), unsigned64(value, 'value'))
    if (status !== undefined) throw kernelError(status, 'store', self.#subject(page))
  }

  /** Stores `first + i` into the first word of page i, for all pages. Stops at a signal; its `index` says where. */
  fill(first: bigint | number): void {
    const self = Mapping.#of(this)
    self.#checkTouched()
    const words = counting(first, self.#pages)
    self.#stopped('store', self.#source.native.userWords(self.#id, self.#address, pageBytes, words, true))
  }

  /** The first word of each page. */
  words(): BigUint64Array {
    const self = Mapping.#of(this)
    self.#checkTouched()
    const words = new BigUint64Array(self.#pages)
    self.#stopped('load', self.#source.native.userWords(self.#id, self.#address, pageBytes, words, false))
    return words
  }

  /** Bytes from `offsetBytes` on, as a program reads them. */
  read(offsetBytes = 0, lengthBytes?: number): Uint8Array {
    const self = Mapping.#of(this)
    const size = self.#pages * pageBytes
    const names = ['offsetBytes', 'lengthBytes'] as const
    const { offset, length } = within(offsetBytes, lengthBytes, size, names)
    const bytes = newBytes(length, 'lengthBytes')
    self.#stopped('load', self.#source.native.userBytes(self.#id, self.#address + BigInt(offset), bytes, false))
    return bytes
  }

  write(bytes: Uint8Array, offsetBytes = 0): void {
    const self = Mapping.#of(this)
    const input = inputBytes(bytes, 'bytes')
    const size = self.#pages * pageBytes
    const { offset } = within(offsetBytes, typedArrayLength(input), size, ['offsetBytes', 'bytes.length'])
    self.#stopped('store', self.#source.native.userBytes(self.#id, self.#address + BigInt(offset), input, true))
  }

  /**
   * Pins every page (FOLL_PIN), or none: then it throws, and `index` says which page could not be had.
   */
  pin(gup: GupOptions = {}): PinnedPages {
    const self = Mapping.#of(this)
    const taken = self.#take('pin', gup, ['pin'])
    return new PinnedPages(self.#source, taken.id, taken.pfns, 'unpin', internal)
  }

  /** Takes a plain reference to every page (FOLL_GET), or none. */
  get(gup: GupOptions = {}): ReferencedPages {
    const self = Mapping.#of(this)
    const taken = self.#take('get', gup, [])
    return new ReferencedPages(self.#source, taken.id, taken.pfns, 'put', internal)
  }

  #take(call: string, gup: GupOptions, kind: readonly 'pin'[]): { id: number; pfns: Uint32Array } {
    const given = options(gup, 'options', gupFlags)
    const asked = (name: (typeof gupFlags)[number]): boolean =>
      given[name] === undefined ? name === 'fast' : boolean(given[name], `options.${name}`)
    const flags = gupBits([...kind, ...gupFlags.filter(asked)])
    if (this.#pages > tables().limits.heldPages) throw this.#tooLong('this')
    const taken = this.#source.native.takePages(this.#id, this.#address, this.#pages, flags)
    if (typeof taken === 'number') throw kernelError(taken, call, this.#subject())
    if (!isStop(taken)) return taken
    const subject = this.#subject(taken.index)
    if (errnoName(taken.status) === 'EINVAL')
      throw new PageboxError(
        'ERR_PAGEBOX_REFUSED',
        `${call}: ${subject}: EINVAL, longterm is for pins, without p2pdma`,
        {
          argument: 'options.longterm',
          given: 'true',
          allowed: 'true for a pin without p2pdma',
          errno: 'EINVAL',
          index: taken.index,
        },
      )
    throw kernelError(taken.status, call, subject, taken.index)
  }

  /** munmap(2). Pages that are pinned live on until they are unpinned. */
  unmap(): void {
    Mapping.#of(this).#call('munmap')
  }

  /** mprotect(2). */
  protect(prot: Prot): void {
    const self = Mapping.#of(this)
    const { native } = self.#source
    done(native.mprotect(self.#id, self.#address, self.#pages, protOf(prot, 'prot')), 'mprotect', self.#subject())
  }

  /** mlock(2): present, and never paged out. At most 2^24 pages a call. */
  lock(): void {
    Mapping.#of(this).#checkTouched().#call('mlock')
  }

  unlock(): void {
    Mapping.#of(this).#call('munlock')
  }

  /** madvise(2). `populate_read` and `populate_write`: at most 2^24 pages a call. */
  advise(advice: Advice): void {
    const self = Mapping.#of(this)
    const name = oneOf(advice, 'advice', tables().advices)
    if (name.startsWith('populate')) self.#checkTouched()
    done(self.#source.native.madvise(self.#id, self.#address, self.#pages, name), 'madvise', self.#subject())
  }

  #call(call: 'munmap' | 'mlock' | 'munlock'): void {
    const self = Mapping.#of(this)
    done(self.#source.native[call](self.#id, self.#address, self.#pages), call, self.#subject())
  }

  /** mremap(2): the pages move to another address, chosen if left out. The range there. */
  remap(address?: bigint | number): Mapping<Owner> {
    const self = Mapping.#of(this)
    const to = address === undefined ? 0n : addressOf(address, 'address')
    const { native } = self.#source
    const moved = native.mremap(self.#id, self.#address, self.#pages, address !== undefined, to)
    if (typeof moved === 'number') throw kernelError(moved, 'mremap', self.#subject())
    return new Mapping(self.#source, self.#mm, self.#id, moved, self.#pages, internal)
  }

  /** What /proc shows of each page. */
  pagemap(): PagemapEntry[] {
    const self = Mapping.#of(this)
    if (self.#pages > mostEntries) throw self.#tooLong('this')
    const numbers = new Float64Array(self.#pages * pagemapNumbers())
    done(self.#source.native.pagemap(self.#id, self.#address, self.#pages, numbers), 'pagemap', self.#subject())
    return pagemapEntries(numbers, self.#pages)
  }

  /** The pages behind it, one an entry; null where none is mapped. */
  pfns(): (number | null)[] {
    return Mapping.#of(this)
      .pagemap()
      .map(({ pfn }) => pfn)
  }

  /** The descriptor behind page `page`; null where none is mapped. */
  page(page = 0): Page<Owner> | null {
    const self = Mapping.#of(this)
    const { pfn } = self.slice(page, 1).pagemap()[0] as PagemapEntry
    return pfn === null ? null : self.#source.page(pfn)
  }

  /**
   * read(2) from the file into this range. Holes read as zero; short at the end of the file, and, like each of these four,
   * after 2^31 - 4096 bytes (Linux's limit of one transfer).
   */
  readFile(file: PageFile, filePage = 0): IoResult {
    return Mapping.#of(this).#io('readFile', 'userRead', file, filePage, false)
  }

  /** write(2) from this range to the file, through the page cache. */
  writeFile(file: PageFile, filePage = 0): IoResult {
    return Mapping.#of(this).#io('writeFile', 'userWrite', file, filePage, false)
  }

  /** The same with O_DIRECT: pins the frames, and the disk writes to them. Not for files in memory (EINVAL). */
  dioRead(file: PageFile, filePage = 0): IoResult {
    return Mapping.#of(this).#io('dioRead', 'userDirectRead', file, filePage, true)
  }

  /** O_DIRECT write: pins the frames, and the disk reads them. */
  dioWrite(file: PageFile, filePage = 0): IoResult {
    return Mapping.#of(this).#io('dioWrite', 'userDirectWrite', file, filePage, true)
  }

  #io(name: string, call: UserIo, file: PageFile, filePage: unknown, direct: boolean): IoResult {
    const self = Mapping.#of(this)
    const id = pageFileId(self.#source, file, 'file')
    const first = integer(filePage, 'filePage', 0, 2 ** 31)
    const io = givenBy(
      self.#source.native[call](self.#id, self.#address, self.#pages, id, first),
      name,
      self.#subject(),
    )
    if (io.status !== 0 && io.bytes === 0) throw kernelError(io.status, name, self.#subject())
    return Object.freeze({
      bytes: io.bytes,
      direct: direct && file.direct,
      errno: io.status === 0 ? null : errnoName(io.status),
    })
  }

  #wordAt(page: unknown, word: unknown): bigint {
    const at = integer(page, 'page', 0, this.#pages - 1)
    const inside = integer(word, 'word', 0, wordsPerPage - 1)
    return this.#address + BigInt(at * pageBytes + inside * 8)
  }

  /** Before what faults in, or copies, each page of it: that is not to keep the event loop for minutes. */
  #checkTouched(): this {
    if (this.#pages > tables().limits.heldPages) throw this.#tooLong('this')
    return this
  }

  #tooLong(argument: string): PageboxError {
    return new PageboxError('ERR_PAGEBOX_ARG_RANGE', `${argument} is too long for one call; take a slice()`, {
      argument,
      given: this.toString(),
      allowed: 'at most 2^24 pages, 2^20 entries of a pagemap and 2^32 bytes',
    })
  }

  #stopped(call: string, result: NativeStop | Status): void {
    if (result === undefined) return
    if (typeof result === 'number') throw kernelError(result, call, this.#subject())
    throw kernelError(result.status, call, this.toString(), result.index)
  }

  /** What an error is about: the address space if that is closed. */
  #subject(page?: number): string {
    if (this.#mm.closed) return 'the address space'
    return page === undefined || this.#pages === 1 ? this.toString() : `page ${page} of ${this.toString()}`
  }

  static {
    partsOf = (value) =>
      typeof value === 'object' && value !== null && #pages in value
        ? { source: value.#source, mm: value.#id, address: value.#address, pages: value.#pages }
        : undefined
  }
}

/** The parts of a mapping of this box. */
export function rangeOf(source: MachineSource<unknown>, value: unknown, argument: string): RangeParts {
  const parts = partsOf(value)
  if (parts === undefined) throw wrongKind(argument, value, 'a mapping')
  if (parts.source.native !== source.native) throw otherBox(argument)
  if (parts.pages > tables().limits.heldPages)
    throw new PageboxError('ERR_PAGEBOX_ARG_RANGE', `${argument} has too many pages`, {
      argument,
      given: `${parts.pages} pages`,
      allowed: `at most 2^24 pages of ${maxPages}`,
    })
  return parts
}

/** True for what has the calls of a mapping; of whichever copy of the package. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && 'pagemap' in value && 'slice' in value && 'mm' in value
