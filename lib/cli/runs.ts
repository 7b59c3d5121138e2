import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type CompareDocument, compareDocument } from '../compare/document.ts'

const here = import.meta.url
const main = fileURLToPath(new URL(here.endsWith('.ts') ? 'main.ts' : 'main.js', here))

/** Options that say where results go, or that the first run alone is for; each has a value but `--json`. */
const ofTheFirst = new Set(['--runs', '--html', '--csv', '--markdown', '--mail', '--baseline', '--smallest-effect'])

/** The same command line, for a process that measures costs alone. */
export function argsOfRun(args: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string
    if (arg === '--json' || ofTheFirst.has(arg.split('=')[0] as string)) {
      if (ofTheFirst.has(arg)) at++
      continue
    }
    kept.push(arg)
  }
  return [...kept, '--json', '--costs-only']
}

/** One run in a process of its own; undefined if it was ended before it had a document. */
export async function freshRun(args: readonly string[], signal: AbortSignal): Promise<CompareDocument | undefined> {
  const child = spawn(process.execPath, [...process.execArgv, main, ...argsOfRun(args)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stop = (): void => void child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  try {
    await once(child, 'close')
  } finally {
    signal.removeEventListener('abort', stop)
  }
  try {
    return compareDocument.parse(JSON.parse(out))
  } catch (cause) {
    if (signal.aborted) return undefined
    throw new Error(`a run in a process of its own gave no document: ${err}`, { cause })
  }
}
