import { describe, expect, test } from 'vitest'
import { Box, type PageboxError, race, type RaceProgress, schemes } from 'pagebox'
import { stoppedOnceBegun } from '../stopping.ts'

describe('a race', () => {
  test.each(schemes.names.filter((name) => name !== 'packed-32'))('of %s ends clean', async (scheme) => {
    const result = await race(
      { pages: 64, scheme },
      {
        threads: 2,
        ops: 20_000,
        seed: 7,
        pattern: 'zipf',
        mix: { 'pin+unpin': 4, pin: 1, unpin: 1, 'get+put': 2, maybe_pinned: 1, 'isolate+putback': 1 },
      },
    )
    expect(result.stoppedBy).toBe('ops')
    expect(result.seed).toBe(7n)
    expect(result.threads).toHaveLength(2)
    result.audit.assertClean()
    const total = result.ops.reduce((sum, { ops }) => sum + ops, 0)
    expect(total).toBe(40_000)
    expect(result.ops.find(({ op }) => op === 'pin+unpin')?.latencyNs?.samples).toBeGreaterThan(0)
  })

  test('ends by time, and tells how far it is', async () => {
    const told: RaceProgress[] = []
    const box = Box.create({ pages: 256 })
    const result = await race(box, { seconds: 0.2, progressIntervalMs: 20, onProgress: (each) => told.push(each) })
    expect(result.stoppedBy).toBe('time')
    expect(told.length).toBeGreaterThan(1)
    expect(told.at(-1)!.ops).toBeGreaterThan(0)
    box.audit().assertClean()
    box.close()
  })

  test('ends by rounds', async () => {
    const { stoppedBy, rounds } = await race({ pages: 16 }, { rounds: 2, threads: 2 })
    expect({ stoppedBy, rounds }).toEqual({ stoppedBy: 'rounds', rounds: 2 })
  })

  test('ends by its signal, promptly and with results', async () => {
    const box = Box.create({ pages: 256 })
    const begun = performance.now()
    const result = await race(box, { seconds: 60, threads: 2, ...stoppedOnceBegun(5) })
    expect(result.stoppedBy).toBe('abort')
    expect(performance.now() - begun).toBeLessThan(5000)
    result.audit.assertClean()
    // Nothing is begun for a signal that was aborted before; test/api/longCalls.test.ts has all calls.
    await expect(race(box, { seconds: 60, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_ABORTED',
    })
    box.close()
  })

  test('has the box for itself', async () => {
    const box = Box.create({ pages: 256 })
    const stop = new AbortController()
    const running = race(box, { seconds: 60, signal: stop.signal })
    const other = race(box, { ops: 1 })
    await expect(other).rejects.toMatchObject({ code: 'ERR_PAGEBOX_BUSY' })
    await expect.poll(() => codeOf(() => box.pins.pin(1))).toBe('ERR_PAGEBOX_BUSY')
    expect(codeOf(() => box.audit())).toBe('ERR_PAGEBOX_BUSY')
    box.pins.maybePinned(1) // a query may
    stop.abort()
    await running
    box.audit().assertClean()
    box.close()
  })

  test('is stopped by the close of its box', async () => {
    const box = Box.create({ pages: 256 })
    const running = race(box, { seconds: 60 })
    box.close()
    expect((await running).stoppedBy).toBe('abort')
  })

  test('is stopped by what onProgress throws', async () => {
    const box = Box.create({ pages: 256 })
    const onProgress = () => {
      throw new RangeError('mine')
    }
    await expect(race(box, { seconds: 60, progressIntervalMs: 1, onProgress })).rejects.toThrow('mine')
    box.pins.pin(1)
    box.pins.unpin(1)
    box.close()
  })
})

function codeOf(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as PageboxError).code
  }
}
