import { describe, expect, test } from 'vitest'
import { runChild } from './child.ts'

const seconds = Number(process.env.PAGEBOX_DAMAGE_SECONDS ?? 4)
const seeds = Number(process.env.PAGEBOX_DAMAGE_SEEDS ?? 4)

/** A loop gives up after two seconds; the machine of the tests has few cores and many threads. */
const longestMs = 15_000

describe('a scheme that damages descriptors', () => {
  for (let seed = 1; seed <= seeds; seed++)
    test(`races of memory management end on time, seed ${seed}`, { timeout: (seconds + 60) * 1000 }, async () => {
      const { code, signal, output } = await runChild(
        'damage.mjs',
        [String(seed), String(seconds)],
        {},
        [],
        (seconds + 50) * 1000,
      )
      const lines = output.trimEnd().split('\n')
      expect({ code, signal, last: lines.slice(-2) }).toEqual({
        code: 0,
        signal: null,
        last: [expect.any(String), 'ended'],
      })
      const raced = lines
        .filter((line) => line.startsWith('{"ms"'))
        .map((line) => JSON.parse(line) as { ms: number; wrong: unknown[] })
      expect(raced.length).toBeGreaterThan(3)
      expect(raced.filter(({ ms }) => ms > longestMs)).toEqual([])
      expect(raced.flatMap(({ wrong }) => wrong)).toEqual([])
    })
})
