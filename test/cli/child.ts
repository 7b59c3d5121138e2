import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cliArguments } from './command.ts'

export interface ChildResult {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
}

/** `pagebox` as a process of its own; `during` may send it signals. */
export async function runChild(
  args: string[],
  during?: (child: ReturnType<typeof spawn>) => void,
): Promise<ChildResult> {
  const child = spawn(process.execPath, [...cliArguments, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  during?.(child)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, out, err }
}
