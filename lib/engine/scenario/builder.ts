import { callback, options } from '../../base/args.ts'
import { describe } from '../../base/describe.ts'
import { PageboxError } from '../../errors.ts'
import { checkInternal, internal } from '../../mm/source.ts'
import { readScenario } from './readScenario.ts'
import type { ScenarioOp, ScenarioThread, WrittenScenario } from './scenarioTypes.ts'

/** Memory of a scenario: the letter that is mapped at. */
export interface BufferHandle {
  readonly buf: string
  readonly pages: number
}
export interface DeviceHandle {
  readonly dev: number
}
export interface FileHandle {
  readonly file: number
}
/** A process other than the first. */
export interface ProcessHandle {
  readonly proc: string
}
export interface PinHandle {
  readonly id: number
  readonly proc?: string
}

/** In whose name; the first process by default. */
export interface Who {
  proc?: ProcessHandle
}
/** Which pages of a buffer; all by default. */
export interface Range extends Who {
  /** A number, or how it is chosen anew each time. */
  page?: number | 'sequential' | 'random' | 'zipf' | 'hot'
  n?: number
}
export interface MapSettings extends Who {
  pages: number
  /** `'anon-private'` by default. */
  kind?: string
  prot?: '' | 'r' | 'w' | 'rw'
  fill?: number
  file?: FileHandle
  device?: DeviceHandle
}
export interface PinSettings extends Range {
  via?: 'gup' | 'uring' | 'vmsplice'
  write?: boolean
  fast?: boolean
}

interface Names {
  letters: number
  pins: number
  processes: number
}

/** A field that is there if a setting says so. */
const flag = (name: string, value: unknown): Record<string, 1> => (value ? { [name]: 1 } : {})

