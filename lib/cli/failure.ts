import { CommanderError } from 'commander'
import { type ErrorCode, PageboxError } from '../errors.ts'
import { type ExitCode, exitCodes } from './exit.ts'

/** A command line that asks for what does not exist. */
export class UsageError extends Error {}

/** Codes that say that the caller asked for something wrong, not that pagebox is broken. */
const callersFault: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_PAGEBOX_ARG_TYPE',
  'ERR_PAGEBOX_ARG_RANGE',
  'ERR_PAGEBOX_OPTION_UNKNOWN',
  'ERR_PAGEBOX_LAYOUT_UNKNOWN',
  'ERR_PAGEBOX_LAYOUT_INVALID',
  'ERR_PAGEBOX_SCHEME_UNKNOWN',
  'ERR_PAGEBOX_SCHEME_INVALID',
  'ERR_PAGEBOX_NO_ROOM',
  'ERR_PAGEBOX_MEMORY',
  'ERR_PAGEBOX_PLATFORM',
  'ERR_PAGEBOX_RECORDING',
  'ERR_PAGEBOX_SCENARIO',
  'ERR_PAGEBOX_BTF',
])

export interface Failure {
  exitCode: ExitCode
  /** One line, without a stack; empty if commander has already said it. */
  line: string
}

/** Files that cannot be read or written are the caller's matter too. */
const isFileError = (error: Error): boolean => 'syscall' in error && 'path' in error

/** What a command that threw ends with. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? exitCodes.clean : exitCodes.usage, line: '' }
  }
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, line: `pagebox: ${error.message}` }
  if (error instanceof PageboxError && error.code === 'ERR_PAGEBOX_ABORTED')
    return { exitCode: exitCodes.interrupted, line: 'pagebox: interrupted before there was anything to show' }
  if (error instanceof PageboxError) {
    const exitCode = callersFault.has(error.code) ? exitCodes.usage : exitCodes.internal
    return { exitCode, line: `pagebox: ${error.message} [${error.code}]` }
  }
  if (error instanceof Error && isFileError(error)) {
    return { exitCode: exitCodes.usage, line: `pagebox: ${error.message}` }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { exitCode: exitCodes.internal, line: `pagebox: internal error: ${text}` }
}
