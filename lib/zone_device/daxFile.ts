import { integer } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import { type AnyFileFacts, BoxFile } from '../mm/boxFile.ts'
import { type Parts, partsOfThis } from '../mm/boxObject.ts'
import { maxPages } from '../mm/range.ts'
import type { MachineSource } from '../mm/source.ts'
import { kernelError } from '../native/machineStatus.ts'
import type { DaxDevice } from './daxDevice.ts'

/** What native code knows of a file on a dax device. */
export interface DaxFileFacts<Owner> extends AnyFileFacts {
  readonly device: DaxDevice<Owner>
}

const thisFile = <Owner>(value: DaxFile<Owner>): Parts<Owner, DaxFileFacts<Owner>> =>
  partsOfThis<Owner, DaxFileFacts<Owner>>(value, DaxFile, 'a file on a dax device')

/**
 * A file on a dax device. Reads, writes and mappings all reach the same blocks: what a program stores is
 * in the file at once. Empty once the device is removed.
 */
export class DaxFile<Owner = unknown> extends BoxFile<Owner, DaxFileFacts<Owner>> {
  /** Use `createFile()` of a dax device. */
  constructor(source: MachineSource<Owner>, facts: DaxFileFacts<Owner>, allowed: symbol) {
    super({ source, facts }, 'createFile() of a dax device', allowed)
    Object.freeze(this)
  }

  get device(): DaxDevice<Owner> {
    return thisFile(this).facts.device
  }

  /**
   * Sets the length. A shorter file gives no block away that is in use: then it throws EBUSY, names the
   * page, and has done nothing but take the blocks out of page tables, where the next access puts them
   * back. A kernel waits for the pin instead; here it would wait for its own thread. EINVAL on devdax.
   */
  truncate(pages: number): void {
    const { source, facts } = thisFile(this)
    const length = integer(pages, 'pages', 0, 2 ** 31)
    const found = source.native.truncateDaxFile(facts.id, length)
    if (found === undefined) return
    if (typeof found === 'number') throw kernelError(found, 'truncate', 'the file')
    const { pfn } = found
    throw new PageboxError('ERR_PAGEBOX_REFUSED', `truncate: the file: EBUSY, page ${pfn} of it is pinned or held`, {
      argument: 'pages',
      given: `${length}`,
      allowed: `a length that leaves page ${pfn} to the file, until it is unpinned`,
      errno: 'EBUSY',
    })
  }

  /**
   * Takes the blocks from page `first` on out of every page table and looks for one that is in use
   * (dax_layout_busy_page): its pfn, or null. Always null without descriptors: there nobody can tell.
   */
  layoutBusyPage(first = 0): number | null {
    const { source, facts } = thisFile(this)
    const found = source.native.daxBusyPage(facts.id, integer(first, 'first', 0, maxPages))
    if (typeof found === 'number') throw kernelError(found, 'layoutBusyPage', 'the file')
    return found.pfn ?? null
  }
}
