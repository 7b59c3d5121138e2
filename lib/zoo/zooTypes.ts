import type { ShrinkResult } from '../engine/explore/replayTypes.ts'
import type { LongCallOptions, Progress } from '../engine/poll.ts'
import type { Outcome, StrategyName, WrittenScenario } from '../engine/scenario/scenarioTypes.ts'

/** How many schedules of which strategy, from which seed. */
export interface ZooBudget {
  readonly strategy: StrategyName
  readonly seed: number
  readonly schedules: number
  /** Of `'depth-first'`: schedules of at most so many preemptions. */
  readonly bound?: number
  /** A schedule of more steps is given up. */
  readonly maxSteps?: number
}

/** A bug of the kernel's history, as a scenario that shows it. */
export interface ZooEntry {
  readonly id: string
  readonly title: string
  readonly year: number
  /** Version and commit, or that it was never merged. */
  readonly fix: string
  /** What breaks, in a sentence. */
  readonly invariant: string
  readonly explanation: string
  /** Which historic defects are switched on. */
  readonly quirks: readonly string[]
  readonly scheme: string
  readonly layout: string
  readonly scenario: WrittenScenario
  /** Within it the bug is found. */
  readonly budget: ZooBudget
  /** Schedules of each shorter form that is tried; 1000. Fewer where each takes long. */
  readonly shrinkSamples?: number
  /** With it the shortest scenario is explored without the quirks. */
  readonly absence: ZooBudget
  /** What a machine without the quirks may come to all the same, and why that is not the bug. */
  readonly remains?: string
}

/** A bug that cannot be shown, and why. */
export interface ZooOmission {
  readonly title: string
  readonly year: number
  /** It can be switched on, though not shown as an entry. */
  readonly quirk?: string
  readonly reason: string
}

export interface ZooFound {
  /** Schedules up to the one that showed it. */
  readonly runs: number
  readonly seconds: number
  readonly outcome: Outcome
  /** Which one broke; '': none is named (a leak, a livelock). */
  readonly invariant: string
  readonly text: string
  readonly token: string
}

/** What came of the shortest scenario without the quirks. */
export interface ZooAbsence {
  /** No schedule ended as with the quirks. */
  readonly absent: boolean
  /** Every class of schedules was run. */
  readonly complete: boolean
  /** All schedules of at most so many preemptions were run; null: no bound, or not all. */
  readonly bound: number | null
  readonly classes: number
  readonly schedules: number
  readonly seconds: number
  /** Ends that were not clean, of another kind. */
  readonly others: readonly string[]
  readonly guarantee: string
}

export interface ZooResult {
  readonly entry: ZooEntry
  /** Null: not within its budget. */
  readonly found: ZooFound | null
  /** Null: nothing was found, or it was stopped before. */
  readonly shortest: ShrinkResult | null
  /** The token of the shortest came to the same end again. Null: as `shortest`. */
  readonly replayed: boolean | null
  readonly fixed: ZooAbsence | null
  /** Found, replayed to the same end, and absent without the quirks. */
  readonly holds: boolean
  readonly seconds: number
  readonly stoppedBy: 'done' | 'abort'
}

export interface ZooProgress extends Progress {
  readonly phase: 'find' | 'shrink' | 'replay' | 'fixed'
}

export type ZooOptions = LongCallOptions<ZooProgress>
