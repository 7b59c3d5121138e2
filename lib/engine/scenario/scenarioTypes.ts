import type { Outcome } from './outcome.ts'
import type { RecordedOp, RecordedResult } from '../recording/types.ts'
import type { BehaviourOptions } from '../../pins/behaviour.ts'
import type { LongCallOptions, Progress } from '../poll.ts'
import type { OpResult, RaceProgress, RaceRun } from '../raceTypes.ts'
import type { AuditRow } from '../auditRow.ts'

/** One operation, as the vocabulary names it: `{ op: 'store', buf: 'a', page: 'random', value: 7 }`. */
export type ScenarioOp = RecordedOp

/** What one thread does. */
export interface ScenarioThread {
  readonly name: string
  readonly ops: readonly ScenarioOp[]
}

/** A scenario whose operations are written down. `JSON.stringify` of it is its file. */
export interface WrittenScenario extends BehaviourOptions {
  readonly name: string
  /** RAM of the machine, in pages. */
  readonly pages?: number
  /** Runs first, alone; what it names is everybody's. */
  readonly setup?: readonly ScenarioOp[]
  readonly threads: readonly ScenarioThread[]
  /**
   * Runs last, alone, when all threads are done: what they named is everybody's then (of two, that of the first
   * thread). Where there is such a list, the batches of the LRU lists are emptied before the threads and after them.
   */
  readonly after?: readonly ScenarioOp[]
  /** Transparent huge pages where `madvise(hugepage)` asks for them; false. */
  readonly hugePages?: boolean
}

/** Weights by the name of an operation, of an advice (`pageout`) or of a group (`mm`). */
export type Mix = Readonly<Record<string, number>>

/** A scenario of random operations: thread i draws from `mixes[i % mixes.length]`. */
export interface RandomScenario extends BehaviourOptions {
  readonly name: string
  readonly summary?: string
  readonly pages?: number
  readonly mixes: readonly Mix[]
  /** Address spaces that all threads share; 2. */
  readonly processes?: number
  /** Letters of each, of kinds in turn: anonymous, shared, file, disk; 7. */
  readonly buffers?: number
  /** Pages of each letter; 8. Few, so that threads meet. */
  readonly pagesEach?: number
  /**
   * Share of the operations that are drawn so that they fail, on what is not there, 0 to 1; 0.05. The
   * others are drawn from what the thread knows to be there, and fail only where another thread was faster.
   * What nothing can make fail (`yield`, `clear_refs`) does not.
   */
  readonly failing?: number
}

export type Scenario = WrittenScenario | RandomScenario

/** What an operation did. */
export interface RanOp {
  readonly thread: string
  readonly op: ScenarioOp
  readonly result: RecordedResult
}

/**
 * An operation waited for what does not come, and gave up: a scheme has counted over a lock's word, a
 * page's count or its swap slot, or a reference was lost.
 */
export interface Livelock {
  /** As JSON; null: between operations, in the audit or as all exited. */
  readonly op: string | null
  /** What for: `'the lock of a folio'`. */
  readonly waitsFor: string
  /** The page, as far as it is known. */
  readonly page: number | null
  /** From 0; null: the setup, or the end of a round. */
  readonly thread: number | null
  /** From 0. */
  readonly round: number
  /** Where it waited for references to be dropped: how many there are, and may be. */
  readonly expected?: number
  readonly found?: number
}

/** A scenario executed in order: the setup, then each thread up to its next barrier, in turn. */
export interface ScenarioResult {
  readonly ran: readonly RanOp[]
  /** Empty: clean, with everybody alive and when all had exited. */
  readonly audit: readonly AuditRow[]
  /** What was not given back in the end; empty: nothing. */
  readonly leaks: string
  /** Operations that waited in vain; empty: none. */
  readonly livelocks: readonly Livelock[]
}

/** A failure to be injected: as an operation `fail_nth` at the start of a thread's list. */
export interface InjectedFailure {
  /** `'page'`, `'table'`, `'slab'`, `'copy'`, `'swap_slot'` or `'device_page'`. */
  site: string
  /** Of which thread, by its name; of each unless told. */
  thread?: string
  /** Which call of the thread, from 1; 1. */
  nth?: number
  /** How many fail from there on; 1. */
  times?: number
}

/** What a scenario says of rules, quirks and options holds unless the engine is told otherwise. */
export interface RunOptions extends BehaviourOptions {
  scheme?: string | { readonly name: string }
  layout?: string | { readonly name: string }
  /** Of the pages that are chosen. */
  seed?: number | bigint
  /** Allocations and copies that fail, of a written scenario; in a mix of random operations `fail_nth` has a weight. */
  failures?: readonly InjectedFailure[]
}

