import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { evaluator } from './evaluator.ts'
import { fault, shape } from './fault.ts'

/** Time and memory of a file: it declares constants, and may import a kernel's layout. */
const limitSeconds = 10
const heapMiB = 512
/** Of the whole process: what lies outside of V8's heap (buffers) counts too. */
const residentMiB = 768
const lookMs = 50
/** Until what it has printed is read, once it has ended: a process that it has left behind may keep the pipe open. */
const drainMs = 200
/** Until its process has begun: that a machine is busy is not the file's fault. */
const startSeconds = 60
/** Of what it prints. */
const mostPrinted = 2 ** 16

export interface ReadModuleOptions {
  signal: AbortSignal
  /** What the file prints goes there. */
  print(text: string): void
  limitSeconds?: number
  /** What such a file holds, in words. */
  holds?: string
}

/** Memory of a process in MiB, where the system says so; 0: it does not, or there is no such process. */
function residentMiBOf(pid: number | undefined): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Why a process ended that had nothing to say. */
function endOf(code: number | null, signal: string | null): string {
  if (signal === 'SIGABRT') return `it needs more than ${heapMiB} MiB of memory, or aborts`
  if (signal !== null) return `it ends by ${signal}`
  // What Node ends with where an await never comes back.
  return code === 13 ? 'it awaits what never comes' : `it ends the process, with exit code ${code}`
}

/**
 * Evaluates a module of definitions in a process of its own, and gives back its default export as plain
 * data. Throws `ERR_PAGEBOX_DEFINITIONS` where it throws, does not end in time, or exports nothing.
 */
export function readModule(file: string, options: ReadModuleOptions): Promise<unknown> {
  const { signal, print, holds = shape } = options
  const seconds = options.limitSeconds ?? limitSeconds
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`--max-old-space-size=${heapMiB}`, ...evaluator, file], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    let answer: unknown
    let tooLong = false
    const printed: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' }
    for (const from of ['stdout', 'stderr'] as const)
      child[from]?.setEncoding('utf8').on('data', (chunk: string) => {
        printed[from] += chunk.slice(0, mostPrinted - printed[from].length)
      })
    const limited = (limit: number): NodeJS.Timeout =>
      setTimeout(() => {
        tooLong = true
        child.kill('SIGKILL')
      }, limit * 1000)
    let tooMuch = false
    let isOver = false
    const memory = setInterval(() => {
      if (residentMiBOf(child.pid) <= residentMiB) return
      tooMuch = true
      child.kill('SIGKILL')
    }, lookMs)
    let timer = limited(startSeconds)
    const finish = (): void => {
      clearTimeout(timer)
      clearInterval(memory)
      signal.removeEventListener('abort', stop)
    }
    const stop = (): void => void child.kill('SIGKILL')
    signal.addEventListener('abort', stop)
    child.on('message', (message: { begins?: unknown } | null) => {
      if (message?.begins === true) {
        clearTimeout(timer)
        timer = limited(seconds)
      } else answer ??= message
    })
    child.on('error', (cause) => {
      finish()
      reject(fault(file, `it cannot be evaluated: ${cause.message}`, holds, cause))
    })
    const outcome = (code: number | null, by: string | null): unknown => {
      // What V8 writes when it ends for want of memory is said in words.
      const said = printed.stdout + (by === 'SIGABRT' ? '' : printed.stderr)
      if (said !== '') print(said)
      if (signal.aborted) throw new DOMException('stopped', 'AbortError')
      if (tooMuch) throw fault(file, `it needs more than ${residentMiB} MiB of memory`, holds)
      if (tooLong) throw fault(file, `it does not end within ${seconds} seconds`, holds)
      const { json, failed } = (answer ?? {}) as { json?: unknown; failed?: unknown }
      if (typeof json !== 'string') throw fault(file, typeof failed === 'string' ? failed : endOf(code, by), holds)
      try {
        return JSON.parse(json)
      } catch (cause) {
        throw fault(file, 'it does not export plain data', holds, cause)
      }
    }
    const settle = (code: number | null, by: string | null): void => {
      if (isOver) return
      isOver = true
      for (const from of ['stdout', 'stderr'] as const) child[from]?.destroy()
      try {
        resolve(outcome(code, by))
      } catch (error) {
        reject(error)
      }
    }
    child.on('exit', (code, by) => {
      finish()
      // Streams close when all who have the pipe have let it go: wait for those of the file itself, and no longer.
      const drained = setTimeout(settle, drainMs, code, by)
      child.once('close', () => {
        clearTimeout(drained)
        settle(code, by)
      })
    })
  })
}
