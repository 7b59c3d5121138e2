import { badArgument, boolean, integer, oneOf, options } from '../base/args.ts'
import { counted } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import { done, kernelError, made } from '../native/machineStatus.ts'
import { errnoName, isClosed } from '../native/status.ts'
import { Mapping, protOf } from './mapping.ts'
import type { MapKind, MmapOptions, MmCounters, Vma } from './mmTypes.ts'
import { type AnyFileFacts, fileFacts } from './boxFile.ts'
import { addressOf, checkEnd, maxPages } from './range.ts'
import { checkInternal, internal, type MachineSource, otherBox, wrongKind } from './source.ts'
import { unsigned64 } from '../base/args.ts'

const kinds: readonly MapKind[] = [
  'anon-private',
  'anon-shared',
  'file-private',
  'file-shared',
  'disk-private',
  'disk-shared',
  'dax-private',
  'dax-shared',
]

let partsOf: (value: unknown) => { source: MachineSource<unknown>; id: number } | undefined

/** An address space: mappings, page tables, and what a process may do with them. */
export class Mm<Owner = unknown> implements Disposable {
  readonly #source: MachineSource<Owner>
  readonly #id: number
  #open = true

  /** Use `box.createMm()` or `mm.fork()`. */
  constructor(source: MachineSource<Owner>, id: number, allowed: symbol) {
    checkInternal(allowed, 'Mm', 'box.createMm()')
    this.#source = source
    this.#id = id
    Object.freeze(this)
  }

  static #of<Owner>(value: Mm<Owner>): Mm<Owner> {
    if (typeof value === 'object' && value !== null && #id in value) return value
    throw wrongKind('this', value, 'an address space')
  }

  get box(): Owner {
    return Mm.#of(this).#source.box
  }

  get closed(): boolean {
    return !Mm.#of(this).#open
  }

