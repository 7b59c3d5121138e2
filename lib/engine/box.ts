import { boolean, integer, oneOf, options } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import type { NativeBox } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { badPfn, closedError, created, errnoName, isBadFirst, isClosed, isFailure, refusal } from '../native/status.ts'
import { tables } from '../native/tables.ts'
import { boundLru } from '../page/boundLru.ts'
import { BoxPage, type PageSource } from '../page/boxPage.ts'
import type { Layout } from '../page/layout.ts'
import type { Lru } from '../page/lru.ts'
import type { Page } from '../page/page.ts'
import { boundPins } from '../pins/boundPins.ts'
import { counterOf } from '../pins/countIn.ts'
import type { Pins } from '../pins/pins.ts'
import { maxOrder } from '../pins/room.ts'
import type { Scheme } from '../pins/scheme.ts'
import { schemeFrom } from '../pins/schemes.ts'
import type { Mm } from '../mm/mm.ts'
import type { FileOptions, OpenFileOptions, PageFile } from '../mm/pageFile.ts'
import type { MachineSource } from '../mm/source.ts'
import { kernelError } from '../native/machineStatus.ts'
import type { DaxDevice, DaxOptions } from '../zone_device/daxDevice.ts'
import type { Device, DeviceOptions } from '../zone_device/device.ts'
import type { P2pdma, P2pdmaOptions } from '../zone_device/p2pdma.ts'
import { type AuditReport, auditReport } from './audit.ts'
import {
  addDax,
  addDevice,
  addP2pdma,
  compact,
  createFile,
  createMm,
  daxDevices,
  devices,
  hugetlb,
  openFile,
  p2pdmaDevices,
  reclaim,
} from './boxMachine.ts'
import { readBoxOptions } from './boxOptions.ts'
import type { BoxLeft, BoxOptions, BoxToken, HugetlbCounts, PageSetup } from './boxTypes.ts'

const maxAuditRows = 1 << 20

const nothingLeft: BoxLeft = Object.freeze({ mms: 0, files: 0, pinned: Object.freeze([]) })

let nativeBoxOf: (value: unknown) => NativeBox | undefined

/** What a box's pages need of it, and what it shows of itself. */
interface BoxSource extends PageSource<Box> {
  readonly scheme: Scheme
  readonly pins: Pins
}

/** Only this file can make a box. */
const key = Symbol('Box')

/**
 * The memory of a small machine: an array of real page descriptors, the frames they describe, the
 * LRU lists, and one pin scheme.
 *
 * ```ts
 * const box = Box.create({ pages: 1 << 20, scheme: 'refcount-bias', layout: 'linux-6.12' })
 * try {
 *   box.pins.pin(42)
 *   box.pins.maybePinned(42) // true
 *   box.pins.unpin(42)
 *   box.audit().assertClean()
 * } finally {
 *   box.close()
 * }
 * ```
 */
export class Box implements Disposable {
  readonly #native: NativeBox
  readonly #source: BoxSource
  readonly #machine: MachineSource<Box>
  readonly #lru: Lru
  #open = true

