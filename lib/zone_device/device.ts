import { badArgument, boolean, integer, options, typedArray, unsigned64 } from '../base/args.ts'
import { typedArrayLength, typedArrayName } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'
import { Mapping, protOf, prots, type RangeParts, rangeOf } from '../mm/mapping.ts'
import { type Mm, mmId } from '../mm/mm.ts'
import type { Prot } from '../mm/mmTypes.ts'
import { addressOf, checkEnd, inputBytes, maxPages, pageBytes } from '../mm/range.ts'
import { checkInternal, internal, type MachineSource, wrongKind } from '../mm/source.ts'
import type { NativeDevice, NativeDeviceIo, NativeHolder } from '../native/machineBinding.ts'
import { kernelError } from '../native/machineStatus.ts'
import { closed, errnoName } from '../native/status.ts'
import { Snapshot } from './snapshot.ts'

/** Kinds of device memory that a box can have. `'public'` exists in the layouts of v4.20. */
export type DeviceType = 'private' | 'coherent' | 'public'
export const deviceTypes: readonly DeviceType[] = ['private', 'coherent', 'public']

/** Settings of a new device. */
export interface DeviceOptions {
  /** Whether CPUs can reach its memory (`'coherent'`, `'public'`) or not (`'private'`, the default). */
  type?: DeviceType
  /** Memory of its own; 1024. */
  pages?: number
  /** Names it to other threads; `'device 1'` and so on. */
  name?: string
}

/** A page of a device that somebody uses. */
export interface PageHolder {
  readonly pfn: number
  readonly refcount: number
  readonly mapcount: number
  readonly maybePinned: boolean
}

/** What a device read or wrote through its page table. */
export interface DeviceIo {
  readonly pages: number
  /** Times that pages had to be faulted in. */
  readonly faults: number
}

export interface DeviceRead extends DeviceIo {
  readonly bytes: Uint8Array
}

/** What a migration moved. */
export interface Migration {
  /** Pages of the range that are there now. */
  readonly pages: number
  /** Why not all of them; null if all are. Nothing is lost: the others are where they were. */
  readonly errno: string | null
  /** What the device has, if asked for with `copy` and complete. */
  readonly bytes: Uint8Array | null
}

const io = { read: 0, write: 1, toDevice: 2, toSystem: 3, exclusive: 4, snapshot: 5 } as const
const none = new Uint8Array(0)

/**
 * A device that mirrors address spaces and has memory of its own: what the kernel's HMM test driver
 * is. An address space is opened on it when it is first used.
 */
export class Device<Owner = unknown> implements Disposable {
  readonly #source: MachineSource<Owner>
  readonly #facts: NativeDevice
  #removed = false

  /** Use `box.addDevice()`. */
  constructor(source: MachineSource<Owner>, facts: NativeDevice, allowed: symbol) {
    checkInternal(allowed, 'Device', 'box.addDevice()')
    this.#source = source
    this.#facts = facts
    Object.freeze(this)
  }

  static #of<Owner>(value: Device<Owner>): Device<Owner> {
    if (typeof value === 'object' && value !== null && #facts in value) return value
    throw wrongKind('this', value, 'a device')
  }

  get box(): Owner {
    return Device.#of(this).#source.box
  }

  get name(): string {
    return Device.#of(this).#facts.name
  }

  get type(): DeviceType {
    return Device.#of(this).#facts.type as DeviceType
  }

  /** The first of its pages; they lie behind RAM. */
  get firstPfn(): number {
    return Device.#of(this).#facts.firstPfn
  }

  get pages(): number {
    return Device.#of(this).#facts.pages
  }

  get removed(): boolean {
    return Device.#of(this).#removed
  }

  /** Pages of its memory in use. */
  get pagesInUse(): number {
    return Device.#of(this).#state().pagesInUse
  }

  /** Pages in use, with what holds each. */
  holders(): PageHolder[] {
    return Device.#of(this)
      .#state()
      .holders.map((holder) => Object.freeze(holder))
  }

