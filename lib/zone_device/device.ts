import { badArgument, boolean, options, typedArray, unsigned64 } from '../base/args.ts'
import { counted } from '../base/describe.ts'
import { newBytes } from '../base/newBytes.ts'
import { typedArrayLength, typedArrayName } from '../base/primordials.ts'
import type { PageboxError } from '../errors.ts'
import { partsOfThis } from '../mm/boxObject.ts'
import { type Mapping, type RangeParts, rangeOf } from '../mm/mapping.ts'
import { type Mm, mmId } from '../mm/mm.ts'
import { inputBytes, pageBytes } from '../mm/range.ts'
import type { MachineSource } from '../mm/source.ts'
import type { NativeDevice, NativeDeviceIo } from '../native/machineBinding.ts'
import { kernelError } from '../native/machineStatus.ts'
import { errnoName } from '../native/status.ts'
import {
  checkFreed,
  type DeviceMapOptions,
  type DeviceParts,
  deviceError,
  deviceState,
  MemoryDevice,
  mapDevice,
} from './memoryDevice.ts'
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

/** The calls of native code, by what they are called here. */
const calls = {
  read: 'deviceRead',
  write: 'deviceWrite',
  toDevice: 'migrateToDevice',
  toSystem: 'migrateToSystem',
  exclusive: 'deviceExclusive',
  snapshot: 'deviceSnapshot',
} as const
const none = new Uint8Array(0)

const thisDevice = <Owner>(value: Device<Owner>): DeviceParts<Owner> =>
  partsOfThis<Owner, NativeDevice>(value, Device, 'a device that mirrors address spaces')

/**
 * A device that mirrors address spaces and has memory of its own: what the kernel's HMM test driver
 * is. An address space is opened on it when it is first used.
 */
export class Device<Owner = unknown> extends MemoryDevice<Owner> {
  /** Use `box.addDevice()`. */
  constructor(source: MachineSource<Owner>, facts: NativeDevice, allowed: symbol) {
    super({ source, facts }, 'box.addDevice()', allowed)
    Object.freeze(this)
  }

  get type(): DeviceType {
    return thisDevice(this).facts.type as DeviceType
  }

  /** Pages of its memory in use. */
  get pagesInUse(): number {
    const parts = thisDevice(this)
    return parts.facts.pages - deviceState(parts).freePages
  }

  /** Opens an address space on the device; nothing happens if it is open. */
  open(mm: Mm): void {
    const device = thisDevice(this)
    const status = device.source.native.openDevice(device.facts.id, mmId(device.source, mm, 'mm'))
    if (status !== undefined) throw deviceError(device, status, 'open', mm.closed)
  }

  /**
   * Closes it, which moves every page in the device's memory, whosever it is, to system memory. Throws
   * `ERR_PAGEBOX_CLOSED` if it is not open.
   */
  close(mm: Mm): void {
    const device = thisDevice(this)
    const status = device.source.native.closeDevice(device.facts.id, mmId(device.source, mm, 'mm'))
    if (status !== undefined) throw deviceError(device, status, 'close', true)
  }

  isOpen(mm: Mm): boolean {
    const device = thisDevice(this)
    const found = device.source.native.deviceIsOpen(device.facts.id, mmId(device.source, mm, 'mm'))
    if (typeof found === 'number') throw deviceError(device, found, 'isOpen')
    return found
  }

  /** The device's own mmap: pages that no file has, present from the start. */
  mmap(mm: Mm<Owner>, mapping: DeviceMapOptions): Mapping<Owner> {
    return mapDevice(thisDevice(this), mm, mapping, false)
  }

  /** Reads a range through the device's page table, faulting in what is missing. */
  read(range: Mapping): DeviceRead {
    const device = thisDevice(this)
    const parts = rangeOf(device.source, range, 'range')
    const bytes = newBytes(parts.pages * pageBytes, 'range')
    const { pages, faults } = deviceIo(device, 'read', parts, bytes)
    return Object.freeze({ pages, faults, bytes })
  }

  /** Writes a whole range: its bytes, or the first word of each page with the rest zero. */
  write(range: Mapping, data: Uint8Array | BigUint64Array): DeviceIo {
    const device = thisDevice(this)
    const parts = rangeOf(device.source, range, 'range')
    const { pages, faults } = deviceIo(device, 'write', parts, dataFor(data, parts.pages))
    return Object.freeze({ pages, faults })
  }

  /**
   * Moves the pages of a range to the device's memory. A full device, or pages that cannot move, give
   * a partial result; if none moved it throws ENOENT.
   */
  migrateToDevice(range: Mapping, how: { copy?: boolean } = {}): Migration {
    const device = thisDevice(this)
    const parts = rangeOf(device.source, range, 'range')
    const bytes = bytesIf(how, parts.pages)
    const result = callDevice(device, 'toDevice', parts, bytes)
    if (result.status === 0) return Object.freeze({ pages: result.pages, errno: null, bytes: orNull(bytes) })
    if (result.moved === 0) throw refusal('migrateToDevice', result.status, parts)
    return Object.freeze({ pages: result.moved, errno: errnoName(result.status), bytes: null })
  }

