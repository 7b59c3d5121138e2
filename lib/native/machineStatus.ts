import { PageboxError } from '../errors.ts'
import type { NativeMade, NativeResult } from './binding.ts'
import { busyError, closedError, created, errnoName, isBusy, isClosed, ownError, signalOf } from './status.ts'

const words: Readonly<Record<string, string>> = {
  EAGAIN: 'busy or pinned',
  EACCES: 'not allowed for this mapping',
  EBUSY: 'somebody holds its pages',
  EEXIST: 'something is there already, or memory without descriptors',
  EFAULT: 'not mapped, or not mapped for that access',
  EINVAL: 'not a range that this can be done to',
  EIO: 'the disk failed, or the real file has become shorter under it',
  EISDIR: 'is a directory',
  ENOTDIR: 'part of the path is no directory',
  EROFS: 'the file system is read-only',
  EFBIG: 'larger than the file system allows',
  ETXTBSY: 'a program that runs',
  EMFILE: 'this process has too many files open',
  ENFILE: 'the system has too many files open',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  EDQUOT: 'the quota is used up',
  ESPIPE: 'a pipe or a device, not a file that can be read at any place',
  ENODEV: 'the device was removed',
  ENOENT: 'not all of it is there',
  ENOMEM: 'no memory left, or part of the range is not mapped',
  ENOSPC: 'no room left',
  EPERM: 'not permitted by the mapping',
}

/**
 * The error for what a kernel would refuse: its errno, whatever else the same number means for a pin.
 * `subject` is what was closed if that is why.
 */
export function kernelError(status: number, call: string, subject: string, index?: number): PageboxError {
  if (isClosed(status)) return closedError()
  if (isBusy(status)) return busyError()
  const signal = signalOf(status)
  if (signal !== undefined)
    return new PageboxError('ERR_PAGEBOX_SIGNAL', `${call}: ${subject}: ${signal}`, {
      argument: subject,
      signal,
      errno: 'EFAULT',
      ...(index === undefined ? {} : { index }),
    })
  const name = errnoName(status)
  const own = ownError(status, call, subject)
  if (own !== undefined) return own
  if (name === 'EBADF') return closedError(subject)
  if (name === 'LIVELOCK')
    return new PageboxError(
      'ERR_PAGEBOX_CORRUPT',
      `${call}: ${subject}: waited in vain for a page whose descriptor was damaged`,
      {
        argument: subject,
        errno: 'EFAULT',
        ...(index === undefined ? {} : { index }),
      },
    )
  // What a kernel calls ENOMEM, and is no lack of memory.
  if (name === 'PIN_LIMIT')
    return new PageboxError('ERR_PAGEBOX_PIN_LIMIT', `${call}: ${subject}: a count has no room for one more`, {
      argument: subject,
      errno: 'ENOMEM',
      ...(index === undefined ? {} : { index }),
    })
  const why = words[name]
  return new PageboxError('ERR_PAGEBOX_REFUSED', `${call}: ${subject}: ${name}${why === undefined ? '' : `, ${why}`}`, {
    argument: subject,
    errno: name,
    ...(index === undefined ? {} : { index }),
  })
}

/** What a call gives, or the error of its status. */
export function givenBy<Value>(result: NativeResult<Value>, call: string, subject: string): Value {
  if (typeof result === 'number') throw kernelError(result, call, subject)
  return result
}

/** What was made, or why not: the machine itself, or the one object. */
export function made<Made extends object>(result: NativeMade<Made>, call: string, subject: string): Made {
  if (typeof result === 'number') throw kernelError(result, call, subject)
  return created(result, subject)
}

/** Success, or the error of the status. */
export function done(status: number | undefined, call: string, subject: string): void {
  if (status !== undefined) throw kernelError(status, call, subject)
}
