import { CommanderError } from 'commander'
import { type ErrorCode, PageboxError } from '../errors.ts'
import { type ExitCode, exitCodes, exitOfAbort } from './exit.ts'
import { foreignLines } from './text/foreign.ts'

/** A command line that asks for what does not exist, or an output that cannot be written. */
export class UsageError extends Error {}

/** Codes that say that pagebox is broken; every other one says what was wrong with what it was given. */
const ownFault: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ERR_PAGEBOX_INTERNAL', 'ERR_PAGEBOX_THIS'])

export interface Failure {
  exitCode: ExitCode
  /** One line, without a stack; empty if commander has already said it. */
  line: string
}

/** Files that cannot be read or written are the caller's matter too. */
const isFileError = (error: Error): boolean => 'syscall' in error && 'code' in error

function failure(error: unknown, signal: AbortSignal | undefined): Failure {
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? exitCodes.clean : exitCodes.usage, line: '' }
  }
  if (error instanceof Error && error.name === 'AbortError' && signal?.aborted)
    return { exitCode: exitOfAbort(signal), line: '' }
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, line: `pagebox: ${error.message}` }
  if (error instanceof PageboxError) {
    if (error.code === 'ERR_PAGEBOX_ABORTED' && signal?.aborted)
      return { exitCode: exitOfAbort(signal), line: 'pagebox: stopped before there was a result' }
    const exitCode = ownFault.has(error.code) ? exitCodes.internal : exitCodes.usage
    return { exitCode, line: `pagebox: ${error.message} [${error.code}]` }
  }
  if (error instanceof Error && isFileError(error)) {
    return { exitCode: exitCodes.usage, line: `pagebox: ${error.message}` }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { exitCode: exitCodes.internal, line: `pagebox: internal error: ${text}` }
}

/** What a command that threw ends with; `signal` is what stopped it, if it was stopped. */
export function failureOf(error: unknown, signal?: AbortSignal): Failure {
  const { exitCode, line } = failure(error, signal)
  // A message may quote a file's name or contents.
  return { exitCode, line: foreignLines(line) }
}