  /** Moves what is in the device's memory back. `pages`: how many moved. */
  migrateToSystem(range: Mapping): Migration {
    const device = thisDevice(this)
    const parts = rangeOf(device.source, range, 'range')
    const { pages } = deviceIo(device, 'toSystem', parts, none)
    return Object.freeze({ pages, errno: null, bytes: null })
  }

  /** What the device would find, without faulting. `out` has room for a code a page, if given. */
  snapshot(range: Mapping, out?: Uint8Array): Snapshot {
    const device = thisDevice(this)
    const parts = rangeOf(device.source, range, 'range')
    const codes = out === undefined ? new Uint8Array(parts.pages) : typedArray(out, 'out', 'Uint8Array')
    if (typedArrayLength(codes) < parts.pages)
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'out', out, `a Uint8Array of at least ${parts.pages} bytes`)
    deviceIo(device, 'snapshot', parts, codes)
    return new Snapshot(codes.subarray(0, parts.pages))
  }

  /** Takes every page of a range for atomic access: no CPU's entry is left. EBUSY: not every page could be had. */
  exclusive(range: Mapping, how: { copy?: boolean } = {}): Migration {
    const device = thisDevice(this)
    const parts = rangeOf(device.source, range, 'range')
    const bytes = bytesIf(how, parts.pages)
    const { pages } = deviceIo(device, 'exclusive', parts, bytes)
    return Object.freeze({ pages, errno: null, bytes: orNull(bytes) })
  }

  /** Succeeds if a CPU has taken exclusive access of all pages back; EPERM while the device has it of one. */
  checkExclusive(range: Mapping): void {
    const device = thisDevice(this)
    const parts = rangeOf(device.source, range, 'range')
    const { native } = device.source
    const status = native.checkExclusive(device.facts.id, parts.mm, parts.address, parts.pages)
    if (status !== undefined) throw refusal('checkExclusive', status, parts)
  }

  /**
   * Moves every page to system memory and gives the device's memory up until it is needed again.
   * Throws EBUSY, with the holders in the message, while somebody holds pages.
   */
  release(): void {
    const parts = thisDevice(this)
    checkFreed(parts, 'release', parts.source.native.releaseDevice(parts.facts.id))
  }

  /**
   * Removes the device: its pages move to system memory, every address space is closed on it, its pfns
   * are gone. Throws EBUSY while somebody holds pages, and the device stays. A second remove does nothing.
   */
  override remove(): void {
    thisDevice(this)
    super.remove()
  }
}

type ToCall = keyof typeof calls

function callDevice(parts: DeviceParts<unknown>, call: ToCall, range: RangeParts, bytes: Uint8Array): NativeDeviceIo {
  const { native } = parts.source
  const result = native[calls[call]](parts.facts.id, range.mm, range.address, range.pages, bytes)
  if (typeof result === 'number') throw deviceError(parts, result, call, true)
  return result
}

function deviceIo(parts: DeviceParts<unknown>, call: ToCall, range: RangeParts, bytes: Uint8Array): NativeDeviceIo {
  const result = callDevice(parts, call, range, bytes)
  if (result.status !== 0) throw refusal(call, result.status, range)
  return result
}

const refusal = (call: string, status: number, { address, pages }: RangeParts): PageboxError =>
  kernelError(status, call, `${counted(pages, 'page')} at 0x${address.toString(16)}`)

const orNull = (bytes: Uint8Array): Uint8Array | null => (bytes.length === 0 ? null : bytes)

function bytesIf(how: unknown, pages: number): Uint8Array {
  const { copy } = options(how, 'options', ['copy'] as const)
  return copy !== undefined && boolean(copy, 'options.copy') ? newBytes(pages * pageBytes, 'range') : none
}

/** Whole pages of data, from bytes or from words. */
function dataFor(value: unknown, pages: number): Uint8Array {
  if (typeof value === 'object' && value !== null && typedArrayName(value) === 'BigUint64Array') {
    const words = typedArray(value, 'data', 'BigUint64Array', pages)
    const bytes = newBytes(pages * pageBytes, 'data')
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < pages; i++) view.setBigUint64(i * pageBytes, unsigned64(words[i], 'data'), true)
    return bytes
  }
  const bytes = inputBytes(value, 'data')
  if (typedArrayLength(bytes) !== pages * pageBytes)
    throw badArgument(
      'ERR_PAGEBOX_ARG_RANGE',
      'data',
      value,
      `${pages * pageBytes} bytes, or ${counted(pages, 'word')}`,
    )
  return bytes
}