  /** mmap(2). Nothing is present until it is touched. */
  mmap(mapping: MmapOptions): Mapping<Owner> {
    const self = Mm.#of(this)
    const known = ['pages', 'kind', 'prot', 'file', 'filePage', 'address', 'hugetlb'] as const
    const given = options(mapping, 'options', known)
    const pages = integer(given.pages, 'options.pages', 1, maxPages)
    const behind =
      given.file === undefined ? undefined : fileFacts<AnyFileFacts>(self.#source, given.file, 'options.file')
    const kind = kindOf(given.kind, behind)
    const filePage = given.filePage === undefined ? 0 : integer(given.filePage, 'options.filePage', 0, 2 ** 31)
    const prot = given.prot === undefined ? 'rw' : protOf(given.prot, 'options.prot')
    const address = given.address === undefined ? undefined : addressOf(given.address, 'options.address')
    if (address !== undefined) checkEnd(address, pages, 'options.address')
    const hugetlb = given.hugetlb !== undefined && boolean(given.hugetlb, 'options.hugetlb')
    if (hugetlb) checkHugetlb(pages, kind, address ?? 0n)
    const backing = hugetlb ? 'hugetlb' : kind.startsWith('anon') ? 'anon' : 'file'
    const shared = kind.endsWith('shared')
    const object = behind === undefined ? none : behind.id
    const { native } = self.#source
    const request = { mm: self.#id, pages, prot, shared, backing, object, filePage } as const
    const at = native.mmap(address === undefined ? request : { ...request, address })
    if (typeof at === 'number')
      throw kernelError(
        at,
        'mmap',
        self.#subject(hugetlb ? counted(pages / hugePages, 'huge page') : counted(pages, 'page')),
      )
    return new Mapping(self.#source, self, self.#id, at, pages, internal)
  }

  /** A range of this address space, whatever is mapped there; nothing, perhaps. */
  at(address: bigint | number, pages = 1): Mapping<Owner> {
    const self = Mm.#of(this)
    const from = addressOf(address, 'address')
    const count = integer(pages, 'pages', 1, maxPages)
    checkEnd(from, count, 'address')
    return new Mapping(self.#source, self, self.#id, from, count, internal)
  }

  /** Reads the word at an address, a multiple of 8. Throws `ERR_PAGEBOX_SIGNAL`. */
  load(address: bigint | number): bigint {
    const self = Mm.#of(this)
    const at = addressOf(address, 'address', 8)
    const found = self.#source.native.load(self.#id, at)
    if (typeof found === 'bigint') return found
    throw kernelError(found, 'load', self.#subject(`0x${at.toString(16)}`))
  }

  /** Writes it. */
  store(address: bigint | number, value: bigint | number): void {
    const self = Mm.#of(this)
    const at = addressOf(address, 'address', 8)
    const status = self.#source.native.store(self.#id, at, unsigned64(value, 'value'))
    done(status, 'store', self.#subject(`0x${at.toString(16)}`))
  }

  /** fork(2): a copy on write of this address space. Pages that may be pinned are copied at once. */
  fork(): Mm<Owner> {
    const self = Mm.#of(this)
    const { id } = made(self.#source.native.forkMm(self.#id), 'fork', self.#subject('the address space'))
    return new Mm(self.#source, id, internal)
  }

  /** The mappings, by address. */
  get vmas(): Vma[] {
    const self = Mm.#of(this)
    const found = self.#source.native.vmas(self.#id)
    if (typeof found === 'number') throw kernelError(found, 'vmas', 'the address space')
    return found.map(({ address, pages, flags, prot, shared, locked, hugetlb, file, disk, device, dax, filePage }) => {
      const behind = dax ? 'dax' : file ? (disk ? 'disk' : 'file') : 'anon'
      return Object.freeze({
        address,
        pages,
        prot,
        shared,
        locked,
        hugetlb,
        kind: device && !dax ? ('device' as const) : (`${behind}-${shared ? 'shared' : 'private'}` as MapKind),
        filePage,
        flags,
      })
    })
  }

  /** Pages by what they are, as smaps counts them. */
  counters(): MmCounters {
    const self = Mm.#of(this)
    const counters = { size: 0, rss: 0, anon: 0, file: 0, swap: 0, device: 0, softDirty: 0, locked: 0 }
    for (const vma of self.vmas) {
      counters.size += vma.pages
      const blocks = vma.kind.startsWith('dax')
      for (const { state, file, softDirty, flags } of self.at(vma.address, vma.pages).pagemap()) {
        // Entries of blocks count nothing; what a private mapping has copied is a page like any other.
        const counts = !flags?.includes('ZERO_PAGE') && !(blocks && flags?.includes('NOPAGE'))
        if (state === 'present' && counts) {
          counters.rss++
          if (file) counters.file++
          else counters.anon++
          if (vma.locked) counters.locked++
        } else if (state === 'swap') counters.swap++
        else if (state.startsWith('dev_private')) counters.device++
        if (softDirty && state !== 'none') counters.softDirty++
      }
    }
    return Object.freeze(counters)
  }

  /** Clears the soft-dirty bits (4 to `/proc/pid/clear_refs`). */
  clearRefs(): void {
    const self = Mm.#of(this)
    done(self.#source.native.clearRefs(self.#id), 'clearRefs', 'the address space')
  }

  /** The process exits: everything is unmapped, its devices are closed. Its pins live on. */
  close(): void {
    const self = Mm.#of(this)
    if (!self.#open) return
    const status = self.#source.native.closeMm(self.#id)
    if (status !== undefined && !isClosed(status) && errnoName(status) !== 'EBADF')
      throw kernelError(status, 'close', 'the address space')
    self.#open = false
  }

  [Symbol.dispose](): void {
    Mm.#of(this).close()
  }

  #subject(otherwise: string): string {
    return this.#open ? otherwise : 'the address space'
  }

  static {
    partsOf = (value) =>
      typeof value === 'object' && value !== null && #id in value ? { source: value.#source, id: value.#id } : undefined
  }
}

/** No file is behind it. */
const none = 0

/** Pages of a huge page. */
const hugePages = 512
const hugeBytes = 0x20_0000n

/** MAP_HUGETLB is for private anonymous memory here, of whole huge pages. */
function checkHugetlb(pages: number, kind: MapKind, address: bigint): void {
  const wrong = (argument: string, value: unknown, allowed: string) =>
    badArgument('ERR_PAGEBOX_ARG_RANGE', argument, value, allowed)
  if (kind !== 'anon-private') throw wrong('options.kind', kind, "'anon-private', with hugetlb: true")
  if (pages % hugePages !== 0) throw wrong('options.pages', pages, 'a multiple of 512, with hugetlb: true')
  if (address % hugeBytes !== 0n)
    throw wrong('options.address', address, 'a multiple of 2 MiB (0x200000), with hugetlb: true')
}

function kindOf(value: unknown, file: AnyFileFacts | undefined): MapKind {
  const kind = value === undefined ? undefined : oneOf(value, 'options.kind', kinds)
  if (file === undefined) {
    if (kind?.startsWith('disk') || kind?.startsWith('dax')) throw needsFile(kind)
    return kind ?? 'anon-private'
  }
  const { room } = file
  if (kind === undefined) return `${room}-shared`
  if (!kind.startsWith(room))
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.kind', kind, `'${room}-private' or '${room}-shared'`)
  return kind
}

const needsFile = (kind: string): PageboxError =>
  new PageboxError('ERR_PAGEBOX_ARG_RANGE', `options.file: kind '${kind}' maps a file; give one`, {
    argument: 'options.file',
    given: 'undefined',
    allowed: 'what box.createFile(), box.openFile() or createFile() of a dax device returned',
  })

/** The number of an address space of this box. */
export function mmId(source: MachineSource<unknown>, value: unknown, argument: string): number {
  const parts = partsOf(value)
  if (parts === undefined) throw wrongKind(argument, value, 'an address space')
  if (parts.source.native !== source.native) throw otherBox(argument)
  return parts.id
}

/** True for what has the calls of an address space. */
export const isMm = (value: unknown): value is Mm =>
  typeof value === 'object' && value !== null && 'mmap' in value && 'fork' in value && 'box' in value
