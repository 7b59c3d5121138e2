import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ToChild, ToParent } from './childTypes.ts'
import type { Ending } from './records.ts'
import type { Runner } from './work.ts'

/** Why a shard gave nothing. */
export class ShardEnded extends Error {
  readonly ending: Ending
  /** The end of what its process wrote. */
  readonly log: string
  constructor(ending: Ending, log = '') {
    super(ending.kind)
    this.ending = ending
    this.log = log
  }
}

export interface ChildOptions {
  /** What the process runs: a file of the worker's owner. */
  readonly module: string
  readonly limitSeconds: number
  /** Of the worker's owner. */
  readonly env?: Readonly<Record<string, string>>
}

const fromSource = import.meta.url.endsWith('.ts')
const main = fileURLToPath(new URL(fromSource ? './childMain.ts' : './childMain.js', import.meta.url))
/** In a clone, tests run the sources as they are. */
const loader = fromSource ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] : []

const longestLog = 4096
/** Loading the addon, on a machine that has other work. */
const startSeconds = 120

/** A process that does shards has no use for the queue's password. */
function childEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PAGEBOX_QUEUE')))
}

/** One process that is kept from shard to shard, and made anew after one that ended it. */
export function childRunner({ module, limitSeconds, env = {} }: ChildOptions): Runner {
  let child: ChildProcess | undefined
  let log = ''
  let number = 0

  const begin = (): ChildProcess => {
    log = ''
    const made = spawn(process.execPath, [...loader, main, pathToFileURL(module).href], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...childEnvironment(), ...env },
    })
    for (const stream of [made.stdout, made.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-longestLog)
      })
    // Between two shards too.
    made.once('exit', () => {
      if (child === made) child = undefined
    })
    return made
  }

  return {
    run(request, shard, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted()
        const isNew = child === undefined
        const mine = (child ??= begin())
        const task: ToChild = { number: ++number, request, shard }
        let timer: NodeJS.Timeout | undefined
        const limit = (seconds: number): void => {
          clearTimeout(timer)
          timer = setTimeout(() => end({ kind: 'endless', seconds }), seconds * 1000)
        }
        const settle = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', stop)
          mine.off('message', heard).off('exit', exited).off('error', failed)
        }
        const drop = (): void => {
          if (child === mine) child = undefined
          mine.kill('SIGKILL')
        }
        const end = (ending: Ending): void => {
          settle()
          drop()
          reject(new ShardEnded(ending, log))
        }
        const stop = (): void => {
          settle()
          drop()
          reject(signal.reason)
        }
        const heard = (message: ToParent): void => {
          if ('ready' in message) {
            limit(limitSeconds)
            mine.send(task)
            return
          }
          if (message.number !== task.number) return
          settle()
          if ('failed' in message)
            reject(new ShardEnded({ kind: 'error', message: String(message.failed).slice(0, 2000) }, log))
          else resolve(message.document)
        }
        const exited = (code: number | null, by: NodeJS.Signals | null): void =>
          end(by === null ? { kind: 'exit', code: code ?? 0 } : { kind: 'signal', signal: by })
        const failed = (error: Error): void => end({ kind: 'error', message: error.message.slice(0, 2000) })
        mine.on('message', heard).on('exit', exited).on('error', failed)
        signal.addEventListener('abort', stop)
        limit(isNew ? startSeconds : limitSeconds)
        if (!isNew) mine.send(task)
      })
    },
    close() {
      child?.kill('SIGKILL')
      child = undefined
    },
  }
}