/** Settings of a race of operations. One of `seconds`, `ops` and `rounds` ends it; else one second. */
export interface RaceScenarioOptions extends RunOptions, LongCallOptions<RaceProgress> {
  /** Native threads of a random scenario; as many as it has mixes. A written one has its own. */
  threads?: number
  seconds?: number
  /** Operations of each thread. */
  ops?: number
  rounds?: number
  affinity?: boolean
  /** Of random operations, as {@link RandomScenario.failing}, which it overrides. */
  failing?: number
}

export type ScenarioOpResult = OpResult<string>

/** A way through memory management, and how often operations took it. */
export interface Reached {
  /** `'fault'`, `'cow'`, `'swap'`, `'migration'` */
  readonly group: string
  readonly name: string
  /** In a sentence. */
  readonly summary: string
  /** 0: never. */
  readonly count: number
}

/** What a race of a scenario did. */
export interface RaceScenarioResult extends RaceRun<string> {
  /** All there are, those that no operation took too. */
  readonly reached: readonly Reached[]
  /** Of the round that ended the race. */
  readonly audit: {
    readonly clean: boolean
    readonly rows: readonly AuditRow[]
    readonly leaks: string
    /** Operations that waited in vain: that is not clean either. */
    readonly livelocks: readonly Livelock[]
    /** The round that was not clean, from 0. */
    readonly round: number | null
  }
}

/** How far an exploration is. `done` and `total` count schedules. */
export interface ExploreProgress extends Progress {
  readonly total: number
  /** Which share of all there is lies behind, 0 to 1, as it looks now; null: nobody can say. */
  readonly explored: number | null
  /** How many schedules there are to be visited, as it looks now; null: nobody can say. */
  readonly estimate: number | null
}

/** Who decides which fiber goes on. The first three go through all schedules, the others draw them. */
export type StrategyName = 'dpor' | 'depth-first' | 'portfolio' | 'random' | 'pct' | 'pos' | 'urw' | 'surw'

export interface ExploreOptions extends RunOptions, LongCallOptions<ExploreProgress> {
  /** Schedules to run; 1000. */
  samples?: number
  /**
   * Schedules of one program before the next is drawn; 0: there is one. 1 for random operations, 0 for
   * lists (whose pages may be left open).
   */
  samplesEach?: number
  /** Of the programs: random operations, pages that a list leaves open; 1. */
  workloadSeed?: number | bigint
  /**
   * - `'dpor'`: one schedule of each class of those that differ only in the order of steps which do not
   *   depend on each other, until none is left (`stoppedBy: 'complete'`).
   * - `'depth-first'`: the same classes without looking ahead; with a `bound` all schedules of few
   *   preemptions.
   * - `'random'`: any schedule may come, none has to. `'pct'`, `'pos'`, `'urw'`, `'surw'` draw with
   *   better chances for some bugs, each for others.
   * - `'portfolio'`: `'dpor'` for half of the samples; if that is not complete, those that draw in turn.
   *
   * Unless told: `'portfolio'` of lists, `'random'` of random operations; what is an option of one strategy alone
   * says that one (`bound`, `depth`, `shard`: `'dpor'`, `firstRun`: `'random'`).
   */
  strategy?: StrategyName
  /**
   * Of `'depth-first'`: preemptions a schedule may have, 0 to 64. Schedules with none come first, then
   * those with one more each. Without it there is no bound.
   */
  bound?: number
  /** Of `'pct'`: how many ordered steps make the bugs that it looks for, 1 to 3; all in turn. */
  depth?: number
  /**
   * Of `'dpor'` and `'depth-first'`: one part of what is to be visited, which all parts visit together, each class
   * (with a bound: each schedule) in one of them. `complete` then says that this part is. `samples` holds for each.
   */
  shard?: { readonly index: number; readonly of: number }
  /** Number of the first: with the seed it names a schedule. */
  firstRun?: number
  /** Fibers of a random scenario; 2. */
  threads?: number
  /** Operations of each fiber of a random scenario; 4. */
  ops?: number
  /** Of random operations, as {@link RandomScenario.failing}, which it overrides. */
  failing?: number
  /** Scheduling points after which a schedule is given up, with the outcome `'limit'`; 1 000 000. */
  maxSteps?: number
  /**
   * Lists every distinct final result, with how often it came and a token. `true`: of all operations of the threads
   * and of what comes after them. Of written scenarios, and of at most 4096 operations.
   */
  outcomes?: boolean | OutcomeOptions
  /** How many schedules that are not clean are told, with trace and token; 8, and the first of each other kind. */
  findings?: number
  /**
   * Bytes for the machine and for what is remembered of schedules: 2^20 or more, 2^30. Beyond it the exploration
   * ends with what it has (`stoppedBy: 'memory'`), and is not complete.
   */
  memoryBytes?: number
}

