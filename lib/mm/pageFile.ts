import { integer, typedArray, unsigned64 } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import { done, kernelError } from '../native/machineStatus.ts'
import { closed, errnoName } from '../native/status.ts'
import { inputPages, maxPages, pageBytes } from './range.ts'
import { checkInternal, type MachineSource, otherBox, wrongKind } from './source.ts'

/** Where a file's bytes are: memory and swap, a disk in memory, a real file. */
export type FileKind = 'memory' | 'disk' | 'real'

/** Settings of a new file. */
export interface FileOptions {
  /** Length; the words' number if they are given, else 0. */
  pages?: number
  /** `'memory'` as on tmpfs (the default), `'disk'` as on a disk that is memory itself. */
  kind?: 'memory' | 'disk'
  /** The first word of each page, the rest zero. */
  words?: BigUint64Array
}

/** How a real file is opened. */
export interface OpenFileOptions {
  /** Ask for O_DIRECT; where the file system refuses, `direct` of the file says so. True. */
  direct?: boolean
  /** Create it if it does not exist; false. */
  create?: boolean
  /** Empty it first; false. */
  truncate?: boolean
}

/** What native code knows of a new file. */
export interface FileFacts {
  readonly id: number
  readonly kind: FileKind
  readonly direct: boolean
}

let partsOf: (value: unknown) => { source: MachineSource<unknown>; id: number } | undefined

/** A file of a box: its page cache, and what stands behind it. Whole pages. */
export class PageFile implements Disposable {
  readonly #source: MachineSource<unknown>
  readonly #facts: FileFacts
  #open = true

  /** Use `box.createFile()` or `box.openFile()`. */
  constructor(source: MachineSource<unknown>, facts: FileFacts, allowed: symbol) {
    checkInternal(allowed, 'PageFile', 'box.createFile() or box.openFile()')
    this.#source = source
    this.#facts = facts
    Object.freeze(this)
  }

  static #of(value: unknown): PageFile {
    if (typeof value === 'object' && value !== null && #facts in value) return value as PageFile
    throw wrongKind('this', value, 'a file of a box')
  }

  get kind(): FileKind {
    return PageFile.#of(this).#facts.kind
  }

  /** Direct I/O goes by O_DIRECT. False for a real file whose file system refused. */
  get direct(): boolean {
    return PageFile.#of(this).#facts.direct
  }

  get closed(): boolean {
    return !PageFile.#of(this).#open
  }

  /** Length in pages. */
  get pages(): number {
    const file = PageFile.#of(this)
    const found = file.#source.native.filePages(file.#facts.id)
    if (typeof found === 'number') throw kernelError(found, 'pages', 'the file')
    return found.pages
  }

  /** read(2) of whole pages; shorter at the end of the file. */
  read(page = 0, pages?: number): Uint8Array {
    return PageFile.#of(this).#read(0, page, pages)
  }

  /** The same past the page cache, from the disk itself; dirty pages are written first. */
  readDirect(page = 0, pages?: number): Uint8Array {
    return PageFile.#of(this).#read(2, page, pages)
  }

  #read(call: number, page: unknown, pages: unknown): Uint8Array {
    const file = PageFile.#of(this)
    const first = integer(page, 'page', 0, maxPages)
    const wanted = pages === undefined ? Math.max(0, file.pages - first) : integer(pages, 'pages', 0, 2 ** 20)
    const bytes = new Uint8Array(wanted * pageBytes)
    const io = file.#source.native.fileBytes(call, file.#facts.id, first, bytes)
    if (typeof io === 'number') throw kernelError(io, 'read', 'the file')
    if (io.status !== 0 && io.bytes === 0) throw kernelError(io.status, 'read', 'the file')
    return bytes.subarray(0, io.bytes)
  }

  /** write(2) of whole pages from page `page` on; the file grows. */
  write(bytes: Uint8Array, page = 0): void {
    const file = PageFile.#of(this)
    const first = integer(page, 'page', 0, 2 ** 31)
    const input = inputPages(bytes, 'bytes', 2 ** 20)
    const io = file.#source.native.fileBytes(1, file.#facts.id, first, input)
    if (typeof io === 'number') throw kernelError(io, 'write', 'the file')
    if (io.status !== 0) throw kernelError(io.status, 'write', 'the file', io.bytes / pageBytes)
  }

  /** The first word of each page, through the page cache. */
  words(page = 0, pages?: number): BigUint64Array {
    return firstWords(PageFile.#of(this).read(page, pages))
  }

  /** Writes pages that begin with these words and are zero behind them. */
  writeWords(words: BigUint64Array, page = 0): void {
    PageFile.#of(this).write(pagesOfWords(typedArray(words, 'words', 'BigUint64Array')), page)
  }

  /** fsync(2): dirty pages go to the disk. Throws the first error of a write since the last call. */
  writeback(): void {
    const file = PageFile.#of(this)
    done(file.#source.native.syncFile(file.#facts.id), 'writeback', 'the file')
  }

  /** Cuts the file, or lets it grow by a hole. */
  truncate(pages: number): void {
    const file = PageFile.#of(this)
    const length = integer(pages, 'pages', 0, 2 ** 31)
    done(file.#source.native.truncateFile(file.#facts.id, length), 'truncate', 'the file')
  }

  /** Mappings keep what they map. A second close does nothing. */
  close(): void {
    const file = PageFile.#of(this)
    if (!file.#open) return
    const status = file.#source.native.closeFile(file.#facts.id)
    if (status !== undefined && status !== closed && errnoName(status) !== 'EBADF')
      throw kernelError(status, 'close', 'the file')
    file.#open = false
  }

  [Symbol.dispose](): void {
    PageFile.#of(this).close()
  }

  static {
    partsOf = (value) =>
      typeof value === 'object' && value !== null && #facts in value
        ? { source: value.#source, id: value.#facts.id }
        : undefined
  }
}

/** The number of a file of this box. */
export function fileId(source: MachineSource<unknown>, value: unknown, argument: string): number {
  const parts = partsOf(value)
  if (parts === undefined) throw wrongKind(argument, value, 'a file of this box')
  if (parts.source.native !== source.native) throw otherBox(argument)
  return parts.id
}

/** The first word of each page. */
export function firstWords(bytes: Uint8Array): BigUint64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return BigUint64Array.from({ length: Math.floor(bytes.byteLength / pageBytes) }, (_, page) =>
    view.getBigUint64(page * pageBytes, true),
  )
}

/** Pages that begin with these words. */
export function pagesOfWords(words: BigUint64Array): Uint8Array {
  const bytes = new Uint8Array(words.length * pageBytes)
  const view = new DataView(bytes.buffer)
  words.forEach((word, page) => {
    view.setBigUint64(page * pageBytes, word, true)
  })
  return bytes
}

/** Consecutive words from a first one on. */
export function counting(first: bigint | number, pages: number, argument = 'first'): BigUint64Array {
  const start = unsigned64(first, argument)
  return BigUint64Array.from({ length: pages }, (_, i) => BigInt.asUintN(64, start + BigInt(i)))
}

/** A file whose length and words are as the options say. */
export function checkFileOptions(pages: number, words: BigUint64Array | undefined): void {
  if (words !== undefined && words.length > pages)
    throw new PageboxError('ERR_PAGEBOX_ARG_RANGE', `options.words has ${words.length} words for ${pages} pages`, {
      argument: 'options.words',
      given: `${words.length} words`,
      allowed: `at most ${pages}`,
    })
}
