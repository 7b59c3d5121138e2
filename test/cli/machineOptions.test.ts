import { describe, expect, test } from 'vitest'
import { runCli } from './testIo.ts'

describe('--options of stress', () => {
  test.each(['writebackAsksPins', 'writeback_asks_pins', 'file-backed-device-pages,writebackAsksPins'])(
    '%s is what no kernel does',
    async (names) => {
      const { code, err } = await runCli(['stress', 'mm', '--options', names, '--seconds', '0.1'])
      expect([code, err]).toEqual([0, ''])
    },
  )

  test('refuses a name that is in no table, and offers the nearest', async () => {
    const { code, err } = await runCli(['stress', 'mm', '--options', 'writebackAsksPin', '--seconds', '0.1'])
    expect(code).toBe(2)
    expect(err).toContain('Did you mean writebackAsksPins?')
  })
})
