/** What the process ends with; scripts and CI rely on these numbers. */
export const exitCodes = {
  /** Done, and nothing found. */
  clean: 0,
  /** A violation, a mismatch, a dirty audit, a table that its probe contradicts. */
  finding: 1,
  /** The command line, a file that it names, or an output that cannot be written. */
  usage: 2,
  /** A fault of pagebox itself. */
  internal: 3,
  /** SIGINT; what was done until then is printed. */
  interrupted: 130,
  /** SIGTERM; the same. */
  terminated: 143,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What a run that was aborted ends with: the signal's number, which is the reason of the abort. */
export const exitOfAbort = (signal: AbortSignal): ExitCode =>
  signal.reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted
