import { setImmediate } from 'node:timers/promises'
import { maxSampleOps } from '../engine/costBound.ts'
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

/** From here on, descriptors lie on huge pages. */
const largeBytes = 64 * 2 ** 20

/** Pins that no unpin follows stay below every scheme's limit. */
const maxOpenPins = 2 ** 20

interface Pair {
  scheme: Scheme
  own: CostSampler
  limit: CostSampler | undefined
}

/** Counts outside the descriptor are touched by the first pins only; this reaches nearly all of them. */
const warmUpOps = ({ workingSetBytes }: CostGroup): number => Math.min(2 ** 20, Math.max(4096, workingSetBytes / 64))

const seriesOf = (sampler: CostSampler, group: CostGroup): Series => ({
  warmUpOps: warmUpOps(group),
  sample: (ops) => sampler.sample(ops),
  maxOps: group.op === 'pin' || group.op === 'unpin' ? maxOpenPins : maxSampleOps(group.threads),
})

/** Where it collides it still runs, and what it costs is part of the argument. */
function runs(subject: Subject, scheme: Scheme, layout: string, group: CostGroup): boolean {
  const { pageType, order } = group
  const { cell } = subject.room({ scheme, layout, pageType, order })
  return cell === 'fits' || cell === 'collides'
}

/** The descriptors of a group, set up once: a gigabyte of them takes seconds. */
class WorkingSet {
  readonly #subject: Subject
  readonly #options: CostOptions
  readonly #samplers: CostSampler[] = []
  /** The sampler that made each set of descriptors: the first one, and those that could not share it. */
  readonly #owners = new Map<string, CostSampler>()
  #host: CostSampler | undefined

  constructor(subject: Subject, layout: Layout, group: CostGroup, seed: number) {
    const { pageType, order, pattern, threads, op, ledger, workingSetBytes } = group
    const pages = workingSetBytes === hotBytes ? 2 ** order : Math.floor(workingSetBytes / layout.strideBytes)
    this.#subject = subject
    this.#options = {
      scheme: '',
      layout: layout.name,
      pages,
      pageType,
      order,
      pattern,
      threads,
      op,
      ledger,
      seed,
      // The kernel maps its descriptors by huge pages too; and they are there at once.
      hugePages: workingSetBytes >= largeBytes,
    }
  }

  /** A sampler on the shared descriptors, or on some of its own where a scheme or a ledger needs them. */
  sampler(scheme: Scheme, loop: 'scheme' | 'limit'): CostSampler {
    const shared = this.#options.ledger ? undefined : this.#beside(scheme, loop)
    const made = shared ?? this.#subject.prepareCost({ ...this.#options, scheme, loop })
    this.#samplers.push(made)
    if (shared === undefined) this.#owners.set(scheme.name, made)
    this.#host ??= made
    return made
  }

  #beside(scheme: Scheme, loop: 'scheme' | 'limit'): CostSampler | undefined {
    const own = this.#owners.get(scheme.name)
    try {
      return (own ?? this.#host)?.beside({ scheme, loop })
    } catch (error) {
      if (error instanceof PageboxError && error.code === 'ERR_PAGEBOX_NO_ROOM') return undefined
      throw error
    }
  }

  close(): void {
    for (const sampler of this.#samplers) sampler.close()
  }
}

/** Declared schemes and 4-byte words have no hand-written loop; their costs stand alone. */
function limitSampler(set: WorkingSet, scheme: Scheme): CostSampler | undefined {
  try {
    return set.sampler(scheme, 'limit')
  } catch (error) {
    if (error instanceof PageboxError && error.code === 'ERR_PAGEBOX_ARG_RANGE') return undefined
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
  const set = new WorkingSet(subject, layout, group, options.seed)
  const outcomes: CostOutcome[] = []
  try {
    const pairs: Pair[] = []
    for (const scheme of fitting) {
      const own = set.sampler(scheme, 'scheme')
      pairs.push({ scheme, own, limit: group.withLimit ? limitSampler(set, scheme) : undefined })
      // Descriptors are set up in one call each; between them a signal must get through.
      await setImmediate()
      if (options.signal?.aborted) return outcomes
    }
    const series = pairs.flatMap(({ own, limit }) =>
      [own, ...(limit ? [limit] : [])].map((sampler) => seriesOf(sampler, group)),
    )
    const times = await interleave(series, options)
    for (const { scheme, limit } of pairs) {
      const ownTimes = times.shift() ?? []
      const limitTimes = limit && (times.shift() ?? [])
      if (ownTimes.length > 0) {
        outcomes.push(outcome(scheme, layout.name, group, ownTimes, limitTimes, options.random))
      }
    }
  } finally {
    set.close()
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
