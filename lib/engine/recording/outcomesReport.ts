import type { Extent, OutcomeMismatch, ScenarioOutcomes } from './outcomes.ts'

/** How concurrent recordings compare. `explained + missing + unsupported = seen`. */
export interface OutcomesReport {
  readonly files: readonly string[]
  readonly scenarios: number
  /** Scenarios by how much of their schedules was explored. */
  readonly complete: number
  readonly bounded: number
  readonly sampled: number
  readonly schedules: number
  /** Distinct outcomes that the kernel gave; of those, the explored ones, those that are missing, and those of scenarios with operations that there are not. */
  readonly seen: number
  readonly explained: number
  /** Of the explained ones those by inference: no explored schedule gives them, but threads in order on one processor. */
  readonly oneCpu: number
  readonly missing: number
  /** Of the missing ones those that take a rule which is not here yet, and how many take which. */
  readonly waiting: number
  readonly needs: Readonly<Record<string, number>>
  readonly unsupported: number
  readonly unsupportedOps: Readonly<Record<string, number>>
  /** Outcomes that an order of whole threads gives here, and exploration did not find. */
  readonly serialMissing: number
  /** Scenarios whose setup gave other results. */
  readonly setupDiffers: number
  /** Explored outcomes that the kernel was not seen to give: no fault. */
  readonly extra: number
  /** Schedules that did not come out clean, by how they ended. */
  readonly bad: Readonly<Record<string, number>>
  /** The rules that held, and for how many scenarios: a kernel's, with those that are not there yet behind `~`. */
  readonly rules: Readonly<Record<string, number>>
  /** The first of them. */
  readonly mismatches: readonly OutcomeMismatch[]
}

const add = (to: Map<string, number>, key: string, count = 1): unknown => to.set(key, (to.get(key) ?? 0) + count)
const sorted = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))

/** Collects an {@link OutcomesReport}, scenario by scenario. */
export class OutcomesTally {
  readonly #keep: number
  readonly #files = new Set<string>()
  readonly #extents: Record<Extent, number> = { complete: 0, bounded: 0, sampled: 0 }
  readonly #ops = new Map<string, number>()
  readonly #bad = new Map<string, number>()
  readonly #needs = new Map<string, number>()
  readonly #rules = new Map<string, number>()
  readonly #mismatches: OutcomeMismatch[] = []
  readonly #places: { files: number[]; mismatches: number[] } = { files: [], mismatches: [] }
  readonly #sums = {
    scenarios: 0,
    schedules: 0,
    seen: 0,
    explained: 0,
    oneCpu: 0,
    missing: 0,
    waiting: 0,
    unsupported: 0,
    serialMissing: 0,
    setupDiffers: 0,
    extra: 0,
  }

  constructor(keep: number) {
    this.#keep = keep
  }

  /** As those of a `ConformTally`. */
  get places(): { readonly files: readonly number[]; readonly mismatches: readonly number[] } {
    return this.#places
  }

  add(file: string, found: ScenarioOutcomes, at = this.#sums.scenarios): void {
    const sums = this.#sums
    if (!this.#files.has(file)) this.#places.files.push(at)
    this.#files.add(file)
    sums.scenarios += 1
    sums.seen += found.seen
    add(this.#rules, found.rules)
    if (found.unsupported.length > 0) {
      sums.unsupported += found.seen
      for (const op of found.unsupported) add(this.#ops, op)
      return
    }
    this.#extents[found.extent] += 1
    sums.schedules += found.schedules
    sums.explained += found.explained
    sums.oneCpu += found.oneCpu
    sums.extra += found.extra
    for (const [outcome, count] of Object.entries(found.bad)) add(this.#bad, outcome, count)
    for (const mismatch of found.mismatches) {
      if (mismatch.what === 'seen') {
        sums.missing += 1
        if (mismatch.needs.length > 0) sums.waiting += 1
        for (const rule of mismatch.needs) add(this.#needs, rule)
      } else if (mismatch.what === 'serial') sums.serialMissing += 1
      else sums.setupDiffers += 1
      if (this.#mismatches.length < this.#keep) {
        this.#mismatches.push(mismatch)
        this.#places.mismatches.push(at)
      }
    }
  }

  /** Null: there were none. */
  report(): OutcomesReport | null {
    if (this.#sums.scenarios === 0) return null
    return {
      files: [...this.#files],
      ...this.#sums,
      ...this.#extents,
      unsupportedOps: sorted(this.#ops),
      bad: sorted(this.#bad),
      needs: sorted(this.#needs),
      rules: sorted(this.#rules),
      mismatches: this.#mismatches,
    }
  }
}
