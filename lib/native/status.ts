import { badArgument } from '../base/args.ts'
import { PageboxError, type ErrorCode } from '../errors.ts'
import { hasOwn } from '../base/primordials.ts'
import type { NativeFailure, NativeStatuses } from './binding.ts'
import type { NativeRefusal, NativeStop } from './callTypes.ts'
import { tables } from './tables.ts'

let own: NativeStatuses | undefined
const statuses = (): NativeStatuses => {
  own ??= tables().statuses
  return own
}

export const isClosed = (status: unknown): boolean => status === statuses().closed
export const isBusy = (status: unknown): boolean => status === statuses().busy
/** An argument that is none, by its place. */
export const isBadFirst = (status: unknown): boolean => status === statuses().badFirst
export const isBadSecond = (status: unknown): boolean => status === statuses().badSecond

/** The signal that an access got. */
export function signalOf(status: number): 'SIGSEGV' | 'SIGBUS' | undefined {
  if (status === statuses().sigsegv) return 'SIGSEGV'
  return status === statuses().sigbus ? 'SIGBUS' : undefined
}

let names: Map<number, string> | undefined

/** `'EAGAIN'`, or a name of pagebox's own: `'PIN_LIMIT'`. */
export function errnoName(status: number): string {
  names ??= new Map(tables().errnos.map(({ code, name }) => [code, name]))
  return names.get(status) ?? `errno ${status}`
}

/** How a code of the core reads in JavaScript, and which errno the kernel has for it. */
const meanings: Readonly<Record<string, readonly [code: ErrorCode, what: string, errno: string | undefined]>> = {
  EAGAIN: ['ERR_PAGEBOX_PAGE_FREE', 'is free or frozen: nobody may take a reference', 'EAGAIN'],
  ENOMEM: ['ERR_PAGEBOX_PIN_LIMIT', 'has a count at or below zero, or beyond its largest', 'ENOMEM'],
  PIN_LIMIT: ['ERR_PAGEBOX_PIN_LIMIT', 'has no room for that many more in its count', 'ENOMEM'],
  NOT_PINNED: ['ERR_PAGEBOX_NOT_PINNED', 'is not pinned that often', 'EINVAL'],
  NOT_REFERENCED: ['ERR_PAGEBOX_NOT_REFERENCED', 'has not so many references that were handed out', 'EINVAL'],
  REFUSED: ['ERR_PAGEBOX_NO_ROOM', 'is of a type that the scheme or the layout does not do', 'EOPNOTSUPP'],
  CORRUPT: ['ERR_PAGEBOX_CORRUPT', 'holds a word that no kernel would write', 'EFAULT'],
  LIVELOCK: ['ERR_PAGEBOX_CORRUPT', 'was waited for in vain: words of its descriptor are damaged', 'EFAULT'],
  ERANGE: ['ERR_PAGEBOX_PFN_RANGE', 'lies outside the box', undefined],
}

/** What this process lacks, whatever was asked for: no kernel's answer, and never about a page. */
const lacks: Readonly<Record<string, readonly [code: ErrorCode, what: string, errno: string]>> = {
  NO_THREAD: ['ERR_PAGEBOX_THREADS', 'the system gives this process no more threads', 'EAGAIN'],
  OUT_OF_MEMORY: ['ERR_PAGEBOX_MEMORY', 'this process has no more memory', 'ENOMEM'],
}

/** The error for what this process lacks; undefined for any other name. */
export function lackError(name: string, call: string, reason = ''): PageboxError | undefined {
  const lack = lacks[name]
  if (lack === undefined) return undefined
  const [code, what, errno] = lack
  return new PageboxError(code, `${call}: ${reason === '' ? what : reason}`, {
    argument: call,
    given: reason === '' ? what : reason,
    allowed: code === 'ERR_PAGEBOX_THREADS' ? 'fewer threads, or a higher limit of the system' : 'what memory there is',
    errno,
  })
}

/**
 * The error for a code of pagebox's own, which means the same wherever it comes from; undefined for
 * an errno of the kernel's.
 */
export function ownError(status: number, call: string, subject: string): PageboxError | undefined {
  const name = errnoName(status)
  const lack = lackError(name, call)
  if (lack !== undefined) return lack
  if (/^E[A-Z]/.test(name)) return undefined
  const meaning = meanings[name]
  if (meaning === undefined) return undefined
  const [code, what, errno] = meaning
  return new PageboxError(code, `${call}: ${subject} ${what}`, { argument: subject, errno })
}

export const closedError = (what = 'the box'): PageboxError =>
  new PageboxError('ERR_PAGEBOX_CLOSED', `${what} is closed`, { argument: 'this', given: 'closed', allowed: 'open' })

export const busyError = (): PageboxError =>
  new PageboxError('ERR_PAGEBOX_BUSY', 'the box is busy: a race has it for itself', {
    argument: 'this',
    given: 'a box in a race',
    allowed: 'a box at rest',
    errno: 'EBUSY',
  })

/** The error for a status that is no bad argument. `subject`: what it is about, `'page 42'`. */
export function refusal(status: number, call: string, subject: string): PageboxError {
  if (isClosed(status)) return closedError()
  if (isBusy(status)) return busyError()
  const name = errnoName(status)
  const lack = lackError(subject === 'the box' && name === 'ENOMEM' ? 'OUT_OF_MEMORY' : name, call)
  if (lack !== undefined) return lack
  const [code, what, errno] = meanings[name] ?? ['ERR_PAGEBOX_REFUSED', `refused: ${name}`, name]
  return new PageboxError(code, `${call}: ${subject} ${what}`, { argument: subject, errno })
}

/** The error for a pfn that is none, or lies outside [0, pages). */
export function badPfn(value: unknown, argument: string, pages: number): PageboxError {
  const allowed = `a page frame number from 0 to ${pages - 1}`
  return badArgument(
    typeof value === 'number' ? 'ERR_PAGEBOX_PFN_RANGE' : 'ERR_PAGEBOX_ARG_TYPE',
    argument,
    value,
    allowed,
  )
}

/** Only an own property counts: anybody can put one on Object.prototype. */
const isRefusal = (result: object): result is NativeRefusal => hasOwn(result, 'status')
export const isFailure = <Made extends object>(made: Made | NativeFailure): made is NativeFailure => isRefusal(made)
export const isStop = <Done extends object>(result: Done | NativeStop): result is NativeStop => isRefusal(result)

/** What a creation failed with, or what it created. */
export function created<Made extends object>(made: Made | NativeFailure, argument: string): Made {
  if (!isFailure(made)) return made
  const { status, reason } = made
  const name = errnoName(status)
  if (isClosed(status)) throw closedError()
  if (isBusy(status) || name === 'EBUSY') throw busyError()
  if (name === 'REFUSED')
    throw new PageboxError('ERR_PAGEBOX_NO_ROOM', reason, { argument, given: reason, errno: 'EOPNOTSUPP' })
  const lack = lackError(name, argument, reason)
  if (lack !== undefined) throw lack
  if (name === 'ENOMEM')
    throw new PageboxError('ERR_PAGEBOX_MEMORY', reason || 'out of memory', { argument, errno: name })
  if (name === 'EINVAL' || name === 'ERANGE')
    throw new PageboxError('ERR_PAGEBOX_ARG_RANGE', `${argument}: ${reason}`, {
      argument,
      given: reason,
      allowed: reason,
    })
  throw new PageboxError('ERR_PAGEBOX_REFUSED', `${argument}: ${reason || name}`, { argument, errno: name })
}
