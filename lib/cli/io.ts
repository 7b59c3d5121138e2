import pc from 'picocolors'

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
  /** Aborted by SIGINT. */
  signal: AbortSignal
}

const defaultColumns = 100

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream) text += chunk
  return text
}

async function* chunksOf(stream: NodeJS.ReadableStream): AsyncIterable<string> {
  stream.setEncoding('utf8')
  for await (const chunk of stream) yield chunk as string
}

/** The real process. SIGINT aborts once; a second one ends it at once. */
export function processIo(): Io {
  const abort = new AbortController()
  process.once('SIGINT', () => {
    abort.abort()
    process.once('SIGINT', () => process.exit(130))
  })
  // A reader that closes early (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const { stdout, stderr, stdin } = process
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    interactive: stderr.isTTY === true,
    columns: stdout.isTTY ? stdout.columns : defaultColumns,
    colours: pc.createColors(stdout.isTTY === true && pc.isColorSupported),
    readInput: () => readAll(stdin),
    readChunks: () => chunksOf(stdin),
    signal: abort.signal,
  }
}
