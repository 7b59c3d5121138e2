import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const seconds = Number(process.env.PAGEBOX_SCRIBBLE_SECONDS ?? 5)
const seeds = Number(process.env.PAGEBOX_SCRIBBLE_SEEDS ?? 2)
const script = fileURLToPath(new URL('./children/scribble.mjs', import.meta.url))
const graceMs = 20_000

// Any word of any descriptor, but for the flags, through the direct view: nothing that is read
// there is followed unchecked. That loops over such words end is damagedWords' matter: who
// still looks for what never comes when the time is up is stopped here.
describe('descriptors overwritten under memory management', () => {
  for (const layout of ['linux-6.12', 'linux-4.20'])
    for (let seed = 1; seed <= seeds; seed++)
      test(`${layout}, seed ${seed}: no crash, and the audit tells`, { timeout: 90_000 }, () => {
        const args = [script, String(seed), String(seconds), layout]
        const timeout = seconds * 1000 + graceMs
        const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout })
        const lines = stdout.trimEnd().split('\n')
        expect(stderr).toBe('')
        expect([null, 'SIGTERM'], lines.slice(-8).join('\n')).toContain(signal)
        expect(lines.length).toBeGreaterThan(30)
        if (signal !== null) return
        expect(status).toBe(0)
        const { rounds, dirty } = JSON.parse(lines.at(-1)!) as { rounds: number; dirty: number }
        expect(rounds).toBeGreaterThan(0)
        expect(dirty).toBeGreaterThan(0)
      })
})
