import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a script of test/hostile/children in a process of its own. A crash of native code shows as a
 * signal; it cannot take the test runner with it.
 */
export function runChild(
  script: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
  flags: readonly string[] = [],
  timeout = 60_000,
): Promise<Ended> {
  const file = fileURLToPath(new URL(`./children/${script}`, import.meta.url))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, file, ...args], {
      cwd: root,
      timeout,
      env: { ...process.env, ...env },
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}
