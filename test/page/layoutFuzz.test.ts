import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** Seconds each child may take; what it has not come to then is left out. */
const seconds = Number(process.env.PAGEBOX_LAYOUT_FUZZ_SECONDS ?? 25)
const children = 2
/** One in so many of the mutations, another one for each seed; a prime, so that it meets each kind of them. */
const step = Number(process.env.PAGEBOX_LAYOUT_FUZZ_STEP ?? 31)
const seed = Number(process.env.PAGEBOX_LAYOUT_FUZZ_SEED ?? 0)

const script = fileURLToPath(new URL('./layoutFuzz.mjs', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))

function fuzz(first: number): Promise<{ code: number | null; signal: string | null; output: string }> {
  return new Promise((resolve, reject) => {
    const args = [script, String(first), String(step), String(seconds)]
    const child = spawn(process.execPath, args, { cwd: root, timeout: (seconds + 60) * 1000 })
    let output = ''
    const hear = (chunk: Buffer) => {
      output += chunk
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

describe('each field and flag of each layout taken away, moved, doubled, narrowed', () => {
  for (let i = 0; i < children; i++)
    test(`is refused by name, or runs: part ${i + 1}`, { timeout: (seconds + 90) * 1000 }, async () => {
      const { code, signal, output } = await fuzz((seed * children + i) % step)
      const lines = output.trimEnd().split('\n')
      expect({ code, signal }, lines.slice(-12).join('\n')).toEqual({ code: 0, signal: null })
      const counts = JSON.parse(lines.at(-1)!) as { invalid: number; refused: number; ran: number }
      expect(counts.invalid).toBeGreaterThan(0)
      expect(counts.refused).toBeGreaterThan(0)
      expect(counts.ran).toBeGreaterThan(0)
    })
})
