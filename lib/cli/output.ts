import {
  closeSync,
  fchmodSync,
  openSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { UsageError } from './failure.ts'

/** Temporary files that were begun: an exit of any kind takes them away. */
const begun = new Set<string>()
let cleans = false

function removeBegun(): void {
  for (const file of begun) {
    try {
      unlinkSync(file)
    } catch {
      // It was renamed, or its folder is gone.
    }
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** What went wrong with an output, with its name: a message of write(2) alone has none. */
function cannotWrite(path: string, error: unknown): UsageError {
  const { code, message } = error as NodeJS.ErrnoException
  const why = /^\w+: ([^,]+)/.exec(message)?.[1] ?? message
  return new UsageError(`cannot write ${path}: ${code === undefined ? why : `${code}, ${why}`}`)
}

/**
 * A result that goes to a file, whole or not at all: it is written beside its place and then renamed,
 * so that a failure or an interruption leaves what was there, and an input of the same name can be read
 * until the end. Pipes and devices (`/dev/stdout`) are written directly.
 *
 * Every method throws a {@link UsageError} that names the file and the errno.
 */
export class Output {
  readonly #path: string
  /** Where it is renamed to; the same for what is no regular file. */
  readonly #target: string
  readonly #written: string
  readonly #fd: number
  #open = true

  /** Begins it now, so that a place that cannot be written is known before the work. */
  constructor(path: string) {
    this.#path = path
    try {
      const there = statOf(path)
      if (there !== undefined && !there.isFile()) {
        this.#target = path
        this.#written = path
        this.#fd = openSync(path, 'w')
        return
      }
      // Through a link, as an editor does: the link stays.
      this.#target = there === undefined ? path : realpathSync(path)
      const random = Math.random().toString(36).slice(2, 10)
      this.#written = join(dirname(this.#target), `.${basename(this.#target)}.${process.pid}.${random}`)
      // A file that may not be written is not replaced either.
      if (there !== undefined) closeSync(openSync(this.#target, 'r+'))
      this.#fd = openSync(this.#written, 'wx')
      begun.add(this.#written)
      if (!cleans) process.once('exit', removeBegun)
      cleans = true
      if (there !== undefined) fchmodSync(this.#fd, there.mode & 0o7777)
    } catch (error) {
      throw cannotWrite(path, error)
    }
  }

  write(text: string): void {
    const bytes = Buffer.from(text)
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    } catch (error) {
      this.discard()
      throw cannotWrite(this.#path, error)
    }
  }

  /** Done: from now on it is in its place. */
  commit(): void {
    if (!this.#open) return
    try {
      this.#open = false
      closeSync(this.#fd)
      if (this.#written !== this.#target) renameSync(this.#written, this.#target)
      begun.delete(this.#written)
    } catch (error) {
      throw cannotWrite(this.#path, error)
    }
  }

  /** Not done: what was there stays. Nothing happens after commit(). */
  discard(): void {
    if (!this.#open) return
    this.#open = false
    try {
      closeSync(this.#fd)
    } catch {
      // What a failed write left.
    }
    if (this.#written === this.#target) return
    try {
      unlinkSync(this.#written)
    } catch {
      // Removed by somebody else.
    }
    begun.delete(this.#written)
  }
}
