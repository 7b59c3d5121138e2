import { integer, typedArray, unsigned64 } from '../base/args.ts'
import { newBytes } from '../base/newBytes.ts'
import { kernelError, givenBy } from '../native/machineStatus.ts'
import { errnoName, isClosed } from '../native/status.ts'
import { BoxObject, type Parts, partsIf, partsOfThis } from './boxObject.ts'
import { inputPages, maxPages, pageBytes } from './range.ts'
import { type MachineSource, otherBox, wrongKind } from './source.ts'

/** What a mapping of the file is: `'file-shared'`, `'disk-private'`, `'dax-shared'`. */
export type FileRoom = 'file' | 'disk' | 'dax'

/** What native code knows of a file of any kind. */
export interface AnyFileFacts {
  readonly id: number
  readonly room: FileRoom
}

/** Calls of native code that read a file. */
type ReadCall = 'readFile' | 'readFileDirect'

const thisFile = <Owner, Facts extends AnyFileFacts>(value: BoxFile<Owner, Facts>): Parts<Owner, Facts> =>
  partsOfThis<Owner, Facts>(value, BoxFile, 'a file of a box')

/** A file of a box, in whole pages: what reads, writes and maps the same whatever stands behind it. */
export abstract class BoxFile<Owner = unknown, Facts extends AnyFileFacts = AnyFileFacts>
  extends BoxObject<Owner, Facts>
  implements Disposable
{
  #open = true

  get closed(): boolean {
    thisFile(this)
    return !this.#open
  }

  /** Length in pages. */
  get pages(): number {
    const { source, facts } = thisFile(this)
    const found = source.native.filePages(facts.id)
    if (typeof found === 'number') throw kernelError(found, 'pages', 'the file')
    return found.pages
  }

  /** read(2) of whole pages; shorter at the end of the file. */
  read(page = 0, pages?: number): Uint8Array {
    return readPages(thisFile(this), 'readFile', page, pages)
  }

  /** write(2) of whole pages from page `page` on; the file grows. */
  write(bytes: Uint8Array, page = 0): void {
    writePages(thisFile(this), bytes, page)
  }

  /** The first word of each page, as read() has it. */
  words(page = 0, pages?: number): BigUint64Array {
    return firstWords(readPages(thisFile(this), 'readFile', page, pages))
  }

  /** Writes pages that begin with these words and are zero behind them. */
  writeWords(words: BigUint64Array, page = 0): void {
    const parts = thisFile(this)
    writePages(parts, pagesOfWords(typedArray(words, 'words', 'BigUint64Array')), page)
  }

  /** Mappings keep what they map. A second close does nothing. */
  close(): void {
    const { source, facts } = thisFile(this)
    if (!this.#open) return
    const status = source.native.closeFile(facts.id)
    if (status !== undefined && !isClosed(status) && errnoName(status) !== 'EBADF')
      throw kernelError(status, 'close', 'the file')
    this.#open = false
  }

  [Symbol.dispose](): void {
    thisFile(this)
    this.close()
  }
}

function writePages({ source, facts }: Parts<unknown, AnyFileFacts>, bytes: unknown, page: unknown): void {
  const first = integer(page, 'page', 0, 2 ** 31)
  const input = inputPages(bytes, 'bytes', 2 ** 20)
  const io = givenBy(source.native.writeFile(facts.id, first, input), 'write', 'the file')
  if (io.status !== 0) throw kernelError(io.status, 'write', 'the file', io.bytes / pageBytes)
}

/** Pages of a file by one of the reading calls. */
export function readPages(
  { source, facts }: Parts<unknown, AnyFileFacts>,
  call: ReadCall,
  page: unknown,
  pages: unknown,
): Uint8Array {
  const first = integer(page, 'page', 0, maxPages)
  const length = source.native.filePages(facts.id)
  if (typeof length === 'number') throw kernelError(length, 'read', 'the file')
  const wanted = pages === undefined ? Math.max(0, length.pages - first) : integer(pages, 'pages', 0, 2 ** 20)
  const bytes = newBytes(wanted * pageBytes, pages === undefined ? 'the rest of the file' : 'pages')
  const io = givenBy(source.native[call](facts.id, first, bytes), 'read', 'the file')
  if (io.status !== 0 && io.bytes === 0) throw kernelError(io.status, 'read', 'the file')
  return bytes.subarray(0, io.bytes)
}

/** What native code knows of a file of this box; of one of the class `kind`, described by `allowed`. */
export function fileFacts<Facts extends AnyFileFacts>(
  source: MachineSource<unknown>,
  value: unknown,
  argument: string,
  kind: abstract new (...parts: never) => object = BoxFile,
  allowed = 'a file of this box',
): Facts {
  const parts = partsIf<unknown, Facts>(value, kind)
  if (parts === undefined) throw wrongKind(argument, value, allowed)
  if (parts.source.native !== source.native) throw otherBox(argument)
  return parts.facts
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
  const bytes = newBytes(words.length * pageBytes, 'words')
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
