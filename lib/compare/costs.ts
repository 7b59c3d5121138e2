import { setImmediate } from 'node:timers/promises'
import { maxSampleOps } from '../engine/costBound.ts'
import type { CostOptions, CostSampler } from '../engine/costTypes.ts'
import { PageboxError } from '../errors.ts'
import type { Layout } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import { blockInterval, moderated, pooled, ratioUnits, type Rounds, spreadOf, unitsOf } from './blocks.ts'
import { perPair } from './counters.ts'
import type { CostRow, CountedRow, LimitRow, Reference } from './document.ts'
import { type CostGroup, hotBytes } from './plan.ts'
import { interleave, type RoundOptions, type Series } from './rounds.ts'
import { student95 } from './student.ts'
import type { Situation } from './situation.ts'
import type { Subject } from './subject.ts'

export interface CostOutcome {
  scheme: string
  row: CostRow
  limit: LimitRow | undefined
}

export type BlockOptions = RoundOptions & { seed: number }

/** From here on, descriptors lie on huge pages. */
const largeBytes = 64 * 2 ** 20

/** Pins that no unpin follows stay below every scheme's limit. */
const maxOpenPins = 2 ** 20

/**
 * Nearly all of what a sampler is the first on: descriptors that nobody else has, or counts outside them. Where others
 * were before, all of it is as near to the processor as it gets.
 */
function warmUpOps({ workingSetBytes }: CostGroup, { place }: Scheme, isFirst: boolean): number {
  const hasMore = isFirst || place === 'side-table' || place === 'sharded'
  return hasMore ? Math.min(2 ** 20, Math.max(leastWarmUp, workingSetBytes / 64)) : leastWarmUp
}

const leastWarmUp = 4096

/** Pairs of one thread behind a count. */
const countedOps = 2 ** 18