  #state(): { pagesInUse: number; holders: NativeHolder[] } {
    const self = Device.#of(this)
    const state = self.#source.native.deviceState(self.#facts.id)
    if (typeof state === 'number') throw self.#error(state, 'state')
    return state
  }

  /** Opens an address space on the device; nothing happens if it is open. */
  open(mm: Mm): void {
    const self = Device.#of(this)
    const status = self.#source.native.openDevice(self.#facts.id, mmId(self.#source, mm, 'mm'))
    if (status !== undefined) throw self.#error(status, 'open', mm.closed)
  }

  /**
   * Closes it, which moves every page in the device's memory, whosever it is, to system memory. Throws
   * `ERR_PAGEBOX_CLOSED` if it is not open.
   */
  close(mm: Mm): void {
    const self = Device.#of(this)
    const status = self.#source.native.closeDevice(self.#facts.id, mmId(self.#source, mm, 'mm'))
    if (status !== undefined) throw self.#error(status, 'close', true)
  }

  isOpen(mm: Mm): boolean {
    const self = Device.#of(this)
    const found = self.#source.native.deviceIsOpen(self.#facts.id, mmId(self.#source, mm, 'mm'))
    if (typeof found === 'number') throw self.#error(found, 'isOpen')
    return found
  }

  /** The device's own mmap: pages that no file has, present from the start. */
  mmap(mm: Mm<Owner>, mapping: { pages: number; prot?: Prot; address?: bigint | number }): Mapping<Owner> {
    const self = Device.#of(this)
    const id = mmId(self.#source, mm, 'mm')
    const given = options(mapping, 'options', ['pages', 'prot', 'address'] as const)
    const pages = integer(given.pages, 'options.pages', 1, maxPages)
    const prot = given.prot === undefined ? prots.rw : protOf(given.prot, 'options.prot')
    const chosen = given.address !== undefined
    const address = chosen ? addressOf(given.address, 'options.address') : 0n
    if (chosen) checkEnd(address, pages, 'options.address')
    const { native } = self.#source
    const at = native.mmap(id, chosen, address, pages, prot, false, 2, self.#facts.id, 0)
    if (typeof at === 'number') throw self.#error(at, 'mmap', mm.closed)
    return new Mapping(self.#source, mm, id, at, pages, internal)
  }

  /** Reads a range through the device's page table, faulting in what is missing. */
  read(range: Mapping): DeviceRead {
    const self = Device.#of(this)
    const parts = rangeOf(self.#source, range, 'range')
    const bytes = new Uint8Array(parts.pages * pageBytes)
    const { pages, faults } = self.#io('read', parts, bytes)
    return Object.freeze({ pages, faults, bytes })
  }

  /** Writes a whole range: its bytes, or the first word of each page with the rest zero. */
  write(range: Mapping, data: Uint8Array | BigUint64Array): DeviceIo {
    const self = Device.#of(this)
    const parts = rangeOf(self.#source, range, 'range')
    const { pages, faults } = self.#io('write', parts, dataFor(data, parts.pages))
    return Object.freeze({ pages, faults })
  }

  /**
   * Moves the pages of a range to the device's memory. A full device, or pages that cannot move, give
   * a partial result; if none moved it throws ENOENT.
   */
  migrateToDevice(range: Mapping, how: { copy?: boolean } = {}): Migration {
    const self = Device.#of(this)
    const parts = rangeOf(self.#source, range, 'range')
    const bytes = bytesIf(how, parts.pages)
    const result = self.#call('toDevice', parts, bytes)
    if (result.status === 0) return Object.freeze({ pages: result.pages, errno: null, bytes: orNull(bytes) })
    if (result.moved === 0) throw self.#refusal('migrateToDevice', result.status, parts)
    return Object.freeze({ pages: result.moved, errno: errnoName(result.status), bytes: null })
  }

  /** Moves what is in the device's memory back. `pages`: how many moved. */
  migrateToSystem(range: Mapping): Migration {
    const self = Device.#of(this)
    const parts = rangeOf(self.#source, range, 'range')
    const { pages } = self.#io('toSystem', parts, none)
    return Object.freeze({ pages, errno: null, bytes: null })
  }

  /** What the device would find, without faulting. `out` has room for a code a page, if given. */
  snapshot(range: Mapping, out?: Uint8Array): Snapshot {
    const self = Device.#of(this)
    const parts = rangeOf(self.#source, range, 'range')
    const codes = out === undefined ? new Uint8Array(parts.pages) : typedArray(out, 'out', 'Uint8Array')
    if (typedArrayLength(codes) < parts.pages)
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'out', out, `a Uint8Array of at least ${parts.pages} bytes`)
    self.#io('snapshot', parts, codes)
    return new Snapshot(codes.subarray(0, parts.pages))
  }

  /** Takes every page of a range for atomic access: no CPU's entry is left. EBUSY: not every page could be had. */
  exclusive(range: Mapping, how: { copy?: boolean } = {}): Migration {
    const self = Device.#of(this)
    const parts = rangeOf(self.#source, range, 'range')
    const bytes = bytesIf(how, parts.pages)
    const { pages } = self.#io('exclusive', parts, bytes)
    return Object.freeze({ pages, errno: null, bytes: orNull(bytes) })
  }

  /** Succeeds if a CPU has taken exclusive access of all pages back; EPERM while the device has it of one. */
  checkExclusive(range: Mapping): void {
    const self = Device.#of(this)
    const parts = rangeOf(self.#source, range, 'range')
    const { native } = self.#source
    const status = native.checkExclusive(self.#facts.id, parts.mm, parts.address, parts.pages)
    if (status !== undefined) throw self.#refusal('checkExclusive', status, parts)
  }

  /**
   * Moves every page to system memory and gives the device's memory up until it is needed again.
   * Throws EBUSY, with the holders in the message, while somebody holds pages.
   */
  release(): void {
    const self = Device.#of(this)
    self.#free('release', self.#source.native.releaseDevice(self.#facts.id))
  }

  /**
   * Removes the device: its pages move to system memory, every address space is closed on it, its pfns
   * are gone. Throws EBUSY while somebody holds pages, and the device stays. A second remove does nothing.
   */
  remove(): void {
    const self = Device.#of(this)
    if (self.#removed) return
    const { native } = self.#source
    const result = native.removeDevice(self.#facts.id)
    const gone = typeof result === 'object' && errnoName(result.status) === 'EBADF'
    if (!gone && result !== closed) self.#free('remove', result)
    self.#removed = true
  }

  [Symbol.dispose](): void {
    Device.#of(this).remove()
  }

  #free(call: string, result: { status: number; holders: NativeHolder[] } | number | undefined): void {
    if (result === undefined) return
    if (typeof result === 'number') throw this.#error(result, call)
    const name = errnoName(result.status)
    if (name !== 'EBUSY') throw this.#error(result.status, call)
    const held = holdersText(result.holders)
    throw new PageboxError('ERR_PAGEBOX_REFUSED', `${call}: device '${this.#facts.name}' is in use: ${held}`, {
      argument: 'this',
      given: held,
      allowed: 'a device whose pages nobody holds',
      errno: name,
    })
  }

  #call(call: keyof typeof io, range: RangeParts, bytes: Uint8Array): NativeDeviceIo {
    const { native } = this.#source
    const result = native.deviceIo(io[call], this.#facts.id, range.mm, range.address, range.pages, bytes)
    if (typeof result === 'number') throw this.#error(result, call, true)
    return result
  }

  #io(call: keyof typeof io, range: RangeParts, bytes: Uint8Array): NativeDeviceIo {
    const result = this.#call(call, range, bytes)
    if (result.status !== 0) throw this.#refusal(call, result.status, range)
    return result
  }

  #refusal(call: string, status: number, { address, pages }: RangeParts): PageboxError {
    return kernelError(status, call, `${pages} page${pages === 1 ? '' : 's'} at 0x${address.toString(16)}`)
  }

  /** Of a status that is about the device, or about an address space that is closed. */
  #error(status: number, call: string, ofMm = false): PageboxError {
    if (status > 0 && errnoName(status) === 'ENODEV')
      return new PageboxError('ERR_PAGEBOX_CLOSED', `${call}: device '${this.#facts.name}' was removed`, {
        argument: 'this',
        given: 'a removed device',
        allowed: 'a device of the box',
        errno: 'ENODEV',
      })
    return kernelError(status, call, ofMm ? 'the address space' : `device '${this.#facts.name}'`)
  }
}

/** Pages in words, the first few of them. */
function holdersText(holders: readonly NativeHolder[]): string {
  if (holders.length === 0) return 'its own memory is mapped'
  const shown = holders
    .slice(0, 4)
    .map(
      ({ pfn, refcount, mapcount, maybePinned }) =>
        `page ${pfn} (refcount ${refcount}, mapcount ${mapcount}${maybePinned ? ', may be pinned' : ''})`,
    )
  if (holders.length > shown.length) shown.push(`${holders.length - shown.length} more`)
  return shown.join(', ')
}

const orNull = (bytes: Uint8Array): Uint8Array | null => (bytes.length === 0 ? null : bytes)

function bytesIf(how: unknown, pages: number): Uint8Array {
  const { copy } = options(how, 'options', ['copy'] as const)
  return copy !== undefined && boolean(copy, 'options.copy') ? new Uint8Array(pages * pageBytes) : none
}

/** Whole pages of data, from bytes or from words. */
function dataFor(value: unknown, pages: number): Uint8Array {
  if (typeof value === 'object' && value !== null && typedArrayName(value) === 'BigUint64Array') {
    const words = typedArray(value, 'data', 'BigUint64Array', pages)
    const bytes = new Uint8Array(pages * pageBytes)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < pages; i++) view.setBigUint64(i * pageBytes, unsigned64(words[i], 'data'), true)
    return bytes
  }
  const bytes = inputBytes(value, 'data')
  if (typedArrayLength(bytes) !== pages * pageBytes)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'data', value, `${pages * pageBytes} bytes, or ${pages} words`)
  return bytes
}

/** True for what has the calls of a device. */
export const isDevice = (value: unknown): value is Device =>
  typeof value === 'object' && value !== null && 'migrateToDevice' in value && 'pagesInUse' in value
