import { describe, expect, test } from 'vitest'
import { runChild } from './child.ts'

const rounds = process.env.PAGEBOX_HOSTILE_ROUNDS ?? '6'

describe('a worker terminated while it', () => {
  for (const does of ['race', 'explore', 'cost', 'long-cost', 'batch', 'audit', 'direct', 'single'])
    test(`is in ${does}`, async () => {
      const { code, signal, output } = await runChild('terminate.mjs', [does, rounds])
      expect({ code, signal, output }).toEqual({ code: 0, signal: null, output: 'survived\n' })
    }, 120_000)
})

describe('process.exit() during', () => {
  for (const does of ['race', 'explore', 'worker'])
    test.each([0, 5, 40, 200])(`a ${does}, after %i ms`, async (afterMs) => {
      const { code, signal, output } = await runChild('exit.mjs', [does, String(afterMs)])
      expect({ code, signal, output }).toEqual({ code: 7, signal: null, output: '' })
    })
})

describe('one box used by two workers at once', () => {
  for (const scheme of ['refcount', 'refcount-bias', 'lru-overlay', 'packed-64', 'side-table', 'sharded'])
    test.each([true, false])(`${scheme}, ledger %s`, async (ledger) => {
      const { code, signal, output } = await runChild('together.mjs', [scheme, String(ledger)])
      expect({ code, signal, output }).toEqual({ code: 0, signal: null, output: 'clean\n' })
    })
})
