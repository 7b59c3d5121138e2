import pc from 'picocolors'
import { cli } from '../../lib/cli/cli.ts'
import type { Io } from '../../lib/cli/io.ts'

export interface Ran {
  code: number
  out: string
  err: string
}

/** A command line run in this process, with strings in place of the terminal. */
export async function runCli(args: string[], part: Partial<Io> & { input?: string } = {}): Promise<Ran> {
  const ran: Ran = { code: -1, out: '', err: '' }
  const io: Io = {
    out: (text) => {
      ran.out += text
    },
    err: (text) => {
      ran.err += text
    },
    interactive: false,
    columns: 100,
    colours: pc.createColors(false),
    readInput: async () => part.input ?? '',
    signal: new AbortController().signal,
    ...part,
  }
  ran.code = await cli(args, io)
  return ran
}
