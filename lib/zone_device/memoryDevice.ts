import { integer, options } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import { BoxObject, type Parts, partsOfThis } from '../mm/boxObject.ts'
import { Mapping, protOf } from '../mm/mapping.ts'
import { type Mm, mmId } from '../mm/mm.ts'
import type { Prot } from '../mm/mmTypes.ts'
import { addressOf, checkEnd, maxPages } from '../mm/range.ts'
import { internal } from '../mm/source.ts'
import type { NativeDevice, NativeHolder } from '../native/machineBinding.ts'
import { kernelError } from '../native/machineStatus.ts'
import { errnoName, isClosed } from '../native/status.ts'

/** A page of a device that somebody uses. */
export interface PageHolder {
  readonly pfn: number
  readonly refcount: number
  readonly mapcount: number
  readonly maybePinned: boolean
}

/** How memory of a device is mapped. */
export interface DeviceMapOptions {
  pages: number
  /** `'rw'`. */
  prot?: Prot
  /** Where: a multiple of 4096 at which nothing is mapped. Chosen if left out. */
  address?: bigint | number
}

export type DeviceParts<Owner> = Parts<Owner, NativeDevice>

const thisDevice = <Owner>(value: MemoryDevice<Owner>): DeviceParts<Owner> =>
  partsOfThis<Owner, NativeDevice>(value, MemoryDevice, 'a device')

/** A device with memory of its own behind RAM, whose pages have descriptors too (ZONE_DEVICE). */
export abstract class MemoryDevice<Owner = unknown> extends BoxObject<Owner, NativeDevice> implements Disposable {
  #removed = false

  get box(): Owner {
    return thisDevice(this).source.box
  }

  get name(): string {
    return thisDevice(this).facts.name
  }

  /** The first of its pages; they lie behind RAM. */
  get firstPfn(): number {
    return thisDevice(this).facts.firstPfn
  }

  get pages(): number {
    return thisDevice(this).facts.pages
  }

  get removed(): boolean {
    thisDevice(this)
    return this.#removed
  }

  /** Pages that it could still hand out. */
  get freePages(): number {
    return deviceState(thisDevice(this)).freePages
  }

  /** Pages in use, with what holds each. */
  holders(): PageHolder[] {
    return deviceState(thisDevice(this)).holders.map((holder) => Object.freeze(holder))
  }

  /**
   * Removes the device, and its pfns with it. Throws EBUSY, with the holders in the message, while
   * somebody holds pages. A second remove does nothing.
   */
  remove(): void {
    const parts = thisDevice(this)
    if (this.#removed) return
    const result = parts.source.native.removeDevice(parts.facts.id)
    const gone = typeof result === 'object' && errnoName(result.status) === 'EBADF'
    if (!gone && !isClosed(result)) checkFreed(parts, 'remove', result)
    this.#removed = true
  }

  [Symbol.dispose](): void {
    thisDevice(this)
    this.remove()
  }
}

export function deviceState(parts: DeviceParts<unknown>): { freePages: number; holders: NativeHolder[] } {
  const state = parts.source.native.deviceState(parts.facts.id)
  if (typeof state === 'number') throw deviceError(parts, state, 'state')
  return state
}

/** Maps memory of the device into an address space. */
export function mapDevice<Owner>(
  parts: DeviceParts<Owner>,
  mm: Mm<Owner>,
  mapping: DeviceMapOptions,
  shared: boolean,
): Mapping<Owner> {
  const { source, facts } = parts
  const id = mmId(source, mm, 'mm')
  const given = options(mapping, 'options', ['pages', 'prot', 'address'] as const)
  const pages = integer(given.pages, 'options.pages', 1, maxPages)
  const prot = given.prot === undefined ? 'rw' : protOf(given.prot, 'options.prot')
  const address = given.address === undefined ? undefined : addressOf(given.address, 'options.address')
  if (address !== undefined) checkEnd(address, pages, 'options.address')
  const backing = 'device'
  const request = { mm: id, pages, prot, shared, backing, object: facts.id, filePage: 0 } as const
  const at = source.native.mmap(address === undefined ? request : { ...request, address })
  if (typeof at === 'number') throw deviceError(parts, at, 'mmap', mm.closed)
  return new Mapping(source, mm, id, at, pages, internal)
}

/** Throws if the device could not give its memory up; says who holds it. */
export function checkFreed(
  parts: DeviceParts<unknown>,
  call: string,
  result: { status: number; holders: NativeHolder[] } | number | undefined,
): void {
  if (result === undefined) return
  if (typeof result === 'number') throw deviceError(parts, result, call)
  const name = errnoName(result.status)
  if (name !== 'EBUSY') throw deviceError(parts, result.status, call)
  const held = holdersText(result.holders)
  throw new PageboxError('ERR_PAGEBOX_REFUSED', `${call}: device '${parts.facts.name}' is in use: ${held}`, {
    argument: 'this',
    given: held,
    allowed: 'a device whose pages nobody holds',
    errno: name,
  })
}

/** Of a status that is about the device, or about an address space that is closed. */
export function deviceError({ facts }: DeviceParts<unknown>, status: number, call: string, ofMm = false): PageboxError {
  if (status > 0 && errnoName(status) === 'ENODEV')
    return new PageboxError('ERR_PAGEBOX_CLOSED', `${call}: device '${facts.name}' was removed, or is about to be`, {
      argument: 'this',
      given: 'a removed device',
      allowed: 'a device of the box',
      errno: 'ENODEV',
    })
  return kernelError(status, call, ofMm ? 'the address space' : `device '${facts.name}'`)
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

/** True for what has the calls of a device. */
export const isMemoryDevice = (value: unknown): value is MemoryDevice =>
  typeof value === 'object' && value !== null && 'holders' in value && 'firstPfn' in value
