import { Box, explore, explorePins, type LongCallOptions, PageboxError, type Progress, race } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { compare } from '../../lib/compare/compare.ts'
import { conformFiles } from '../../lib/engine/recording/conformFiles.ts'
import { pagebox } from '../../lib/cli/subject.ts'
import { stoppedOnceBegun } from '../stopping.ts'

/* Every call that takes long: one way to end it, and one to be told how far it is. */

interface Ended {
  readonly stoppedBy: string
}

interface Call {
  /** More than anybody waits for. */
  long(options: LongCallOptions): Promise<Ended>
  /** It would be over in a moment; undefined: there is no such. */
  short?: (options: LongCallOptions) => Promise<Ended>
  /** What a whole run says. */
  whole: string
}

const written = { name: 'two', threads: [0, 1].map((i) => ({ name: `t${i}`, ops: [{ op: 'yield' }] })) }
const random = { name: 'mixed', mixes: [{ mm: 1 }, { mm: 1 }] }

function onBox(options: Parameters<typeof race>[1]): Promise<Ended> {
  const box = Box.create({ pages: 4096 })
  return race(box, options).finally(() => box.close())
}

const compareOptions = {
  schemes: pagebox.schemes.filter(({ name }) => name === 'refcount-bias'),
  layouts: pagebox.layouts.filter(({ name }) => name === 'linux-6.12'),
  costLayout: pagebox.layouts.find(({ name }) => name === 'linux-6.12') as (typeof pagebox.layouts)[number],
  seed: 1,
}
const recordings = new URL('../vectors/random-mm-A.jsonl.gz', import.meta.url).pathname

const calls: Record<string, Call> = {
  'race on a box': {
    long: (options) => onBox({ seconds: 300, threads: 2, ...options }),
    short: (options) => onBox({ ops: 1000, ...options }),
    whole: 'ops',
  },
  'race on the settings of a box': {
    long: (options) => race({ pages: 4096, pageType: 'anon' }, { seconds: 300, ...options }),
    short: (options) => race({ pages: 64, pageType: 'anon' }, { rounds: 1, ops: 1000, ...options }),
    whole: 'ops',
  },
  'race of a written scenario': {
    long: (options) => race(written, { seconds: 300, ...options }),
    short: (options) => race(written, { rounds: 3, ...options }),
    whole: 'rounds',
  },
  'race of mixes': {
    long: (options) => race(random, { seconds: 300, ...options }),
    short: (options) => race(random, { ops: 100, ...options }),
    whole: 'ops',
  },
  'explore a written scenario': {
    long: (options) => explore(written, { strategy: 'random', samples: 1e9, ...options }),
    short: (options) => explore(written, { strategy: 'random', samples: 20, ...options }),
    whole: 'schedules',
  },
  'explore mixes': {
    long: (options) => explore(random, { samples: 1e9, ...options }),
    short: (options) => explore(random, { samples: 5, ...options }),
    whole: 'schedules',
  },
  explorePins: {
    long: (options) => explorePins({ schedules: 1e9, ...options }),
    short: (options) => explorePins({ schedules: 50, ...options }),
    whole: 'schedules',
  },
  compare: {
    long: (options) => compare(pagebox, { ...compareOptions, effort: 'thorough', ...options }),
    whole: 'end',
  },
  conform: {
    // The same file again and again: many minutes.
    long: (options) => conformFiles(new Array(500).fill(recordings), options),
    short: (options) =>
      conformFiles([new URL('../vectors/handwritten-thp.jsonl.gz', import.meta.url).pathname], options),
    whole: 'end',
  },
}

describe.each(Object.entries(calls))('%s', (_, { long, short, whole }) => {
  test('aborted in the middle, resolves with what it has', async () => {
    const begun = performance.now()
    const { stoppedBy } = await long(stoppedOnceBegun(3))
    expect(stoppedBy).toBe('abort')
    expect(performance.now() - begun).toBeLessThan(20_000)
  })

  test('with a signal that is aborted already, begins nothing and rejects', async () => {
    const why = new Error('no longer needed')
    const rejected = await long({ signal: AbortSignal.abort(why) }).then(
      () => undefined,
      (error: unknown) => error as PageboxError,
    )
    expect(rejected).toBeInstanceOf(PageboxError)
    expect(rejected?.code).toBe('ERR_PAGEBOX_ABORTED')
    expect(rejected?.cause).toBe(why)
  })

  test('tells how far it is', async () => {
    const told: Progress[] = []
    const stopping = stoppedOnceBegun(3)
    await long({
      ...stopping,
      onProgress: (each) => {
        told.push(each)
        stopping.onProgress(each)
      },
    })
    expect(told.length).toBeGreaterThanOrEqual(3)
    for (const [i, { seconds, done, total }] of told.entries()) {
      expect(seconds).toBeGreaterThanOrEqual(told[i - 1]?.seconds ?? 0)
      expect(done).toBeGreaterThanOrEqual(told[i - 1]?.done ?? 0)
      expect(total === null || done <= total).toBe(true)
    }
  })

  test('ends with what onProgress throws', async () => {
    const onProgress = () => {
      throw new RangeError('mine')
    }
    await expect(long({ progressIntervalMs: 1, onProgress })).rejects.toThrow('mine')
  })

  test.each(['signal', 'onProgress', 'progressIntervalMs'])('checks its %s', async (name) => {
    const bad = await long({
      signal: AbortSignal.timeout(2000),
      [name]: name === 'progressIntervalMs' ? -1 : 7,
    } as never).then(
      () => undefined,
      (error: unknown) => error as PageboxError,
    )
    expect(bad?.argument).toBe(`options.${name}`)
  })

  test.skipIf(short === undefined)('whole, says so; a signal that never aborts changes nothing', async () => {
    const { signal } = new AbortController()
    expect((await short?.({ signal }))?.stoppedBy).toBe(whole)
  })
})
