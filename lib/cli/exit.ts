/** What the process ends with; scripts and CI rely on these numbers. */
export const exitCodes = {
  /** Done, and nothing found. */
  clean: 0,
  /** A violation, a mismatch, a dirty audit, a table that its probe contradicts. */
  finding: 1,
  /** The command line, or a file that it names, is wrong. */
  usage: 2,
  /** A fault of pagebox itself. */
  internal: 3,
  /** SIGINT; what was done until then is printed. */
  interrupted: 130,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
