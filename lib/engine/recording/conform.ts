import type { AuditRow } from '../auditRow.ts'
import { explain, type OpEffects } from './explain.ts'
import { sameResult } from './same.ts'
import type { ConformLevel, RecordedOp, RecordedResult, Recording } from './types.ts'

/** What the sandbox did with one scenario. */
export interface ConformRun {
  readonly results: readonly RecordedResult[]
  /** Indices of operations that the sandbox does not have. */
  readonly unsupported: readonly number[]
  /**
   * Per operation: which of its scheme's declared visible effects took part in it, or reached it from
   * an earlier one (an unknown answer to "is it pinned?", an LRU flag cleared by a pin); null: none.
   */
  readonly effects: readonly (OpEffects | null)[]
  /** Differences that the audit found after the scenario. */
  readonly audit: readonly AuditRow[]
}

/** A result that differs from the recording. */
export interface Mismatch {
  readonly file: string
  readonly scenario: string
  readonly index: number
  readonly op: RecordedOp
  readonly expected: RecordedResult
  readonly actual: RecordedResult | null
  /** The scheme's visible effects that explain it; empty: nothing does. */
  readonly explainedBy: readonly string[]
}

/** How a set of recordings compares. `matched + mismatched + explained + unsupported = operations`. */
export interface ConformReport {
  readonly files: readonly string[]
  readonly scenarios: number
  readonly scenariosMatched: number
  readonly operations: number
  readonly matched: number
  readonly mismatched: number
  readonly explained: number
  /** How many of the explained results each visible effect of the scheme explains; some have two. */
  readonly explainedBy: Readonly<Record<string, number>>
  readonly unsupported: number
  /** Operations that the sandbox does not have, and how often they were asked for. */
  readonly unsupportedOps: Readonly<Record<string, number>>
  /** Scenarios after which the audit was not clean. */
  readonly dirty: readonly { readonly file: string; readonly scenario: string; readonly rows: readonly AuditRow[] }[]
  /** The first of them; `mismatched` counts all. */
  readonly mismatches: readonly Mismatch[]
}

/** Where entries of a report come from: numbers of scenarios. */
export interface ConformPlaces {
  readonly files: readonly number[]
  readonly dirty: readonly number[]
  readonly mismatches: readonly number[]
}

const sorted = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))

/** Collects a {@link ConformReport}, scenario by scenario. */
export class ConformTally {
  readonly #level: ConformLevel
  readonly #keep: number
  readonly #files = new Set<string>()
  readonly #explainedBy = new Map<string, number>()
  readonly #unsupportedOps = new Map<string, number>()
  readonly #dirty: { file: string; scenario: string; rows: readonly AuditRow[] }[] = []
  readonly #mismatches: Mismatch[] = []
  readonly #places: { files: number[]; dirty: number[]; mismatches: number[] } = {
    files: [],
    dirty: [],
    mismatches: [],
  }
  #scenarios = 0
  #scenariosMatched = 0
  #operations = 0
  #matched = 0
  #mismatched = 0
  #explained = 0
  #unsupported = 0

  /** @param keep mismatches that are kept whole; all are counted. */
  constructor(level: ConformLevel, keep: number) {
    this.#level = level
    this.#keep = keep
  }

  /** Of each of the report's lists: which scenario an entry is of, as they were numbered. */
  get places(): ConformPlaces {
    return this.#places
  }

  /** Compares one scenario, the `at`th; returns its mismatches, explained ones included. */
  add(file: string, recording: Recording, run: ConformRun, at = this.#scenarios): readonly Mismatch[] {
    const unsupported = new Set(run.unsupported)
    const found: Mismatch[] = []
    for (const [index, op] of recording.ops.entries()) {
      this.#operations += 1
      if (unsupported.has(index)) {
        this.#unsupported += 1
        this.#unsupportedOps.set(op.op, (this.#unsupportedOps.get(op.op) ?? 0) + 1)
        continue
      }
      const expected = recording.results[index] as RecordedResult
      const actual = run.results[index]
      if (actual !== undefined && sameResult(expected, actual, this.#level)) {
        this.#matched += 1
        continue
      }
      const explainedBy = explain(expected, actual, run.effects[index], this.#level)
      for (const effect of explainedBy) this.#explainedBy.set(effect, (this.#explainedBy.get(effect) ?? 0) + 1)
      if (explainedBy.length > 0) this.#explained += 1
      else this.#mismatched += 1
      const scenario = recording.name
      found.push({ file, scenario, index, op, expected, actual: actual ?? null, explainedBy })
    }
    if (!this.#files.has(file)) this.#places.files.push(at)
    this.#files.add(file)
    this.#scenarios += 1
    if (found.length === 0 && unsupported.size === 0) this.#scenariosMatched += 1
    if (run.audit.length > 0) {
      this.#dirty.push({ file, scenario: recording.name, rows: run.audit })
      this.#places.dirty.push(at)
    }
    // Unexplained ones first: they are what the reader came for.
    for (const mismatch of found)
      if (mismatch.explainedBy.length === 0 && this.#mismatches.length < this.#keep) {
        this.#mismatches.push(mismatch)
        this.#places.mismatches.push(at)
      }
    return found
  }

  report(): ConformReport {
    return {
      files: [...this.#files],
      scenarios: this.#scenarios,
      scenariosMatched: this.#scenariosMatched,
      operations: this.#operations,
      matched: this.#matched,
      mismatched: this.#mismatched,
      explained: this.#explained,
      explainedBy: sorted(this.#explainedBy),
      unsupported: this.#unsupported,
      unsupportedOps: sorted(this.#unsupportedOps),
      dirty: this.#dirty,
      mismatches: this.#mismatches,
    }
  }
}