/** The fields that were given: what they may be says {@link readScenario}, of the whole. */
const set = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** One field of a handle: of a process, a device, a file, a buffer. */
function handled(value: unknown, argument: string, key: 'proc' | 'dev' | 'file' | 'buf'): unknown {
  const field = value === undefined ? undefined : options(value, argument, ['proc', 'dev', 'file', 'buf', 'pages'])[key]
  if (field !== undefined) return field
  throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${argument} must be what a builder returned, with '${key}'`, {
    argument,
    given: describe(value),
    allowed: `an object with '${key}'`,
  })
}

const handledIf = (value: unknown, argument: string, key: 'proc' | 'dev' | 'file'): unknown =>
  value === undefined ? undefined : handled(value, argument, key)

const inRange = ['proc', 'page', 'n'] as const

/** Fields of a range, and of the settings that extend one. */
const rangeOf = ({ proc, page, n }: { readonly [Key in (typeof inRange)[number]]: unknown }, argument: string) =>
  set({ proc: handledIf(proc, `${argument}.proc`, 'proc'), page, n })

const who = (value: unknown): Record<string, unknown> =>
  set({ proc: handledIf(options(value, 'who', ['proc'] as const).proc, 'who.proc', 'proc') })

/** Adds operations to one list. Every method returns what later operations need to name. */
export class OpList {
  readonly #ops: ScenarioOp[]
  readonly #names: Names

  /** Use {@link scenario}. */
  constructor(ops: ScenarioOp[], names: Names, allowed: symbol) {
    checkInternal(allowed, 'OpList', 'scenario()')
    this.#ops = ops
    this.#names = names
  }

  /** Any operation of the vocabulary, by its fields. */
  op(op: ScenarioOp): void {
    this.#ops.push(op)
  }
  mmap(settings: MapSettings): BufferHandle {
    const known = ['proc', 'pages', 'kind', 'prot', 'fill', 'file', 'device'] as const
    const { proc, pages, kind = 'anon-private', prot = 'rw', fill, file, device } = options(settings, 'settings', known)
    if (this.#names.letters === 26)
      throw new PageboxError('ERR_PAGEBOX_SCENARIO', 'more than 26 buffers', { argument: 'mmap', allowed: 'a to z' })
    const fields = {
      proc: handledIf(proc, 'settings.proc', 'proc'),
      pages,
      kind,
      prot,
      fill,
      file: handledIf(file, 'settings.file', 'file'),
      dev: handledIf(device, 'settings.device', 'dev'),
    }
    const buf = String.fromCharCode(97 + this.#names.letters++)
    this.#add('mmap', { buf, ...fields })
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
    const given = options(settings, 'settings', [...inRange, 'via', 'write', 'fast'] as const)
    const { via = 'gup', write, fast } = given
    const range = rangeOf(given, 'settings')
    const fields = {
      ...range,
      buf: handled(buffer, 'buffer', 'buf'),
      via,
      ...flag('write', write),
      ...flag('fast', fast),
    }
    const id = this.#names.pins++
    this.#add('pin', { id, ...fields })
    return { id, ...(range.proc === undefined ? {} : { proc: range.proc as string }) }
  }
  unpin(pin: PinHandle): void {
    this.#pinned('unpin', pin)
  }
  pinRead(pin: PinHandle): void {
    this.#pinned('pin_read', pin)
  }
  pinWrite(pin: PinHandle, value: number): void {
    this.#pinned('pin_write', pin, { value })
  }
  /** Takes pages and gives them back at once. */
  gup(buffer: BufferHandle, mode: string, settings: Range & { write?: boolean; longterm?: boolean } = {}): void {
    const given = options(settings, 'settings', [...inRange, 'write', 'longterm'] as const)
    const { write, longterm } = given
    const fields = { ...rangeOf(given, 'settings'), buf: handled(buffer, 'buffer', 'buf') }
    this.#add('gup', { ...fields, mode, ...flag('write', write), ...flag('longterm', longterm) })
  }

  migrateToDevice(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('migrate_to_dev', buffer, range, { dev: handled(device, 'device', 'dev') })
  }
  migrateToSystem(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('migrate_to_sys', buffer, range, { dev: handled(device, 'device', 'dev') })
  }
  deviceRead(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('dev_read', buffer, range, { dev: handled(device, 'device', 'dev') })
  }
  deviceWrite(device: DeviceHandle, buffer: BufferHandle, value: number, range?: Range): void {
    this.#on('dev_write', buffer, range, { dev: handled(device, 'device', 'dev'), value })
  }
  exclusive(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('exclusive', buffer, range, { dev: handled(device, 'device', 'dev') })
  }
  snapshot(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('snapshot', buffer, range, { dev: handled(device, 'device', 'dev') })
  }
  /** Takes the device's memory away, until it is needed again. */
  release(device: DeviceHandle, whose?: Who): void {
    this.#add('release', { ...who(whose), dev: handled(device, 'device', 'dev') })
  }

  fork(whose?: Who): ProcessHandle {
    const parent = who(whose)
    const proc = `q${++this.#names.processes}`
    this.#add('fork', { ...parent, child: proc })
    return { proc }
  }
  exit(process: ProcessHandle): void {
    this.#add('exit', { proc: handled(process, 'process', 'proc') })
  }

  /** O_DIRECT to the file, from pages that are pinned meanwhile. */
  directWrite(buffer: BufferHandle, file: FileHandle, at: { page: number; n: number; fpage: number } & Who): void {
    this.#direct('dio_write', buffer, file, at)
  }
  directRead(buffer: BufferHandle, file: FileHandle, at: { page: number; n: number; fpage: number } & Who): void {
    this.#direct('dio_read', buffer, file, at)
  }
  writeback(file: FileHandle): void {
    this.#add('writeback', { file: handled(file, 'file', 'file') })
  }
  /** Moves every page that can move to another frame. */
  compact(): void {
    this.op({ op: 'compact' })
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
    this.#add('repeat', { n, ops })
  }

  #add(op: string, fields: Record<string, unknown>): void {
    this.#ops.push({ op, ...set(fields) })
  }

  #on(op: string, buffer: BufferHandle, range: Range | undefined, more: object = {}): void {
    const given = rangeOf(options(range, 'range', inRange), 'range')
    this.#add(op, { ...given, buf: handled(buffer, 'buffer', 'buf'), ...more })
  }

  #pinned(op: string, pin: PinHandle, more: object = {}): void {
    const { id, proc } = options(pin, 'pin', ['id', 'proc'] as const)
    this.#add(op, { id, proc, ...more })
  }

  #direct(op: string, buffer: BufferHandle, file: FileHandle, at: unknown): void {
    const given = options(at, 'at', [...inRange, 'fpage'] as const)
    const fields = { ...rangeOf(given, 'at'), buf: handled(buffer, 'buffer', 'buf') }
    this.#add(op, { ...fields, file: handled(file, 'file', 'file'), fpage: given.fpage })
  }
}

/** What sets a scenario up, and its threads. */
export class ScenarioBuilder extends OpList {
  readonly #threads: ScenarioThread[]
  readonly #names: Names
  readonly #used = { private: 0, coherent: 0, files: 0 }

  /** Use {@link scenario}. */
  constructor(setup: ScenarioOp[], threads: ScenarioThread[], allowed: symbol) {
    const names = { letters: 0, pins: 0, processes: 0 }
    super(setup, names, allowed)
    this.#threads = threads
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
    const { pages, value = 0 } = options(settings, 'settings', ['pages', 'value'] as const)
    const file = this.#used.files++
    this.op({ op: 'file', file, pages, value })
    return { file }
  }
  /** One more thread. All of them begin at once, after the setup. */
  thread(name: string, body: (list: OpList) => void): void {
    const ops: ScenarioOp[] = []
    callback<(list: OpList) => void>(body, 'body')(new OpList(ops, this.#names, internal))
    this.#threads.push({ name, ops })
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
  settings: { pages?: number },
  build: (builder: ScenarioBuilder) => void,
): WrittenScenario {
  const setup: ScenarioOp[] = []
  const threads: ScenarioThread[] = []
  const { pages } = options(settings, 'settings', ['pages'] as const)
  callback<(builder: ScenarioBuilder) => void>(build, 'build')(new ScenarioBuilder(setup, threads, internal))
  const made = { name, ...(pages === undefined ? {} : { pages: pages as number }), setup, threads }
  readScenario(made)
  return made
}
