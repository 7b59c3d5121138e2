import { type BehaviourOptions, behaviourKeys } from '../../pins/behaviour.ts'
import { callback, options, or } from '../../base/args.ts'
import { describe } from '../../base/describe.ts'
import { guardThis } from '../../base/guardThis.ts'
import { PageboxError } from '../../errors.ts'
import { checkInternal, internal } from '../../mm/source.ts'
import {
  bufferOf,
  deviceOf,
  fileOf,
  need,
  flag,
  pageKeys,
  pinOf,
  procIn,
  procOf,
  rangeKeys,
  rangeOf,
} from './builderArgs.ts'
import { readScenario } from './readScenario.ts'
import type { ScenarioOp, ScenarioThread, WrittenScenario } from './scenarioTypes.ts'
import type {
  BufferHandle,
  DeviceHandle,
  FileHandle,
  ProcessHandle,
  PinHandle,
  Who,
  Range,
  FailSettings,
  PageOf,
  PlacedPages,
  PageSettings,
  MapSettings,
  PinSettings,
} from './builderTypes.ts'

interface Names {
  letters: number
  pins: number
  processes: number
}

/** Adds operations to one list. Every method returns what later operations need to name. */
export class OpList {
  readonly #ops: ScenarioOp[]
  readonly #names: Names

  /** Use {@link scenario}. */
  constructor(ops: ScenarioOp[], names: Names, allowed: symbol) {
    checkInternal(allowed, new.target.name, 'scenario()')
    this.#ops = ops
    this.#names = names
  }

  /** Any operation of the vocabulary, by its fields. */
  op(op: ScenarioOp): void {
    this.#ops.push(op)
  }
  mmap(settings: MapSettings): BufferHandle {
    if (this.#names.letters === 26)
      throw new PageboxError('ERR_PAGEBOX_SCENARIO', 'more than 26 buffers', { argument: 'mmap', allowed: 'a to z' })
    const buf = String.fromCharCode(97 + this.#names.letters++)
    const given = options(settings, 'settings', ['proc', 'pages', 'kind', 'prot', 'fill', 'file', 'device'])
    const { pages, fill, file, device } = given
    this.#add({
      op: 'mmap',
      ...procIn(given.proc),
      buf,
      pages,
      kind: or(given.kind, 'anon-private'),
      prot: or(given.prot, 'rw'),
      ...(fill === undefined ? {} : { fill }),
      ...(file === undefined ? {} : fileOf(file)),
      ...(device === undefined ? {} : deviceOf(device)),
    })
    return { buf, pages: pages as number }
  }
  munmap(buffer: BufferHandle, range?: Range): void {
    this.#on('munmap', buffer, range)
  }
  mprotect(buffer: BufferHandle, prot: '' | 'r' | 'w' | 'rw', range?: Range): void {
    this.#on('mprotect', buffer, range, { prot })
  }
  madvise(buffer: BufferHandle, advice: string, range?: Range): void {
    this.#on('madvise', buffer, range, { advice })
  }
  mlock(buffer: BufferHandle, range?: Range): void {
    this.#on('mlock', buffer, range)
  }
  munlock(buffer: BufferHandle, range?: Range): void {
    this.#on('munlock', buffer, range)
  }
  load(buffer: BufferHandle, range?: Range): void {
    this.#on('load', buffer, range)
  }
  store(buffer: BufferHandle, value: number, range?: Range): void {
    this.#on('store', buffer, range, { value })
  }
  pageout(buffer: BufferHandle, range?: Range): void {
    this.madvise(buffer, 'pageout', range)
  }
  pagemap(buffer: BufferHandle, range?: Range): void {
    this.#on('pagemap', buffer, range)
  }

