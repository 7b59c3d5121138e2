import { describe, expect, test } from 'vitest'
import { runChild } from './child.ts'

const seconds = Number(process.env.PAGEBOX_SCRIBBLE_SECONDS ?? 2)
const seeds = Number(process.env.PAGEBOX_SCRIBBLE_SEEDS ?? 2)
/** Of two threads, whose rounds are long. */
const togetherSeconds = 2 * seconds
/** What is left of a round when the time is up, on a machine with few cores. */
const graceMs = 40_000
/** A loop gives up after two seconds, and a call has more than one. */
const longestCallMs = 20_000

/** The child ends by itself and in time, whatever stands in the descriptors, and the audit tells. */
async function endsByItself(script: string, args: readonly string[]) {
  const { code, signal, output } = await runChild(script, args, {}, [], togetherSeconds * 1000 + graceMs)
  const lines = output.trimEnd().split('\n')
  expect({ code, signal }, lines.slice(-8).join('\n')).toEqual({ code: 0, signal: null })
  const { rounds, dirty, slowest } = JSON.parse(lines.at(-1)!) as {
    rounds: number
    dirty: number
    slowest: [string, number]
  }
  expect(rounds).toBeGreaterThan(0)
  expect(dirty).toBeGreaterThan(0)
  expect(slowest[1], slowest[0]).toBeLessThan(longestCallMs)
}

const timeout = togetherSeconds * 1000 + graceMs + 10_000

// Any word of any descriptor, but for the flags, through the direct view: nothing that is read
// there is followed unchecked, and what is looked for in vain is looked for no longer than a while.
describe('descriptors overwritten under memory management', () => {
  for (const layout of ['linux-6.12', 'linux-4.20'])
    for (let seed = 1; seed <= seeds; seed++)
      test(`${layout}, seed ${seed}: no crash, and the audit tells`, { timeout }, () =>
        endsByItself('scribble.mjs', [String(seed), String(seconds), layout]),
      )
})

// And the flags, by what stands elsewhere, of any type of page, under devices as well.
describe('descriptors overwritten with each other', () => {
  const machines = ['linux-6.12', 'linux-4.20', 'linux-4.20-zd', 'linux-4.20-count', 'linux-4.20-counter']
  for (const [seed, layout] of machines.entries())
    test(`${layout}: alone`, { timeout }, () =>
      endsByItself('overwrite.mjs', [String(seed), String(seconds), layout, 'refcount']),
    )
  for (const [layout, scheme] of [
    ['linux-6.12', 'refcount-bias'],
    ['linux-4.20', 'refcount'],
  ] as const)
    test(`${layout}, ${scheme}: by another thread`, { timeout }, () =>
      endsByItself('overwrite.mjs', ['1', String(togetherSeconds), layout, scheme, 'together']),
    )
})
