import { type ExitCode, exitCodes } from './exit.ts'
import { failureOf } from './failure.ts'
import type { Io } from './io.ts'
import { createProgram } from './program.ts'

/** Runs one command line and returns its exit code. Never throws. */
export async function cli(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCodes.clean
  const program = createProgram({
    io,
    exit: (given) => {
      code = given
    },
  })
  try {
    if (args.length === 0) {
      program.outputHelp({ error: true })
      return exitCodes.usage
    }
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    const { exitCode, line } = failureOf(error, io.signal)
    if (line !== '') io.err(`${line}\n`)
    return exitCode
  }
}