  pin(buffer: BufferHandle, settings: PinSettings = {}): PinHandle {
    const id = this.#names.pins++
    const given = options(settings, 'settings', [...rangeKeys, 'via', 'write', 'fast'])
    const { via, write, fast } = given
    const flags = { ...flag('write', write), ...flag('fast', fast) }
    this.#at('pin', buffer, rangeOf(given), { id, via: or(via, 'gup'), ...flags })
    return { id, ...procIn(given.proc) } as PinHandle
  }
  /** All pages, or those of `range`: the rest stays pinned, and is counted from 0 again. */
  unpin(pin: PinHandle, range?: { page?: number; n?: number }): void {
    const { page, n } = options(range, 'range', ['page', 'n'])
    this.#add({ op: 'unpin', ...pinOf(pin), ...rangeOf({ proc: undefined, page, n }) })
  }
  pinRead(pin: PinHandle): void {
    this.#add({ op: 'pin_read', ...pinOf(pin) })
  }
  pinWrite(pin: PinHandle, value: number): void {
    this.#add({ op: 'pin_write', ...pinOf(pin), value })
  }
  /** Takes pages and gives them back at once. */
  gup(buffer: BufferHandle, mode: string, settings: Range & { write?: boolean; longterm?: boolean } = {}): void {
    const given = options(settings, 'settings', [...rangeKeys, 'write', 'longterm'])
    const flags = { ...flag('write', given.write), ...flag('longterm', given.longterm) }
    this.#at('gup', buffer, rangeOf(given), { mode, ...flags })
  }

