import { boolean, integer, oneOf, options, or, unsigned64 } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import { native } from '../native/load.ts'
import { closedError, created, isBusy, refusal } from '../native/status.ts'
import { tables } from '../native/tables.ts'
import { maxOrder } from '../pins/room.ts'
import { plainBehaviour } from '../pins/behaviour.ts'
import { readBoxOptions } from './boxOptions.ts'
import type { NativeCostOptions, NativeCostSampler } from '../native/engineBinding.ts'
import { maxSampleOps } from './costBound.ts'
import type { CostBesideOptions, CostOp, CostOptions, CostSample, CostSampler } from './costTypes.ts'
import type { Pattern } from './raceTypes.ts'

const known = [
  'scheme',
  'layout',
  'pageType',
  'order',
  'pages',
  'pattern',
  'threads',
  'op',
  'loop',
  'ledger',
  'seed',
  'prefetch',
  'hugePages',
  'draws',
  'counters',
] as const

const ops: readonly CostOp[] = [
  'pin+unpin',
  'pin',
  'unpin',
  'maybe_pinned',
  'try_pin_speculative+unpin',
  'pin_referenced+unpin',
  'pin|unpin',
]

/** What may differ on descriptors that are there. */
const knownBeside = ['scheme', 'pattern', 'threads', 'op', 'loop', 'seed', 'prefetch', 'draws', 'counters'] as const

function read(given: Partial<CostOptions>): NativeCostOptions {
  const { scheme, layout, pages, hugePages } = given
  return {
    box: {
      ...readBoxOptions(
        {
          scheme,
          layout,
          pages,
          hugePages,
          ledger: given.ledger === undefined ? false : boolean(given.ledger, 'options.ledger'),
        },
        'options',
      ),
      // Descriptors alone: nothing of what address spaces need is to be measured.
      addressSpaces: false,
      behaviour: plainBehaviour,
      hugetlbPages: 0,
      devicePages: 0,
    },
    type: oneOf(or(given.pageType, 'anon'), 'options.pageType', tables().pageTypes),
    order: given.order === undefined ? 0 : integer(given.order, 'options.order', 0, maxOrder),
    pattern: oneOf(or(given.pattern, 'hot'), 'options.pattern', tables().patterns as Pattern[]),
    threads: given.threads === undefined ? 1 : integer(given.threads, 'options.threads', 1, tables().maxThreads),
    op: oneOf(or(given.op, 'pin+unpin'), 'options.op', ops),
    loop: oneOf(or(given.loop, 'scheme'), 'options.loop', ['scheme', 'limit', 'none'] as const),
    prefetch: given.prefetch === undefined ? true : boolean(given.prefetch, 'options.prefetch'),
    draws: given.draws === undefined ? false : boolean(given.draws, 'options.draws'),
    counters: given.counters === undefined ? false : boolean(given.counters, 'options.counters'),
    seed: given.seed === undefined ? 1n : unsigned64(given.seed, 'options.seed'),
  }
}

/**
 * Prepares a measurement: makes a box, sets up and touches its pages, draws the indices. Each
 * `sample` is one native call, so rounds of several samplers can be interleaved.
 */
export function prepareCost(value: CostOptions): CostSampler {
  const given = options(value, 'options', known) as unknown as CostOptions
  const settings = read(given)
  return samplerOf(created(native().prepareCost(settings), 'options'), given, maxSampleOps(settings.threads))
}

function samplerOf(sampler: NativeCostSampler, prepared: CostOptions, maxOps: number): CostSampler {
  let open = true
  const close = (): void => {
    if (open) sampler.close()
    open = false
  }
  return Object.freeze({
    sample(count: number): CostSample {
      const wanted = integer(count, 'ops', 1, maxOps)
      if (!open) throw closedError('the sampler')
      const found = sampler.sample(wanted)
      if (typeof found === 'object') return found as CostSample // base/host/counters.h names what was counted
      if (isBusy(found)) throw new PageboxError('ERR_PAGEBOX_BUSY', 'the sampler is running in another thread')
      throw refusal(found, 'sample', 'a page')
    },
    beside(value: CostBesideOptions): CostSampler {
      const given = { ...prepared, ...options(value, 'options', knownBeside) } as CostOptions
      const settings = read(given)
      if (!open) throw closedError('the sampler')
      const made = sampler.beside(settings)
      if (typeof made === 'number') throw refusal(made, 'beside', 'a page')
      return samplerOf(created(made, 'options'), given, maxSampleOps(settings.threads))
    },
    close,
    [Symbol.dispose]: close,
  })
}

/** One measurement from start to end: prepares, runs `ops` operations once to warm up and once for real. */
export function measureCost(value: CostOptions, count: number): CostSample {
  const sampler = prepareCost(value)
  try {
    sampler.sample(count)
    return sampler.sample(count)
  } finally {
    sampler.close()
  }
}

export type * from './costTypes.ts'
