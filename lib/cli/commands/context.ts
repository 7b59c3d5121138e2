import type { ExitCode } from '../exit.ts'
import type { Io } from '../io.ts'

/** What every command gets: the outside, and a place for how it ended. */
export interface Context {
  io: Io
  exit(code: ExitCode): void
}