export type { Outcome } from './outcome.ts'

/** A schedule that did not come out clean. Its `run` as `firstRun` and the same seed repeat it. */
export interface Finding {
  readonly run: number
  /** Which program of the workload seed's. */
  readonly program: number
  readonly scheduleHash: bigint
  readonly outcome: Outcome
  /** Who decided in its run; of `'portfolio'` one of its own. */
  readonly strategy: StrategyName
  /** The first audit row, what leaked, who sleeps on what, where the access was. */
  readonly text: string
  /** The first row of the audit after it; null: it ended otherwise. */
  readonly row: AuditRow | null
  /** Begins and ends of operations, in their order. */
  readonly trace: readonly string[]
  /** Repeats it on any machine: `replay(token)`, `pagebox replay TOKEN`. */
  readonly token: string
}

/** Which results make outcomes differ. */
export interface OutcomeOptions {
  /** Operations of `'threads'`, those of `after`, or `'all'`, the default. */
  of?: 'all' | 'threads' | 'after'
  /**
   * Of `pagemap`: `'kind'`, the default, of the page flags only ANON, ANON_EXCLUSIVE, ZERO_PAGE and NOPAGE; the
   * others depend on batches and on what was before. `'all'`: each.
   */
  flags?: 'kind' | 'all'
  /**
   * Fields of descriptors by name, `'_refcount'` or `'flags'`: what they say when all is done belongs to an outcome.
   * Of each page that a process maps then, and of those that were set up by hand. At most 64.
   */
  fields?: readonly string[]
}

/** What came of a scenario's operations. */
export interface SeenResult {
  /** Of each thread, each operation in order; null: it is not supported. Empty if not asked for. */
  readonly threads: readonly (readonly (RecordedResult | null)[])[]
  readonly after: readonly (RecordedResult | null)[]
  /**
   * By page (`'p:a+3'`: where it is mapped; `'page 7'`: set up by hand) and name, what `fields` asked for. Counts are
   * signed; null: a page of that type has no such field.
   */
  readonly fields: Readonly<Record<string, Readonly<Record<string, bigint | null>>>>
}

/** One of the distinct outcomes of an exploration. */
export interface SeenOutcome {
  readonly result: SeenResult
  /** Schedules that ended so. */
  readonly count: number
  /** Repeats the first of them. */
  readonly token: string
}

/** Sequentially consistent: weaker orders are not explored. */
export interface ExploreScenarioResult {
  /**
   * What ended it: all schedules that were asked for, none that was left, the signal, too many that
   * got nowhere, or `memoryBytes`.
   */
  readonly stoppedBy: 'schedules' | 'complete' | 'abort' | 'gave-up' | 'memory'
  readonly schedules: number
  /** Begun and given up, as another that was run stands for them. */
  readonly abandoned: number
  /** Nothing is left: each class of schedules was run, or each schedule there is. */
  readonly complete: boolean
  /** Schedules of those that are not equivalent to each other: what `'dpor'` and `'depth-first'` visit. */
  readonly classes: number
  /** How many classes there are, as the tree looks so far; null: nobody can say. */
  readonly estimate: number | null
  /** Which share of them lies behind, 0 to 1; null: nobody can say. */
  readonly explored: number | null
  /** All schedules of at most so many preemptions were run; null: not all of those without, or no bound. */
  readonly bound: number | null
  /** What it is worth if nothing was found, in a sentence. */
  readonly guarantee: string
  /** The chance that a bug of the depth looked for was missed is at most this; null: there is no such bound. */
  readonly missedAtMost: number | null
  readonly distinct: number
  /** Scheduling points of all schedules. */
  readonly steps: number
  readonly ops: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** The distinct final results, if `outcomes` asked for them, always in the same order; else null. */
  readonly seen: readonly SeenOutcome[] | null
  /** There were more distinct results than are kept (2^14, or half of `memoryBytes`): `seen` is not all. */
  readonly seenFull: boolean
  /** The first schedules that were not clean. */
  readonly first: readonly Finding[]
  /** Of every schedule, result and descriptor: the same seed gives the same hash. */
  readonly hash: bigint
  readonly seconds: number
  readonly seed: bigint
  /**
   * True: too many schedules ended in a deadlock or worse to go on (`stoppedBy: 'gave-up'`); only where
   * machines are made anew, very large ones.
   */
  readonly gaveUp: boolean
}
