import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { cliArguments } from '../cli/command.ts'
import { TestServer } from './server.ts'

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Without what a clock said. */
export const timeless = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, each) => (/seconds|perSecond/i.test(key) ? undefined : each)))

/** The commands of pagebox, as people run them, in processes of their own; for the tests of the suite around. */
export function onCommands() {
  const server = new TestServer('--appendonly', 'yes')
  const folder = mkdtempSync(join(tmpdir(), 'pagebox-fleet-'))
  const alive = new Set<ReturnType<typeof spawn>>()
  beforeAll(() => server.start().then(() => {}))
  afterAll(async () => {
    for (const child of alive) child.kill('SIGKILL')
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function pagebox(...args: string[]): { child: ReturnType<typeof spawn>; ended: Promise<Ended> } {
    const child = spawn(process.execPath, [...cliArguments, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PAGEBOX_QUEUE: server.socket, NO_COLOR: '1' },
      cwd: folder,
    })
    alive.add(child)
    let out = ''
    let err = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    const ended = new Promise<Ended>((resolve) =>
      child.once('close', (code) => {
        alive.delete(child)
        resolve({ code, out, err })
      }),
    )
    return { child, ended }
  }
  const work = () => pagebox('fleet', 'work', '--cores', '1')

  return { server, folder, pagebox, work }
}
