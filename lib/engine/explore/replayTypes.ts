import type { BehaviourOptions } from '../../pins/behaviour.ts'
import type { LongCallOptions, Progress } from '../poll.ts'
import type { Outcome, Scenario } from '../scenario/scenarioTypes.ts'

/** One access of a thread, as it was done. */
export interface ReplayStep {
  /** From 0. */
  readonly number: number
  /** Name of the thread; `'helper 1'` for RCU's callbacks and the like. */
  readonly thread: string
  /** `'load'`, `'store'`, `'change'`, `'compare-and-swap'`, `'read'`, `'write'`, `'wait'`, `'yield'`. */
  readonly access: string
  /** `'page 42 word 6 _refcount'`, `'pte p:a+3'`, `'mmap_lock p'`; never an address. */
  readonly place: string
  /** Null: the step has no word. */
  readonly before: bigint | null
  readonly after: bigint | null
  /** What the word says, by the layout: `'locked|dirty'`, `'pfn 42 write'`; '' if no more than the number. */
  readonly beforeText: string
  readonly afterText: string
  /** The lock that it takes, gives back or waits for. */
  readonly lock: string | null
  readonly lockEvent: 'takes' | 'takes to read' | 'gives back' | 'waits for' | null
  /** Locks and who holds them, after it. */
  readonly held: readonly { readonly lock: string; readonly by: readonly string[] }[]
}

/** An operation begins or ends: between the steps `at - 1` and `at`. */
export interface ReplayNote {
  readonly at: number
  readonly thread: string
  readonly what: 'begins' | 'ends'
  /** As JSON. */
  readonly op: string
  /** `'ok'`, `'EFAULT'`, what it read; '' where it begins. */
  readonly result: string
}

/** One schedule, step by step. */
export interface ReplayResult {
  readonly outcome: Outcome
  /** The first audit row, what leaked, who sleeps on what. */
  readonly text: string
  /** Which one broke; '': none. */
  readonly invariant: string
  /** The page that the row is about; null: none. */
  readonly page: number | null
  /** The step that changed that page last, or the last one of all where it did not end; null: neither. */
  readonly broke: number | null
  readonly scenario: Scenario
  readonly scheme: string
  readonly layout: string
  readonly rules: string
  readonly quirks: readonly string[]
  readonly threads: readonly string[]
  readonly notes: readonly ReplayNote[]
  /** The last 8192, of a schedule that does not end. */
  readonly steps: readonly ReplayStep[]
  /** How many came before them. */
  readonly skipped: number
  /** Operations of its threads, as they are written. */
  readonly ops: number
  /** Points after which another thread went on. */
  readonly switches: number
  readonly token: string
}

/** What a token does not carry. Everything that is given must be what the token was made with. */
export interface ReplayOptions extends BehaviourOptions, Pick<LongCallOptions<Progress>, 'signal'> {
  scenario?: Scenario
  scheme?: string | { readonly name: string }
  layout?: string | { readonly name: string }
}

export interface ShrinkProgress extends Progress {
  /** Scenarios that were tried. */
  readonly done: number
  /** Of the shortest that was found. */
  readonly ops: number
}

export interface ShrinkOptions extends ReplayOptions, LongCallOptions<ShrinkProgress> {
  /** Schedules of each smaller scenario that are tried, by the portfolio; 1000. */
  samples?: number
  /**
   * Quirks that what is left has to need: a smaller scenario that ends so without them, too, is none. None by default.
   */
  without?: readonly string[]
}

/** The shortest scenario and schedule that end as badly; its `scenario` can be saved. */
export interface ShrinkResult extends ReplayResult {
  readonly stoppedBy: 'shortest' | 'abort'
  /** Scenarios that were tried. */
  readonly tried: number
}
