import { describe, expect, test } from 'vitest'
import { runChild } from './child.ts'

const seconds = Number(process.env.PAGEBOX_SCRIBBLE_SECONDS ?? 6)
const seeds = Number(process.env.PAGEBOX_SCRIBBLE_SEEDS ?? 2)

// Any word of any descriptor, but for the flags, through the direct view: nothing that is read
// there is followed unchecked.
describe('descriptors overwritten under memory management', () => {
  for (const layout of ['linux-6.12', 'linux-4.20'])
    for (let seed = 1; seed <= seeds; seed++)
      test(`${layout}, seed ${seed}: no signal, and the audit tells`, { timeout: 90_000 }, async () => {
        const args = [String(seed), String(seconds), layout]
        const { code, signal, output } = await runChild('scribble.mjs', args)
        const lines = output.trimEnd().split('\n')
        expect({ code, signal, last: lines.slice(-8) }).toMatchObject({ code: 0, signal: null })
        const { rounds, dirty } = JSON.parse(lines.at(-1)!) as { rounds: number; dirty: number }
        expect(rounds).toBeGreaterThan(0)
        expect(dirty).toBe(rounds)
      })
})
