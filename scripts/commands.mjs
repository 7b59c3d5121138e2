// Commands that end: in time, or with who started them (SIGINT, SIGTERM).
import { spawn } from 'node:child_process'

/** Ends a command and what it started: it leads a process group of its own. */
function end(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {} // it has ended
}

/** `stopped`: by a signal; what runs then is ended. */
export function commands() {
  let running = null
  const self = {
    stopped: false,
    /** { ok, late, output }: how a command ended, within minutes, and the end of what it said. */
    command(cwd, [name, ...rest], limit, env = {}) {
      return new Promise((resolve) => {
        const child = spawn(name, rest, { cwd, detached: true, env: { ...process.env, ...env } })
        running = child
        let output = ''
        let late = false
        const timer = setTimeout(
          () => {
            late = true
            end(child)
          },
          Math.max(1, limit * 60_000),
        )
        const take = (text) => {
          output = (output + text).slice(-200_000)
        }
        child.stdout.on('data', take)
        child.stderr.on('data', take)
        child.on('error', (error) => take(error.message))
        child.on('close', (code) => {
          clearTimeout(timer)
          running = null
          resolve({ ok: code === 0, late, output })
        })
      })
    },
  }
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
      self.stopped = true
      if (running !== null) end(running)
    })
  return self
}

export const firstFailure = (output) =>
  /(?:FAIL|\[ {2}FAILED {2}\]|\*\*\*Failed)\s+(.*)/.exec(output)?.[1]?.trim().slice(0, 120)
