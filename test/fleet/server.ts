import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const program = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0)

/** Whether this machine has one; tests of the queue are skipped without. */
export const hasServer = program !== undefined
export const skipped = 'skipped: there is no redis-server here (Debian: apt-get install redis-server)'

/** A server of the test's own: on a socket in a folder of its own, on no port. The system's is never asked. */
export class TestServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'pagebox-fleet-'))
  readonly socket = join(this.folder, 'redis.sock')
  #child: ChildProcess | undefined
  readonly #options: readonly string[]

  constructor(...options: string[]) {
    this.#options = options
  }

  async start(): Promise<this> {
    const child = spawn(
      program as string,
      [
        '--port',
        '0',
        '--unixsocket',
        this.socket,
        '--dir',
        this.folder,
        '--save',
        '',
        '--daemonize',
        'no',
        ...this.#options,
      ],
      { stdio: 'ignore' },
    )
    this.#child = child
    while (!(await this.#listens())) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
      await sleep(20)
    }
    return this
  }

  /** The file alone is there before somebody listens. */
  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.socket)
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  }

  /** As a crash does, or a machine that goes. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    rmSync(this.socket, { force: true })
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
