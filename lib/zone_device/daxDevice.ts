import { badArgument, integer, options } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import { partsOfThis } from '../mm/boxObject.ts'
import { internal, type MachineSource } from '../mm/source.ts'
import type { NativeDevice } from '../native/machineBinding.ts'
import { created, errnoName } from '../native/status.ts'
import { DaxFile } from './daxFile.ts'
import { type DeviceParts, deviceError, MemoryDevice } from './memoryDevice.ts'

/**
 * What the memory of a dax device is for: `'fsdax'` is blocks of a file system's files, `'devdax'` one
 * file of all pages, `'fsdax-limited'` the blocks of fsdax without page descriptors (FS_DAX_LIMITED).
 */
export type DaxKind = 'fsdax' | 'devdax' | 'fsdax-limited'
export const daxKinds: readonly DaxKind[] = ['fsdax', 'devdax', 'fsdax-limited']

/** Settings of a new dax device. */
export interface DaxOptions {
  /** `'fsdax'`. */
  kind?: DaxKind
  /** Memory that is storage; 1024. */
  pages?: number
  /** Names it to other threads; `'device 1'` and so on. */
  name?: string
}

const thisDevice = <Owner>(value: DaxDevice<Owner>): DeviceParts<Owner> =>
  partsOfThis<Owner, NativeDevice>(value, DaxDevice, 'a dax device')

/**
 * Memory that is storage: its pages are the blocks of files, which processes map without a page cache
 * between. Mappings count nothing in the descriptors; pins do, and the block stays where it is until they
 * are gone.
 */
export class DaxDevice<Owner = unknown> extends MemoryDevice<Owner> {
  /** Use `box.addDax()`. */
  constructor(source: MachineSource<Owner>, facts: NativeDevice, allowed: symbol) {
    super({ source, facts }, 'box.addDax()', allowed)
    Object.freeze(this)
  }

  get kind(): DaxKind {
    return thisDevice(this).facts.type as DaxKind
  }

  /** Blocks of no file. Pins of a file that was closed may hold some of them still: no file gets those. */
  override get freePages(): number {
    thisDevice(this)
    return super.freePages
  }

  /**
   * A file of zeroed blocks, none if `pages` is left out. Throws ENOSPC if there are not so many. On a
   * devdax device the one file of all its pages, without `pages`; EBUSY while that is open.
   */
  createFile(settings: { pages?: number } = {}): DaxFile<Owner> {
    const parts = thisDevice(this)
    const { source, facts } = parts
    const { pages } = options(settings, 'options', ['pages'] as const)
    const all = facts.type === 'devdax'
    if (all && pages !== undefined)
      throw badArgument(
        'ERR_PAGEBOX_ARG_RANGE',
        'options.pages',
        pages,
        'nothing: the file has all pages of the device',
      )
    const length = pages === undefined ? 0 : integer(pages, 'options.pages', 0, 2 ** 31)
    const made = source.native.createDaxFile(facts.id, length)
    if (typeof made === 'object')
      return new DaxFile(source, { id: created(made, 'this').id, room: 'dax', device: this }, internal)
    if (all && errnoName(made) === 'EBUSY')
      throw new PageboxError('ERR_PAGEBOX_REFUSED', `createFile: device '${facts.name}' has its one file already`, {
        argument: 'this',
        given: 'a devdax device whose file is open or mapped',
        allowed: 'a devdax device without a file',
        errno: 'EBUSY',
      })
    throw deviceError(parts, made, 'createFile')
  }

  /**
   * Takes every mapping of its files away, then the memory: the files are empty from then on, accesses
   * get SIGBUS, and the pfns are free again when the last file is closed and unmapped. Throws EBUSY, with
   * the holders in the message, while a block is pinned; mappings then fault in again, and nothing is
   * lost. A second remove does nothing.
   */
  override remove(): void {
    thisDevice(this)
    super.remove()
  }
}
