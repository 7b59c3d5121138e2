import type { AuditReport } from '../audit.ts'
import type { Reached } from '../scenario/scenarioTypes.ts'
import type { Latency, RaceResult } from '../raceTypes.ts'

/** One operation over all slices of a stress run. */
export interface OpTotal {
  op: string
  ops: number
  opsPerSecond: number
  retries: number
  failures: Readonly<Record<string, number>>
  latencyNs: Latency | null
}

interface Sum {
  ops: number
  retries: number
  failures: Map<string, number>
  buckets: Map<number, number>
  samples: number
  weighted: number
  min: number
  max: number
}

const newSum = (): Sum => ({
  ops: 0,
  retries: 0,
  failures: new Map(),
  buckets: new Map(),
  samples: 0,
  weighted: 0,
  min: Number.POSITIVE_INFINITY,
  max: 0,
})

/** Upper end of the bucket below which this share of the samples lies. */
function percentile(buckets: readonly (readonly [number, number])[], samples: number, share: number): number {
  let seen = 0
  for (const [upToNs, count] of buckets) {
    seen += count
    if (seen >= share * samples) return upToNs
  }
  return buckets.at(-1)?.[0] ?? 0
}

function latencyOf(sum: Sum): Latency | null {
  if (sum.samples === 0) return null
  const buckets = [...sum.buckets].sort(([a], [b]) => a - b)
  // A bucket's upper end may lie above the largest value that fell into it.
  const at = (share: number): number => Math.min(sum.max, percentile(buckets, sum.samples, share))
  return {
    samples: sum.samples,
    min: sum.min,
    mean: sum.weighted / sum.samples,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: sum.max,
    buckets: buckets.map(([upToNs, count]) => ({ upToNs, count })),
  }
}

/** Adds up slices in bounded memory: counts and histograms, never samples. */
export class StressTotal {
  seconds = 0
  slices = 0
  pagesAudited = 0
  /** The first audit that was not clean. */
  dirty: AuditReport | undefined
  readonly #byOp = new Map<string, Sum>()
  readonly #reached = new Map<string, { -readonly [Key in keyof Reached]: Reached[Key] }>()

  add(result: RaceResult & { readonly reached?: readonly Reached[] }): void {
    this.seconds += result.seconds
    this.slices++
    this.pagesAudited += result.audit.pages
    if (!result.audit.clean) this.dirty ??= result.audit
    for (const op of result.ops) this.#addOp(op)
    for (const each of result.reached ?? []) this.#addReached(each)
  }

  /** What another one has, too; or what is known of one. */
  merge(other: Pick<StressTotal, 'seconds' | 'slices' | 'pagesAudited' | 'dirty' | 'byOp' | 'reached'>): void {
    this.seconds += other.seconds
    this.slices += other.slices
    this.pagesAudited += other.pagesAudited
    this.dirty ??= other.dirty
    for (const op of other.byOp) this.#addOp(op)
    for (const each of other.reached) this.#addReached(each)
  }

  #addReached(each: Reached): void {
    const name = `${each.group} ${each.name}`
    const sum = this.#reached.get(name)
    if (sum === undefined) this.#reached.set(name, { ...each })
    else sum.count += each.count
  }

  #addOp(result: Pick<OpTotal, 'op' | 'ops' | 'retries' | 'failures' | 'latencyNs'>): void {
    const sum = this.#byOp.get(result.op) ?? newSum()
    this.#byOp.set(result.op, sum)
    sum.ops += result.ops
    sum.retries += result.retries
    for (const [errno, count] of Object.entries(result.failures)) {
      sum.failures.set(errno, (sum.failures.get(errno) ?? 0) + count)
    }
    const latency = result.latencyNs
    if (latency === null || latency.samples === 0) return
    sum.samples += latency.samples
    // A mean is of whole nanoseconds: their sum is whole too, and adds up in any order.
    sum.weighted += Math.round(latency.mean * latency.samples)
    sum.min = Math.min(sum.min, latency.min)
    sum.max = Math.max(sum.max, latency.max)
    for (const { upToNs, count } of latency.buckets) {
      sum.buckets.set(upToNs, (sum.buckets.get(upToNs) ?? 0) + count)
    }
  }

  get ops(): number {
    return [...this.#byOp.values()].reduce((total, sum) => total + sum.ops, 0)
  }

  get failures(): number {
    return [...this.#byOp.values()].flatMap((sum) => [...sum.failures.values()]).reduce((a, b) => a + b, 0)
  }

  /** Share of the operations that did something; null: there were none. */
  get useful(): number | null {
    return this.ops === 0 ? null : 1 - this.failures / this.ops
  }

  /** Ways through memory management, with those that were never taken; none of a race of pins. */
  get reached(): Reached[] {
    return [...this.#reached.values()]
  }

  /** Operations that met a word which no kernel would write. */
  get corrupt(): number {
    return [...this.#byOp.values()].reduce((total, sum) => total + (sum.failures.get('CORRUPT') ?? 0), 0)
  }

  get byOp(): OpTotal[] {
    return [...this.#byOp].map(([op, sum]) => ({
      op,
      ops: sum.ops,
      opsPerSecond: this.seconds > 0 ? sum.ops / this.seconds : 0,
      retries: sum.retries,
      failures: Object.fromEntries(sum.failures),
      latencyNs: latencyOf(sum),
    }))
  }
}
