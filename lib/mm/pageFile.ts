import { integer } from '../base/args.ts'
import { counted } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import { done } from '../native/machineStatus.ts'
import { type AnyFileFacts, BoxFile, fileFacts, readPages } from './boxFile.ts'
import { type Parts, partsOfThis } from './boxObject.ts'
import type { MachineSource } from './source.ts'

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

/** What native code knows of a file that has a page cache. */
export interface FileFacts extends AnyFileFacts {
  readonly kind: FileKind
  readonly direct: boolean
}

const thisFile = (value: PageFile): Parts<unknown, FileFacts> =>
  partsOfThis<unknown, FileFacts>(value, PageFile, 'a file with a page cache')

/** A file of a box: its page cache, and what stands behind it. Whole pages. */
export class PageFile extends BoxFile<unknown, FileFacts> {
  /** Use `box.createFile()` or `box.openFile()`. */
  constructor(source: MachineSource<unknown>, facts: FileFacts, allowed: symbol) {
    super({ source, facts }, 'box.createFile() or box.openFile()', allowed)
    Object.freeze(this)
  }

  get kind(): FileKind {
    return thisFile(this).facts.kind
  }

  /** Direct I/O goes by O_DIRECT. False for a real file whose file system refused. */
  get direct(): boolean {
    return thisFile(this).facts.direct
  }

  /** As read(), past the page cache, from the disk itself; dirty pages are written first. */
  readDirect(page = 0, pages?: number): Uint8Array {
    return readPages(thisFile(this), 'readFileDirect', page, pages)
  }

  /** fsync(2): dirty pages go to the disk. Throws the first error of a write since the last call. */
  writeback(): void {
    const { source, facts } = thisFile(this)
    done(source.native.syncFile(facts.id), 'writeback', 'the file')
  }

  /** Cuts the file, or lets it grow by a hole. */
  truncate(pages: number): void {
    const { source, facts } = thisFile(this)
    const length = integer(pages, 'pages', 0, 2 ** 31)
    done(source.native.truncateFile(facts.id, length), 'truncate', 'the file')
  }
}

/** The number of a file of this box that has a page cache. */
export const pageFileId = (source: MachineSource<unknown>, value: unknown, argument: string): number =>
  fileFacts(source, value, argument, PageFile, 'a file of this box with a page cache').id

/** A file whose length and words are as the options say. */
export function checkFileOptions(pages: number, words: BigUint64Array | undefined): void {
  if (words !== undefined && words.length > pages)
    throw new PageboxError(
      'ERR_PAGEBOX_ARG_RANGE',
      `options.words has ${counted(words.length, 'word')} for ${counted(pages, 'page')}`,
      {
        argument: 'options.words',
        given: `${words.length} words`,
        allowed: `at most ${pages}`,
      },
    )
}
