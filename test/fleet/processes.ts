import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'

const loader =
  process.env.PAGEBOX_TEST_DIST === '1'
    ? []
    : ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]

/** A worker or a coordinator as a process of its own. */
export class Process {
  readonly child: ChildProcess
  out = ''
  err = ''

  constructor(main: string, args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [...loader, join(import.meta.dirname, main), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text
    })
  }

  get isOver(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  async ended(): Promise<number | null> {
    if (!this.isOver) await once(this.child, 'close')
    return this.child.exitCode
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal)
    await this.ended()
  }

  async says(text: string | RegExp, seconds = 60): Promise<void> {
    const until = performance.now() + seconds * 1000
    while (typeof text === 'string' ? !this.out.includes(text) : !text.test(this.out)) {
      if (this.isOver || performance.now() > until)
        throw new Error(`it does not say ${text}:\n${this.out}\n${this.err}`)
      await sleep(20)
    }
  }
}

export const workerProcess = (socket: string, cores = 1, env: Record<string, string> = {}): Process =>
  new Process('workerMain.mjs', [socket, String(cores)], env)

export const coordinatorProcess = (socket: string, id: string): Process =>
  new Process('coordinatorMain.mjs', [socket, id])
