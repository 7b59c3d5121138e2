import type { CostOptions, CostSampler } from '../engine/costTypes.ts'
import { PageboxError } from '../errors.ts'
import type { Layout } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import type { CostRow, LimitRow } from './document.ts'
import { type CostGroup, hotBytes } from './plan.ts'
import { interleave, type RoundOptions, type Series } from './rounds.ts'
import { medianInterval, ratioInterval } from './statistics.ts'
import type { Subject } from './subject.ts'

export interface CostOutcome {
  scheme: string
  row: CostRow
  limit: LimitRow | undefined
}

/** From here on, the schemes of a group are measured one after another: memory for one at a time. */
const largeBytes = 64 * 2 ** 20

/** Pins that no unpin follows stay below every scheme's limit. */
const maxOpenPins = 2 ** 20

interface Pair {
  scheme: Scheme
  own: CostSampler
  limit: CostSampler | undefined
}

const seriesOf = (sampler: CostSampler, op: string): Series => ({
  sample: (ops) => sampler.sample(ops),
  maxOps: op === 'pin' || op === 'unpin' ? maxOpenPins : Number.MAX_SAFE_INTEGER,
})

/** Where it collides it still runs, and what it costs is part of the argument. */
function runs(subject: Subject, scheme: Scheme, layout: string, group: CostGroup): boolean {
  const { pageType, order } = group
  const { cell } = subject.room({ scheme, layout, pageType, order })
  return cell === 'fits' || cell === 'collides'
}

/** Declared schemes and 4-byte words have no hand-written loop; their costs stand alone. */
function prepareLimit(subject: Subject, options: CostOptions): CostSampler | undefined {
  try {
    return subject.prepareCost({ ...options, loop: 'limit' })
  } catch (error) {
    if (error instanceof PageboxError && error.code !== 'ERR_PAGEBOX_MEMORY') return undefined
    throw error
  }
}

function prepare(subject: Subject, scheme: Scheme, layout: Layout, group: CostGroup, seed: number): Pair {
  const stride = layout.strideBytes
  const pages = group.workingSetBytes === hotBytes ? 2 ** group.order : Math.floor(group.workingSetBytes / stride)
  const options: CostOptions = {
    scheme,
    layout: layout.name,
    pageType: group.pageType,
    order: group.order,
    pages,
    pattern: group.pattern,
    threads: group.threads,
    op: group.op,
    ledger: group.ledger,
    // The kernel maps its descriptors by huge pages too; and they are there at once.
    hugePages: group.workingSetBytes >= largeBytes,
    seed,
  }
  const own = subject.prepareCost(options)
  try {
    return { scheme, own, limit: group.withLimit ? prepareLimit(subject, options) : undefined }
  } catch (error) {
    own.close()
    throw error
  }
}

/**
 * Measures one group: each scheme that fits, and its hand-written loop, in
 * interleaved rounds.
 */
export async function measureGroup(
  subject: Subject,
  schemes: readonly Scheme[],
  layout: Layout,
  group: CostGroup,
  options: RoundOptions & { seed: number; random: () => number },
): Promise<CostOutcome[]> {
  const fitting = schemes.filter((scheme) => runs(subject, scheme, layout.name, group))
  const batches = group.workingSetBytes >= largeBytes ? fitting.map((scheme) => [scheme]) : [fitting]
  const outcomes: CostOutcome[] = []
  const begin = performance.now()
  for (const [at, batch] of batches.entries()) {
    // Each batch may use its share of what is left, so that the last scheme gets as much as the first.
    const share = (options.deadline - begin) * ((at + 1) / batches.length)
    const deadline = Math.min(options.deadline, begin + share)
    const pairs: Pair[] = []
    try {
      for (const scheme of batch) pairs.push(prepare(subject, scheme, layout, group, options.seed))
      const series = pairs.flatMap(({ own, limit }) =>
        [own, ...(limit ? [limit] : [])].map((sampler) => seriesOf(sampler, group.op)),
      )
      const times = await interleave(series, { ...options, deadline })
      for (const pair of pairs) {
        const own = times.shift() ?? []
        const limit = pair.limit && (times.shift() ?? [])
        if (own.length > 0) outcomes.push(outcome(pair.scheme, layout.name, group, own, limit, options.random))
      }
    } finally {
      for (const { own, limit } of pairs) {
        own.close()
        limit?.close()
      }
    }
    if (options.signal?.aborted) break
  }
  return outcomes
}

function outcome(
  scheme: Scheme,
  layout: string,
  group: CostGroup,
  own: readonly number[],
  limit: readonly number[] | undefined,
  random: () => number,
): CostOutcome {
  const { pageType, order, pattern, workingSetBytes, threads, op } = group
  const common = { layout, pageType, order, pattern, workingSetBytes, threads, op, rounds: own.length }
  return {
    scheme: scheme.name,
    row: {
      ...common,
      nsPerOp: medianInterval(own, random),
      timesLimit: limit ? ratioInterval(own, limit, random) : null,
    },
    limit: limit && { ...common, scheme: scheme.name, nsPerOp: medianInterval(limit, random) },
  }
}