  /**
   * Makes folios of 2^order pages from `pfn` on be of a type, as a driver's: no process maps them. The
   * machine has so many pages more.
   */
  setUpPages(settings: { pfn: number; pages?: number; type?: string; order?: number }): PlacedPages {
    const given = options(need(settings, 'settings', 'an object with pfn'), 'settings', [
      'pfn',
      'pages',
      'type',
      'order',
    ])
    const { pfn, pages, order } = given
    this.#add({
      op: 'set_up_page',
      pfn,
      ...(pages === undefined ? {} : { pages }),
      type: or(given.type, 'anon'),
      ...(order === undefined ? {} : { order }),
    })
    return { pfn: pfn as number, pages: (or(pages, 2 ** ((order as number | undefined) ?? 0)) as number) ?? 1 }
  }
  /** Gives a page's own references back: it is free when nobody holds it any more. */
  releasePage(page: PlacedPages, settings?: PageSettings): void {
    this.#onPage('release_page', page, settings)
  }
  getPage(page: PageOf, settings?: PageSettings): void {
    this.#onPage('get_page', page, settings)
  }
  putPage(page: PageOf | 'same' | 'held', settings?: PageSettings): void {
    this.#onPage('put_page', page, settings)
  }
  /** `referenced`: as slow GUP, of a page that the thread has a reference of. */
  pinPage(page: PageOf | 'same', settings: PageSettings & { referenced?: boolean } = {}): void {
    const { referenced, ...rest } = options(settings, 'settings', [...pageKeys, 'referenced'])
    this.#onPage('pin_page', page, rest as PageSettings, flag('referenced', referenced))
  }
  /** Of `'same'`: the page that the thread's last operation on pages had; of `'held'`: any that it has pinned. */
  unpinPage(page: PageOf | 'same' | 'held', settings?: PageSettings): void {
    this.#onPage('unpin_page', page, settings)
  }
  isolatePage(page: PageOf, settings?: PageSettings): void {
    this.#onPage('isolate_page', page, settings)
  }
  putbackPage(page: PageOf | 'same' | 'held', settings?: PageSettings): void {
    this.#onPage('putback_page', page, settings)
  }
  /** Asks; `v` is 1 or 0. */
  maybePinned(page: PageOf | 'same' | 'held', settings?: PageSettings): void {
    this.#onPage('maybe_pinned', page, settings)
  }
  /** Asks; `v` is the count, and 1 if it is exact. */
  pinsOf(page: PageOf | 'same' | 'held', settings?: PageSettings): void {
    this.#onPage('pins_of', page, settings)
  }

  /** As migration does before it copies: fails unless all references are the page's own and the thread's. */
  freezePage(page: PlacedPages, settings?: PageSettings): void {
    this.#onPage('freeze_page', page, settings)
  }

  /** `evict`: a driver that moves the oldest pages out where its memory is full. */
  migrateToDevice(device: DeviceHandle, buffer: BufferHandle, range: Range & { evict?: boolean } = {}): void {
    const { evict, ...rest } = options(range, 'range', [...rangeKeys, 'evict'])
    this.#at('migrate_to_dev', buffer, rangeOf(rest), { ...deviceOf(device), ...flag('evict', evict) })
  }
  migrateToSystem(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('migrate_to_sys', buffer, range, deviceOf(device))
  }
  deviceRead(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('dev_read', buffer, range, deviceOf(device))
  }
  deviceWrite(device: DeviceHandle, buffer: BufferHandle, value: number, range?: Range): void {
    this.#on('dev_write', buffer, range, { ...deviceOf(device), value })
  }
  exclusive(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('exclusive', buffer, range, deviceOf(device))
  }
  snapshot(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('snapshot', buffer, range, deviceOf(device))
  }
  /** Takes the device's memory away, until it is needed again. */
  release(device: DeviceHandle, who?: Who): void {
    this.#add({ op: 'release', ...procOf(who), ...deviceOf(device) })
  }

  /** Closes the process's handle: all pages move out of the device; `keep`: pages of others stay there. */
  closeDevice(device: DeviceHandle, settings: Who & { keep?: boolean } = {}): void {
    const { proc, keep } = options(settings, 'settings', ['proc', 'keep'])
    this.#add({ op: 'close_dev', ...procIn(proc), ...deviceOf(device), ...flag('keep', keep) })
  }

  /** Lets an allocation or a copy of this thread fail: at `site`, as the vocabulary names them. */
  failNth(site: string, settings: FailSettings = {}): void {
    const { nth, times } = options(settings, 'settings', ['nth', 'times'])
    this.#add({
      op: 'fail_nth',
      site,
      ...(nth === undefined ? {} : { nth }),
      ...(times === undefined ? {} : { times }),
    })
  }
  /** How many failures this thread has been given: `v`. */
  injected(): void {
    this.op({ op: 'injected' })
  }
  /** Lets the operation go on that has stood at its point longest, and waits until it is over. */
  resume(): void {
    this.op({ op: 'resume' })
  }

  fork(who?: Who): ProcessHandle {
    const proc = `q${++this.#names.processes}`
    this.#add({ op: 'fork', ...procOf(who), child: proc })
    return { proc }
  }
  /** `keep`: its devices leave the pages of other processes where they are. */
  exit(process: ProcessHandle, settings: { keep?: boolean } = {}): void {
    const { proc } = options(need(process, 'process'), 'process', ['proc'])
    const { keep } = options(settings, 'settings', ['keep'])
    this.#add({ op: 'exit', proc, ...flag('keep', keep) })
  }

  /** O_DIRECT to the file, from pages that are pinned meanwhile. */
  directWrite(buffer: BufferHandle, file: FileHandle, at: { page: number; n: number; fpage: number } & Who): void {
    const given = options(need(at, 'at', 'an object with page, n and fpage'), 'at', [...rangeKeys, 'fpage'])
    this.#at('dio_write', buffer, rangeOf(given), { ...fileOf(file), fpage: given.fpage })
  }
  directRead(buffer: BufferHandle, file: FileHandle, at: { page: number; n: number; fpage: number } & Who): void {
    const given = options(need(at, 'at', 'an object with page, n and fpage'), 'at', [...rangeKeys, 'fpage'])
    this.#at('dio_read', buffer, rangeOf(given), { ...fileOf(file), fpage: given.fpage })
  }
  writeback(file: FileHandle): void {
    this.#add({ op: 'writeback', ...fileOf(file) })
  }
  /** Moves every page that can move to another frame; `n`: tries so many at most, from where the last one stopped. */
  compact(settings: { n?: number } = {}): void {
    const { n } = options(settings, 'settings', ['n'])
    this.op({ op: 'compact', ...(n === undefined ? {} : { n: n as number }) })
  }
  yield(): void {
    this.op({ op: 'yield' })
  }
  /** Waits until every thread is here. */
  barrier(): void {
    this.op({ op: 'barrier' })
  }
  repeat(n: number, body: (list: OpList) => void): void {
    const ops: ScenarioOp[] = []
    callback<(list: OpList) => void>(body, 'body')(new OpList(ops, this.#names, internal))
    this.#add({ op: 'repeat', n, ops })
  }

  #on(op: string, buffer: BufferHandle, range: Range | undefined, more: object = {}): void {
    this.#at(op, buffer, rangeOf(options(range, 'range', rangeKeys)), more)
  }
  #onPage(op: string, page: unknown, settings: unknown, more: object = {}): void {
    const range = rangeOf(options(settings, 'settings', pageKeys))
    if (typeof page === 'string') {
      this.#add({ op, ...range, page, ...more })
      return
    }
    const { pfn, pages, buf } = options(need(page, 'page'), 'page', ['pfn', 'pages', 'buf'])
    const choosing = typeof range.page === 'string' && buf === undefined
    this.#add({ op, ...(buf === undefined ? { pfn } : { buf }), ...(choosing ? { pages } : {}), ...range, ...more })
  }
  #at(op: string, buffer: BufferHandle, range: object, more: object): void {
    this.#add({ op, ...range, buf: bufferOf(buffer).buf, ...more })
  }
  /** Values are as they were given: {@link scenario} checks the whole. */
  #add(op: Record<string, unknown>): void {
    this.#ops.push(op as unknown as ScenarioOp)
  }

  static {
    guardThis(OpList, (value) => typeof value === 'object' && value !== null && #ops in value, 'a list of operations')
  }
}

