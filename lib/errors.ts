/** What each `code` of a {@link PageboxError} means. The table in the docs is made from it. */
export const errorCodes = {
  ERR_PAGEBOX_ARG_TYPE: 'An argument has the wrong type.',
  ERR_PAGEBOX_ARG_RANGE: 'An argument has the right type and a value that is not allowed.',
  ERR_PAGEBOX_OPTION_UNKNOWN: 'An options object has a property that does not exist.',
  ERR_PAGEBOX_PFN_RANGE: 'A page frame number lies outside the box.',
  ERR_PAGEBOX_BUFFER_DETACHED: 'A typed array has lost its memory: its buffer was transferred, or shrunk.',
  ERR_PAGEBOX_THIS: 'A method was called on something that is not its own object.',
  ERR_PAGEBOX_CLOSED: 'The box, window or sampler was closed.',
  ERR_PAGEBOX_BUSY: 'Something else is running on this box, and the two exclude each other.',
  ERR_PAGEBOX_TOKEN: 'A token names no open box of this process.',
  ERR_PAGEBOX_LAYOUT_UNKNOWN: 'There is no layout of that name.',
  ERR_PAGEBOX_LAYOUT_INVALID: 'A declared layout contradicts itself: fields overlap, or lie outside the descriptor.',
  ERR_PAGEBOX_SCHEME_UNKNOWN: 'There is no scheme of that name.',
  ERR_PAGEBOX_SCHEME_INVALID: 'A declared scheme names bits that do not exist, or not enough of them.',
  ERR_PAGEBOX_DEFINITIONS:
    'A file of schemes and layouts cannot be read, throws, does not end, or says what is not allowed; the message says where.',
  ERR_PAGEBOX_NO_ROOM:
    'The scheme, the page type, or something that address spaces need does not exist in this layout; the message says what.',
  ERR_PAGEBOX_RULES: 'A machine cannot have these kernel rules; the message names what is missing.',
  ERR_PAGEBOX_MEMORY: 'Memory of this process could not be had.',
  ERR_PAGEBOX_THREADS: 'The system gives this process no more threads.',
  ERR_PAGEBOX_PAGE_FREE: 'The page is free or frozen: its reference count is zero, and nobody may take one.',
  ERR_PAGEBOX_NOT_PINNED: 'Unpin of a page that is not pinned that often.',
  ERR_PAGEBOX_NOT_REFERENCED: 'Put of a page without a reference that could be given back.',
  ERR_PAGEBOX_PIN_LIMIT: 'The count of the scheme, or `_refcount`, is full.',
  ERR_PAGEBOX_REFUSED: 'The kernel would refuse this; `errno` says how.',
  ERR_PAGEBOX_SIGNAL: 'An access of memory met a signal; `signal` says which.',
  ERR_PAGEBOX_OTHER_BOX: 'Objects of two different boxes, or of two handles on one, were used together.',
  ERR_PAGEBOX_CORRUPT: 'A word of a descriptor holds what no kernel would write there.',
  ERR_PAGEBOX_NO_DIRECT: 'This box has no direct view; the message says what it lacks.',
  ERR_PAGEBOX_AUDIT: 'The audit found descriptors that do not hold what they must.',
  ERR_PAGEBOX_ABORTED: 'The call was aborted by its signal before it had anything to give.',
  ERR_PAGEBOX_RECORDING: 'A file of recordings cannot be read, is cut off, or is of another format.',
  ERR_PAGEBOX_BTF:
    'A file holds no BTF that says how the page descriptor looks, or damaged BTF; the message says where.',
  ERR_PAGEBOX_SCENARIO: 'A scenario names an operation or a field that does not exist, or a value that is not allowed.',
  ERR_PAGEBOX_REPLAY_TOKEN: 'A replay token is none, was cut short or altered; the message says where.',
  ERR_PAGEBOX_REPLAY_VERSION: 'A replay token is of another version of pagebox, whose schedules are others.',
  ERR_PAGEBOX_REPLAY_DIFFERS:
    'A replay token is of another scenario, layout, scheme, rules or quirks than there are here; the message names what differs.',
  ERR_PAGEBOX_SHARD:
    'A shard, its request or its document cannot be used: it is none, of another version or command, there twice, or missing; the message says which.',
  ERR_PAGEBOX_PEER: 'A package that only this needs is not installed; the message has the command that installs it.',
  ERR_PAGEBOX_QUEUE:
    'A queue of a fleet cannot be reached, refuses the password, is of another version, or holds what is not allowed there.',
  ERR_PAGEBOX_RUN: 'A fleet has no such run, or the run cannot do this now; the message says why.',
  ERR_PAGEBOX_PLATFORM: 'The native part does not exist for this system, or was not built.',
  ERR_PAGEBOX_VITEST: 'The vitest of this project is older than those that `pagebox/vitest` works in.',
  ERR_PAGEBOX_INTERNAL: 'A fault of pagebox itself. Please report it.',
} as const

/** One of the stable codes of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes

/** What a {@link PageboxError} carries besides its message. */
export interface ErrorDetails {
  /** The argument at fault: `options.pages`, `pfn`, `pfns[3]`. */
  argument?: string
  /** What was given, as text. */
  given?: string
  /** What is allowed, as text. */
  allowed?: string
  /** Where the kernel would refuse: the errno's name, `'EFAULT'`. */
  errno?: string
  /** What a program would get that does this: `'SIGSEGV'`, `'SIGBUS'`. */
  signal?: 'SIGSEGV' | 'SIGBUS'
  /** Of a batch: how many elements were done before the one that failed, and were undone. */
  index?: number
  cause?: unknown
}

function whatIsWrong(code: unknown, message: unknown, details: unknown): readonly [string, string] | undefined {
  if (typeof code !== 'string' || !Object.hasOwn(errorCodes, code)) return ['code', 'one of errorCodes']
  if (typeof message !== 'string') return ['message', 'a string']
  if (typeof details !== 'object' || details === null) return ['details', 'an object']
  return undefined
}

/**
 * Every error that pagebox throws by intent. `code` is stable, the message is not.
 *
 * An error never leaves something half done: what was refused has changed nothing.
 */
export class PageboxError extends Error {
  readonly code: ErrorCode
  readonly argument: string | undefined
  readonly given: string | undefined
  readonly allowed: string | undefined
  readonly errno: string | undefined
  readonly signal: 'SIGSEGV' | 'SIGBUS' | undefined
  readonly index: number | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const wrong = whatIsWrong(code, message, details)
    if (wrong !== undefined)
      throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${wrong[0]} must be ${wrong[1]}`, {
        argument: wrong[0],
        allowed: wrong[1],
      })
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'PageboxError'
    this.code = code
    this.argument = details.argument
    this.given = details.given
    this.allowed = details.allowed
    this.errno = details.errno
    this.signal = details.signal
    this.index = details.index
  }
}
