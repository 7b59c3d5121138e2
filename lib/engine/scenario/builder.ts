import { describe } from '../../base/describe.ts'
import { PageboxError } from '../../errors.ts'
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

const flag = (name: string, value: boolean | undefined): Record<string, 1> => (value ? { [name]: 1 } : {})
const procOf = (who: Who | undefined): Record<string, string> =>
  who?.proc === undefined ? {} : { proc: who.proc.proc }
const rangeOf = (range: Range | undefined): Record<string, unknown> => ({
  ...procOf(range),
  ...(range?.page === undefined ? {} : { page: range.page }),
  ...(range?.n === undefined ? {} : { n: range.n }),
})

/** Adds operations to one list. Every method returns what later operations need to name. */
export class OpList {
  readonly #ops: ScenarioOp[]
  readonly #names: Names

  constructor(ops: ScenarioOp[], names: Names) {
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
    const { pages, kind = 'anon-private', prot = 'rw', fill, file, device } = settings
    this.op({
      op: 'mmap',
      ...procOf(settings),
      buf,
      pages,
      kind,
      prot,
      ...(fill === undefined ? {} : { fill }),
      ...(file && { file: file.file }),
      ...(device && { dev: device.dev }),
    })
    return { buf, pages }
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
    const { via = 'gup', write, fast } = settings
    this.#on('pin', buffer, settings, { id, via, ...flag('write', write), ...flag('fast', fast) })
    return { id, ...procOf(settings) }
  }
  unpin(pin: PinHandle): void {
    this.op({ op: 'unpin', ...pin })
  }
  pinRead(pin: PinHandle): void {
    this.op({ op: 'pin_read', ...pin })
  }
  pinWrite(pin: PinHandle, value: number): void {
    this.op({ op: 'pin_write', ...pin, value })
  }
  /** Takes pages and gives them back at once. */
  gup(buffer: BufferHandle, mode: string, settings: Range & { write?: boolean; longterm?: boolean } = {}): void {
    const { write, longterm } = settings
    this.#on('gup', buffer, settings, { mode, ...flag('write', write), ...flag('longterm', longterm) })
  }

  migrateToDevice(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('migrate_to_dev', buffer, range, device)
  }
  migrateToSystem(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('migrate_to_sys', buffer, range, device)
  }
  deviceRead(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('dev_read', buffer, range, device)
  }
  deviceWrite(device: DeviceHandle, buffer: BufferHandle, value: number, range?: Range): void {
    this.#on('dev_write', buffer, range, { ...device, value })
  }
  exclusive(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('exclusive', buffer, range, device)
  }
  snapshot(device: DeviceHandle, buffer: BufferHandle, range?: Range): void {
    this.#on('snapshot', buffer, range, device)
  }
  /** Takes the device's memory away, until it is needed again. */
  release(device: DeviceHandle, who?: Who): void {
    this.op({ op: 'release', ...procOf(who), ...device })
  }

  fork(who?: Who): ProcessHandle {
    const proc = `q${++this.#names.processes}`
    this.op({ op: 'fork', ...procOf(who), child: proc })
    return { proc }
  }
  exit(process: ProcessHandle): void {
    this.op({ op: 'exit', proc: process.proc })
  }

  /** O_DIRECT to the file, from pages that are pinned meanwhile. */
  directWrite(buffer: BufferHandle, file: FileHandle, at: { page: number; n: number; fpage: number } & Who): void {
    this.#on('dio_write', buffer, at, { ...file, fpage: at.fpage })
  }
  directRead(buffer: BufferHandle, file: FileHandle, at: { page: number; n: number; fpage: number } & Who): void {
    this.#on('dio_read', buffer, at, { ...file, fpage: at.fpage })
  }
  writeback(file: FileHandle): void {
    this.op({ op: 'writeback', ...file })
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
    body(new OpList(ops, this.#names))
    this.op({ op: 'repeat', n, ops })
  }

  #on(op: string, buffer: BufferHandle, range: Range | undefined, more: object = {}): void {
    this.op({ op, ...rangeOf(range), buf: buffer.buf, ...more })
  }
}

/** What sets a scenario up, and its threads. */
export class ScenarioBuilder extends OpList {
  readonly #threads: ScenarioThread[]
  readonly #names: Names
  readonly #used = { private: 0, coherent: 0, files: 0 }

  constructor(setup: ScenarioOp[], threads: ScenarioThread[]) {
    const names = { letters: 0, pins: 0, processes: 0 }
    super(setup, names)
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
    const file = this.#used.files++
    this.op({ op: 'file', file, pages: settings.pages, value: settings.value ?? 0 })
    return { file }
  }
  /** One more thread. All of them begin at once, after the setup. */
  thread(name: string, body: (list: OpList) => void): void {
    const ops: ScenarioOp[] = []
    body(new OpList(ops, this.#names))
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
  build(new ScenarioBuilder(setup, threads))
  const made = { name, ...settings, setup, threads }
  readScenario(made)
  return made
}