const seriesOf = (set: WorkingSet, sampler: CostSampler, group: CostGroup, scheme: Scheme): Series => ({
  warmUpOps: warmUpOps(group, scheme, set.memoryOf(sampler) === sampler),
  memory: set.memoryOf(sampler),
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
  /** Each sampler, with the one that made its descriptors. */
  readonly #makers = new Map<CostSampler, CostSampler>()
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
  sampler(scheme: Scheme, loop: 'scheme' | 'limit', op = this.#options.op, counters = false): CostSampler {
    // No ledger is kept by the hand-written loops.
    const ledger = this.#options.ledger === true && loop === 'scheme'
    const shared = this.#options.ledger ? undefined : this.#beside(scheme, loop, op, counters)
    const made = shared ?? this.#subject.prepareCost({ ...this.#options, scheme, loop, op, ledger, counters })
    if (shared === undefined) this.#owners.set(scheme.name, made)
    this.#host ??= made
    this.#makers.set(made, this.#owners.get(scheme.name) ?? this.#host)
    return made
  }

  #beside(scheme: Scheme, loop: 'scheme' | 'limit', op: CostOptions['op'], counters: boolean): CostSampler | undefined {
    const own = this.#owners.get(scheme.name)
    try {
      return (own ?? this.#host)?.beside({ scheme, loop, op, counters })
    } catch (error) {
      if (error instanceof PageboxError && error.code === 'ERR_PAGEBOX_NO_ROOM') return undefined
      throw error
    }
  }

  /** Who made the descriptors that it is on. */
  memoryOf(sampler: CostSampler): CostSampler {
    return this.#makers.get(sampler) as CostSampler
  }

  close(): void {
    for (const sampler of this.#makers.keys()) sampler.close()
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

/** Times of one scheme in one group: every block's, one after the other. */
export interface Measured extends Rounds {
  scheme: { readonly name: string }
  reference: Reference | undefined
}

/** Whose loop of the same operation a cost is held against where its scheme has none. */
const yardstick = 'refcount'

interface Timed {
  scheme: Scheme
  own: CostSampler
  limit: CostSampler | undefined
}

/**
 * One group, measured block by block: each scheme that fits and its hand-written loop in interleaved rounds, on
 * descriptors that live for a block. The next block gets other memory and other threads, as another run would.
 */
export class GroupCosts {
  readonly group: CostGroup
  readonly #subject: Subject
  readonly #layout: Layout
  readonly #fitting: readonly Scheme[]
  readonly #options: BlockOptions
  readonly #measured = new Map<string, Measured>()

  constructor(subject: Subject, schemes: readonly Scheme[], layout: Layout, group: CostGroup, options: BlockOptions) {
    this.group = group
    this.#subject = subject
    this.#layout = layout
    this.#fitting = schemes.filter((scheme) => runs(subject, scheme, layout.name, group))
    this.#options = options
  }

  /** One more block; what an abort cuts short keeps its whole rounds. */
  async block(): Promise<void> {
    const { signal, seed } = this.#options
    const set = new WorkingSet(this.#subject, this.#layout, this.group, seed)
    try {
      const timed: Timed[] = []
      for (const scheme of this.#fitting) {
        const own = set.sampler(scheme, 'scheme')
        timed.push({ scheme, own, limit: this.group.ledger ? undefined : limitSampler(set, scheme) })
        // Descriptors are set up in one call each; between them a signal must get through.
        await setImmediate()
        if (signal?.aborted) return
      }
      const common = timed.every(({ limit }) => limit !== undefined) ? undefined : this.#yardstick(set)
      const series = timed.flatMap(({ scheme, own, limit }) =>
        (limit ? [own, limit] : [own]).map((sampler) => seriesOf(set, sampler, this.group, scheme)),
      )
      if (common) series.push(seriesOf(set, common.sampler, this.group, common.scheme))
      const times = await interleave(series, this.#options)
      const ofYardstick = common && (times.at(-1) ?? [])
      for (const { scheme, limit } of timed) {
        const own = times.shift() ?? []
        const ofLimit = limit && (times.shift() ?? [])
        const against = ofLimit ?? ofYardstick
        this.#add(
          scheme,
          own,
          against && { scheme: ofLimit ? scheme.name : yardstick, op: this.group.op, samples: against },
        )
      }
    } finally {
      set.close()
    }
  }

  /** What is counted in each scheme's loop, in one sample of its own: counting takes time, so none of it is a cost. */
  async count(): Promise<{ scheme: string; row: CountedRow }[]> {
    const { pageType, order, pattern, workingSetBytes, threads, op } = this.group
    const at = { layout: this.#layout.name, pageType, order, pattern, workingSetBytes, threads, op }
    const set = new WorkingSet(this.#subject, this.#layout, this.group, this.#options.seed)
    const rows: { scheme: string; row: CountedRow }[] = []
    try {
      for (const scheme of this.#fitting) {
        const sampler = set.sampler(scheme, 'scheme', op, true)
        sampler.sample(Math.min(warmUpOps(this.group, scheme, true), maxSampleOps(threads)))
        const { ops, counted } = sampler.sample(countedOps)
        if (counted) rows.push({ scheme: scheme.name, row: { ...at, ops, perPair: perPair(counted, ops * threads) } })
        await setImmediate()
        if (this.#options.signal?.aborted) break
      }
    } finally {
      set.close()
    }
    return rows
  }

  #yardstick(set: WorkingSet): { scheme: Scheme; sampler: CostSampler } | undefined {
    const scheme = this.#subject.schemes.find(({ name }) => name === yardstick)
    const sampler = scheme && limitSampler(set, scheme)
    return sampler && { scheme, sampler }
  }

  #add(scheme: Scheme, samples: readonly number[], reference: Reference | undefined): void {
    if (samples.length === 0) return
    const there = this.#measured.get(scheme.name)
    if (there === undefined) {
      this.#measured.set(scheme.name, { scheme, samples: [...samples], blocks: [samples.length], reference })
      return
    }
    there.samples.push(...samples)
    there.blocks.push(samples.length)
    if (reference !== undefined) there.reference?.samples.push(...reference.samples)
  }

  /** The widest interval of the group: half of it, as a share of the cost. Infinite while no spread is known. */
  width(): number {
    const all = [...this.#measured.values()].map((each) => unitsOf(each))
    const common = pooled(all.map(spreadOf))
    if (common.freedom === 0) return Number.POSITIVE_INFINITY
    return Math.max(
      ...all.map((units) => {
        const { variance, freedom } = moderated(spreadOf(units), common)
        return student95(freedom) * Math.sqrt(variance / units.length)
      }),
    )
  }

  outcomes(random: () => number): CostOutcome[] {
    return costOutcomes([...this.#measured.values()], { ...this.group, layout: this.#layout.name }, random)
  }
}

/** Rows of one situation, each scheme's with what the others say of its spread. */
export function costOutcomes(
  measured: readonly Measured[],
  situation: Omit<Situation, 'pageType'> & { pageType: string; op: string },
  random: () => number,
): CostOutcome[] {
  const { layout, pageType, order, pattern, workingSetBytes, threads, op } = situation
  const at = { layout, pageType, order, pattern, workingSetBytes, threads, op }
  const of = measured.map((each) => {
    const { samples, blocks, reference } = each
    const loop = reference?.scheme === each.scheme.name && reference.op === op ? reference.samples : undefined
    return {
      each,
      own: unitsOf(each),
      loop,
      limit: loop && unitsOf({ samples: loop, blocks }),
      ratio: loop && ratioUnits(each, loop),
      samples,
    }
  })
  const spreads = (units: (number[] | undefined)[]) => pooled(units.flatMap((each) => (each ? [spreadOf(each)] : [])))
  const owns = spreads(of.map(({ own }) => own))
  const limits = spreads(of.map(({ limit }) => limit))
  const ratios = spreads(of.map(({ ratio }) => ratio))
  return of.map(({ each, own, loop, limit, ratio, samples }) => {
    const { scheme, blocks, reference } = each
    const common = { ...at, rounds: samples.length, blocks }
    return {
      scheme: scheme.name,
      row: {
        ...common,
        samples,
        reference,
        nsPerOp: blockInterval(samples, own, owns, random),
        timesLimit:
          loop && ratio
            ? blockInterval(
                samples.map((ns, round) => ns / (loop[round] as number)),
                ratio,
                ratios,
                random,
              )
            : null,
      },
      limit: loop &&
        limit && { ...common, samples: loop, scheme: scheme.name, nsPerOp: blockInterval(loop, limit, limits, random) },
    }
  })
}
