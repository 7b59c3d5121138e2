import { type Readable, addAbortSignal } from 'node:stream'
import pc from 'picocolors'
import type { ShardRequest } from '../shards/types.ts'
import { exitCodes } from './exit.ts'

type Colours = ReturnType<typeof pc.createColors>

/** The outside of a command: tests give it strings, `main` gives it the process. */
export interface Io {
  /** The result; with `--json` one document and nothing else. */
  out(text: string): void
  /** Progress, notes and errors. */
  err(text: string): void
  /** Whether standard error is a terminal: only then is there progress. */
  interactive: boolean
  /** Width of standard output in columns. */
  columns: number
  colours: Colours
  readInput(): Promise<string>
  /** The same piece by piece, for what may be long. */
  readChunks?(): AsyncIterable<string>
  /** Aborted by SIGINT and SIGTERM; the reason is the signal's name. */
  signal: AbortSignal
  /** Set: a command with `--shard` hands over what it would run, and the files that it reads; it runs nothing. */
  take?(request: ShardRequest, recordings: readonly string[]): void
}

/** What a mail takes: a pipe often ends in one. */
const defaultColumns = 72

/** Width of what is no terminal: what the caller says, as other tools have it. */
function columnsGiven(): number {
  const columns = Number(process.env.COLUMNS)
  return Number.isInteger(columns) && columns >= 20 && columns <= 1000 ? columns : defaultColumns
}

/** Until its end, or a signal: then it rejects with an AbortError. */
async function readAll(stream: Readable, signal: AbortSignal): Promise<string> {
  let text = ''
  addAbortSignal(signal, stream)
  stream.setEncoding('utf8')
  for await (const chunk of stream) text += chunk
  return text
}

/** Pieces of text, until the end or a signal. */
export async function* chunksOf(stream: Readable, signal: AbortSignal): AsyncIterable<string> {
  addAbortSignal(signal, stream)
  stream.setEncoding('utf8')
  for await (const chunk of stream) yield chunk as string
}

/** A signal stops the command, which then prints what it has; a second one ends the process at once. */
function stopOnSignals(abort: AbortController): void {
  const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(codes[name])
      process.stderr.write('\npagebox: stopping; what was done until now follows. Once more to end at once.\n')
      abort.abort(name)
    })
}

/** The real process. */
export function processIo(): Io {
  const abort = new AbortController()
  stopOnSignals(abort)
  const { stdout, stderr, stdin } = process
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that closes early (`| head`) is no error.
    if (error.code === 'EPIPE') process.exit(exitCodes.clean)
    stderr.write(`pagebox: cannot write standard output: ${error.message}\n`)
    process.exit(exitCodes.usage)
  })
  // There is nowhere left to say it.
  stderr.on('error', () => {})
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    interactive: stderr.isTTY === true,
    columns: stdout.isTTY ? stdout.columns : columnsGiven(),
    colours: pc.createColors(stdout.isTTY === true && pc.isColorSupported),
    readInput: () => readAll(stdin, abort.signal),
    readChunks: () => chunksOf(stdin, abort.signal),
    signal: abort.signal,
  }
}
