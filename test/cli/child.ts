import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { cliArguments } from './command.ts'

export interface ChildResult {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
}

/**
 * Sends a signal once the process has had a processor for so many seconds: it is at work then, however busy the machine.
 */
export async function signalAfter(child: ReturnType<typeof spawn>, seconds: number, signal: NodeJS.Signals) {
  const ticksOf = (stat: string): number => {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  while (!isOver() && ticksOf(readFileSync(`/proc/${child.pid}/stat`, 'latin1')) < seconds * 100) await sleep(50)
  child.kill(signal)
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