  /** Use {@link Box.create} or {@link Box.attach}. */
  constructor(made: NativeBox, allowed: symbol) {
    if (allowed !== key)
      throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', 'a box is made by Box.create() or Box.attach()', {
        argument: 'new Box()',
        allowed: 'Box.create(options)',
      })
    const { layout, scheme } = made.facts
    this.#native = made
    this.#lru = boundLru(made)
    const shown = schemeFrom(
      scheme,
      tables().schemes.some(({ name }) => name === scheme.name),
    )
    this.#source = Object.freeze({
      box: this,
      native: made,
      layout: Object.freeze({ ...layout, builtin: tables().layouts.some(({ name }) => name === layout.name) }),
      scheme: shown,
      counter: counterOf(shown),
      pins: boundPins(made),
    })
    this.#machine = Object.freeze({ box: this, native: made, page: (pfn: number) => this.page(pfn) })
    Object.freeze(this)
  }

  /**
   * Makes a box. Nothing of it is touched, so 2^28 pages (16 GiB of descriptors) take milliseconds.
   *
   * Throws `ERR_PAGEBOX_NO_ROOM` if the scheme does not exist in the layout, `ERR_PAGEBOX_MEMORY` if
   * the memory cannot be reserved, and the errors of its arguments.
   */
  static create(settings: BoxOptions): Box {
    const read = readBoxOptions(settings, 'options')
    return new Box(created(native().createBox(read), 'options'), key)
  }

  /**
   * A second handle on a box of this process, from the token that {@link Box.token} gave; usually in
   * a worker. The memory lives until the last handle is closed. Throws `ERR_PAGEBOX_TOKEN`.
   */
  static attach(token: BoxToken): Box {
    const { pagebox, id } = options(token, 'token', ['pagebox', 'id'] as const)
    const made = pagebox === 'box' && typeof id === 'string' ? native().attachBox(id) : undefined
    if (made === undefined || isFailure(made))
      throw new PageboxError('ERR_PAGEBOX_TOKEN', 'token names no open box of this process', {
        argument: 'token',
        allowed: 'what token() of an open box returned',
      })
    return new Box(made, key)
  }

  /** What a wrong `this` gets instead of a TypeError of the engine's. */
  static #of(value: unknown): Box {
    if (typeof value === 'object' && value !== null && #native in value) return value as Box
    throw new PageboxError('ERR_PAGEBOX_THIS', 'a method of Box was called on something else', {
      argument: 'this',
      given: typeof value,
      allowed: 'a box',
    })
  }

  get pages(): number {
    return Box.#of(this).#native.facts.pages
  }

  /** The layout with the stride that the scheme really costs. */
  get layout(): Layout {
    return Box.#of(this).#source.layout
  }

  get scheme(): Scheme {
    return Box.#of(this).#source.scheme
  }

  /** Whether pins and references are accounted for. */
  get ledger(): boolean {
    return Box.#of(this).#native.facts.ledger
  }

  get closed(): boolean {
    return !Box.#of(this).#open
  }

  /** Pins, references and the direct view. */
  get pins(): Pins {
    return Box.#of(this).#source.pins
  }

  /** The LRU lists. */
  get lru(): Lru {
    return Box.#of(this).#lru
  }

  /** A page, to look at. Throws `ERR_PAGEBOX_PFN_RANGE`. */
  page(pfn: number): Page<Box> {
    const box = Box.#of(this)
    const head = box.#native.headOf(pfn)
    if (isBadFirst(head)) throw badPfn(pfn, 'pfn', box.#native.pfnLimit())
    if (isClosed(head)) throw closedError()
    return new BoxPage(box.#source, pfn)
  }

  /**
   * Makes the 2^order pages from `pfn` on be of a type, with every field of that type holding a legal
   * value. Throws `ERR_PAGEBOX_NO_ROOM` where the layout has no such page, `ERR_PAGEBOX_REFUSED`
   * (EBUSY) while somebody holds one of them.
   */
  setup(pfn: number, setup: PageSetup): void {
    const box = Box.#of(this)
    const given = options(setup, 'setup', ['type', 'order', 'mapcount', 'onLru'] as const)
    const type = oneOf(given.type, 'setup.type', tables().pageTypes)
    const order = given.order === undefined ? 0 : integer(given.order, 'setup.order', 0, maxOrder)
    const mapcount = given.mapcount === undefined ? 1 : integer(given.mapcount, 'setup.mapcount', 0, 2 ** 30)
    const onLru = given.onLru === undefined ? true : boolean(given.onLru, 'setup.onLru')
    const status = box.#native.setup(pfn, type, order, mapcount, onLru)
    if (status === undefined) return
    if (isBadFirst(status)) throw badPfn(pfn, 'pfn', box.pages)
    const pages = order === 0 ? `page ${pfn}` : `pages ${pfn} to ${pfn + 2 ** order - 1}`
    switch (errnoName(status)) {
      case 'REFUSED':
        throw new PageboxError(
          'ERR_PAGEBOX_NO_ROOM',
          `setup: layout '${box.layout.name}' has no page of type '${type}' and order ${order}`,
          { argument: 'setup.type', given: `'${type}', order ${order}`, allowed: box.layout.types.join(', ') },
        )
      case 'EINVAL':
        throw new PageboxError(
          'ERR_PAGEBOX_ARG_RANGE',
          `setup: ${pages} cannot be '${type}': the pfn must be a multiple of 2^order, and mapcount and onLru fit the type`,
          {
            argument: 'setup',
            given: `'${type}', order ${order}, mapcount ${mapcount}`,
            allowed: 'a multiple of 2^order',
          },
        )
      case 'EOPNOTSUPP':
        throw new PageboxError('ERR_PAGEBOX_REFUSED', 'setup: the pages of this box belong to address spaces', {
          argument: 'pfn',
          given: 'a box with frames, address spaces, files or devices',
          allowed: 'a box without',
          errno: 'EOPNOTSUPP',
        })
      case 'EBUSY':
        throw new PageboxError('ERR_PAGEBOX_REFUSED', `setup: ${pages} is pinned, referenced or isolated`, {
          argument: 'pfn',
          given: pages,
          allowed: 'pages that nobody holds',
          errno: 'EBUSY',
        })
      default:
        throw refusal(status, 'setup', pages)
    }
  }

  /**
   * Recomputes what every touched descriptor must hold and reports each difference. Waits for calls
   * of other threads; throws `ERR_PAGEBOX_BUSY` while a race runs.
   */
  audit(limits: { maxRows?: number } = {}): AuditReport {
    const box = Box.#of(this)
    const given = options(limits, 'limits', ['maxRows'] as const)
    const maxRows = given.maxRows === undefined ? 64 : integer(given.maxRows, 'limits.maxRows', 0, maxAuditRows)
    const found = box.#native.audit(maxRows)
    if (typeof found === 'number') throw refusal(found, 'audit', 'the box')
    return auditReport(found)
  }

  /**
   * A new address space. The first one, as the first file or device, gives the box its machine: memory
   * behind the descriptors, and an allocator that hands pages out. From then on pages that nobody has
   * touched are address spaces', and neither `pins.pin` nor `setup` makes something of them.
   *
   * Throws `ERR_PAGEBOX_NO_ROOM` where the layout lacks a field or a flag that address spaces need, or
   * has words of 4 bytes; the message names it.
   */
  createMm(): Mm<Box> {
    return createMm(Box.#of(this).#machine)
  }

  /** A new file: in memory, as on tmpfs, or on a disk that is memory itself. */
  createFile(settings: FileOptions = {}): PageFile {
    return createFile(Box.#of(this).#machine, settings)
  }

  /** Opens a real file of whole pages as a disk: buffered and direct I/O really read and write it. */
  openFile(path: string, settings: OpenFileOptions = {}): PageFile {
    return openFile(Box.#of(this).#machine, path, settings)
  }

  /**
   * Adds a device that mirrors address spaces, with memory of its own. Throws `ERR_PAGEBOX_NO_ROOM` if the layout has no such
   * memory, and says so if the pfns that the box keeps for devices do not suffice (`devicePages`).
   */
  addDevice(settings: DeviceOptions = {}): Device<Box> {
    return addDevice(Box.#of(this).#machine, settings)
  }

  /** Adds memory that is storage: blocks that files have and processes map. Errors as addDevice(). */
  addDax(settings: DaxOptions = {}): DaxDevice<Box> {
    return addDax(Box.#of(this).#machine, settings)
  }

  /** Adds memory of a device on the bus (PCI_P2PDMA). Errors as addDevice(). */
  addP2pdma(settings: P2pdmaOptions = {}): P2pdma<Box> {
    return addP2pdma(Box.#of(this).#machine, settings)
  }

  /** The devices of the box that mirror address spaces, whichever thread has added them. */
  get devices(): Device<Box>[] {
    return devices(Box.#of(this).#machine)
  }

  /** The pool of huge pages for `mmap({ hugetlb: true })`: how many there are, free, and promised. */
  get hugetlb(): HugetlbCounts {
    return hugetlb(Box.#of(this).#machine)
  }

  get daxDevices(): DaxDevice<Box>[] {
    return daxDevices(Box.#of(this).#machine)
  }

  get p2pdmaDevices(): P2pdma<Box>[] {
    return p2pdmaDevices(Box.#of(this).#machine)
  }

  /** Frees up to `pages` pages from the ends of the LRU lists, as kswapd would. How many were freed. */
  reclaim(pages?: number): number {
    return reclaim(Box.#of(this).#machine, pages)
  }

  /** Moves what can move of pages [first, first + pages) to other frames. How many moved. */
  compact(first?: number, pages?: number): number {
    return compact(Box.#of(this).#machine, first, pages)
  }

  /**
   * Back to the state at creation. Touched pages only; every pin and reference is forgotten. Throws
   * `ERR_PAGEBOX_REFUSED` (EBUSY) while there are address spaces, files or devices.
   */
  reset(): void {
    const status = Box.#of(this).#native.reset()
    if (status !== undefined && status > 0) throw kernelError(status, 'reset', 'the box')
    if (status !== undefined) throw refusal(status, 'reset', 'the box')
  }

  /** What a worker needs to {@link Box.attach}: plain data for `postMessage`. */
  token(): BoxToken {
    const id = Box.#of(this).#native.token()
    if (typeof id === 'number') throw refusal(id, 'token', 'the box')
    return { pagebox: 'box', id }
  }

  /**
   * Closes this handle. Its address spaces exit, its pins are taken back, its files are written and
   * closed; what was still open is returned. It waits for nobody: a race that it began is told to stop,
   * and while any race has the box, that race ends what was open, when it ends itself. The memory
   * goes with the last handle, race and direct window. A second close does nothing.
   */
  close(): BoxLeft {
    const box = Box.#of(this)
    if (!box.#open) return nothingLeft
    const { mms, files, pinned } = box.#native.close()
    box.#open = false
    return Object.freeze({ mms, files, pinned: Object.freeze(pinned) })
  }

  [Symbol.dispose](): void {
    Box.#of(this).close()
  }

  static {
    nativeBoxOf = (value) =>
      typeof value === 'object' && value !== null && #native in value ? value.#native : undefined
  }
}

/** The addon's box behind a box; undefined for anything else. Not exported by the package. */
export const nativeOf = (box: unknown): NativeBox | undefined => nativeBoxOf(box)