/** What sets a scenario up, and its threads. */
export class ScenarioBuilder extends OpList {
  readonly #threads: ScenarioThread[]
  readonly #after: ScenarioOp[]
  readonly #names: Names
  readonly #used = { private: 0, coherent: 0, files: 0 }

  /** Use {@link scenario}. */
  constructor(setup: ScenarioOp[], threads: ScenarioThread[], after: ScenarioOp[], allowed: symbol) {
    const names = { letters: 0, pins: 0, processes: 0 }
    super(setup, names, allowed)
    this.#threads = threads
    this.#after = after
    this.#names = names
  }

  /** A device of the machine: it has two of each kind. */
  device(type: 'private' | 'coherent'): DeviceHandle {
    if ((type !== 'private' && type !== 'coherent') || this.#used[type] === 2)
      throw new PageboxError('ERR_PAGEBOX_SCENARIO', `device: ${describe(type)}: two private and two coherent ones`, {
        argument: 'device',
        given: describe(type),
        allowed: "'private' and 'coherent', twice each",
      })
    return { dev: this.#used[type]++ + (type === 'private' ? 0 : 2) }
  }
  /** A file on disk with contents. */
  file(settings: { pages: number; value?: number }): FileHandle {
    const { pages, value } = options(need(settings, 'settings', 'an object with pages'), 'settings', ['pages', 'value'])
    const file = this.#used.files++
    this.op({ op: 'file', file, pages, value: or(value, 0) } as unknown as ScenarioOp)
    return { file }
  }
  /** One more thread. All of them begin at once, after the setup. */
  thread(name: string, body: (list: OpList) => void): void {
    const ops: ScenarioOp[] = []
    callback<(list: OpList) => void>(body, 'body')(new OpList(ops, this.#names, internal))
    this.#threads.push({ name, ops })
  }

  /** What comes when all threads are done, alone: looks at what is left, and at what works still. */
  after(body: (list: OpList) => void): void {
    callback<(list: OpList) => void>(body, 'body')(new OpList(this.#after, this.#names, internal))
  }

  static {
    const isOne = (value: unknown): boolean => typeof value === 'object' && value !== null && #threads in value
    guardThis(ScenarioBuilder, isOne, 'a scenario that is being built')
  }
}

/**
 * Writes a scenario down. The result is plain data: `JSON.stringify` of it is the scenario's file.
 *
 * ```ts
 * const s = scenario('pin against migration', { pages: 64 }, (b) => {
 *   const buf = b.mmap({ pages: 1 })
 *   const gpu = b.device('private')
 *   b.thread('dma', (t) => t.unpin(t.pin(buf)))
 *   b.thread('gpu', (t) => t.migrateToDevice(gpu, buf))
 * })
 * ```
 *
 * @throws PageboxError `ERR_PAGEBOX_SCENARIO` for a value that an operation does not allow.
 */
export function scenario(
  name: string,
  settings: { pages?: number; hugePages?: boolean } & BehaviourOptions,
  build: (builder: ScenarioBuilder) => void,
): WrittenScenario {
  const keys = ['pages', 'hugePages', ...behaviourKeys] as const
  const { pages, hugePages, ...behaviour } = { ...options(settings, 'settings', keys) }
  const setup: ScenarioOp[] = []
  const threads: ScenarioThread[] = []
  const after: ScenarioOp[] = []
  callback<(builder: ScenarioBuilder) => void>(build, 'build')(new ScenarioBuilder(setup, threads, after, internal))
  const made: WrittenScenario = {
    name,
    ...(pages === undefined ? {} : { pages: pages as number }),
    ...(behaviour as BehaviourOptions),
    setup,
    threads,
    ...(after.length > 0 && { after }),
    ...(hugePages === undefined ? {} : { hugePages: hugePages as boolean }),
  }
  readScenario(made)
  return made
}
