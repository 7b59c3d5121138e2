import type {
  NativeAudit,
  NativeAuditRow,
  NativeBehaviour,
  NativeBoxOptions,
  NativeFailure,
  NativeLayoutRef,
  NativeSchemeRef,
} from './callTypes.ts'

/* Races, measurements, explorations and scenarios, as binding.ts has the rest. */

export interface NativeRaceOptions {
  threads: number
  seconds: number
  ops: number
  rounds: number
  seed: bigint
  mix: { op: string; weight: number }[]
  pattern: string
  firstPfn: number
  pages: number
  affinity: boolean
  /** What every whole folio is made first. */
  setup?: { type: string; order: number; onLru: boolean }
}

export interface NativeOpResult {
  op: string
  ops: number
  retries: number
  failures: { errno: string; count: number }[]
  latency: {
    samples: number
    min: number
    mean: number
    p50: number
    p90: number
    p99: number
    p999: number
    max: number
    buckets: { upToNs: number; count: number }[]
  } | null
}

/** What every race tells when it has ended; what it ran on adds its own. */
interface NativeRaced {
  stoppedBy: string
  seconds: number
  rounds: number
  ops: NativeOpResult[]
  threads: NativeOpResult[][]
  /** Of each thread, in its operations. */
  cpuSeconds: number[]
  livelocks: NativeLivelock[]
}

/** Of pin operations on the pages of a box. */
export interface NativePagesRaced extends NativeRaced {
  audit: NativeAudit
}

/** Of a scenario, on machines of its own. */
export interface NativeScenarioRaced extends NativeRaced {
  dirtyRound: number
  audit: NativeAuditRow[]
  leaks: string
  reached: { group: string; name: string; summary: string; count: number }[]
}

export type NativeRaceResult = NativePagesRaced | NativeScenarioRaced

/** How far a race is. */
export interface NativeRaceProgress {
  seconds: number
  ops: number
  rounds: number
  done: boolean
}

/** How far an exploration is. */
export interface NativeExploreProgress {
  seconds: number
  schedules: number
  /** Both below 0: nobody can say. */
  explored: number
  estimate: number
  done: boolean
}

/** What runs in native threads. JS asks it how far it is; it never calls into JS. */
export interface NativeLong<Progress, Result> {
  progress(): Progress
  stop(): void
  /** Joins the threads; once, after `done`. */
  result(): Result | NativeFailure
}

export type NativeRace<Result extends NativeRaceResult> = NativeLong<NativeRaceProgress, Result>

export interface NativeCostOptions {
  box: NativeBoxOptions
  type: string
  order: number
  pattern: string
  threads: number
  op: string
  loop: string
  prefetch: boolean
  draws: boolean
  counters: boolean
  seed: bigint
}

export interface NativeCostSampler {
  sample(
    ops: number,
  ): { ns: number; cpuNs: number; ops: number; retries: number; counted?: Record<string, number | null> } | number
  beside(options: NativeCostOptions): NativeCostSampler | NativeFailure | number
  close(): void
}

/** What is to be explored. Scenarios have lists beside it; the others draw their operations. */
export interface NativeExploreOptions extends Partial<NativeRandomOps> {
  what: 'scenario' | 'random'
  scheme: NativeSchemeRef
  layout: NativeLayoutRef
  behaviour: NativeBehaviour
  ops?: number
  /** Not 0: the operations are on the pages of so many folios by pfn, of 2^order pages each. */
  folios?: number
  order?: number
  pages: number
  strategy: string
  /** Of scenarios; the two numbers count only if told so, and above 0. */
  bounded?: boolean
  bound?: number
  depth?: number
  schedules: number
  firstRun: number
  seed: bigint
  workloadSeed: bigint
  /** Schedules of one program before the next is drawn; 0: there is one. */
  schedulesEach: number
  maxSteps?: number
  /** Which part (from 1) of how many of a complete exploration; of `dpor` and `depth-first`. */
  shard?: number
  shards?: number
  /** The result has hashes of different schedules. */
  tellHashes?: boolean
  /** How many schedules that are not clean are told. */
  findings?: number
  /** One schedule, by its choices, again; or a shorter one that ends as badly. Always traced. */
  task?: 'replay' | 'shrink' | 'programs'
  /** Of programs: names of operations. */
  programOps?: string[]
  memoryBytes?: number
  choices?: Float64Array
  /** Rows of what comes after the threads. */
  after?: Float64Array
  hugePages?: boolean
  /** Bits of OutcomesOf in explore_messages.h; 0: none. */
  outcomes?: number
  /** Names of the layout's fields, that belong to an outcome. */
  fields?: string[]
}

/** One of the distinct outcomes. */
export interface NativeSeen {
  threads: (Record<string, unknown> | null)[][]
  after: (Record<string, unknown> | null)[]
  /** Values of the fields that were asked for, as 64 bits; null: not in a page of that type. */
  fields: { place: string; values: (bigint | null)[]; signed: boolean[] }[]
  count: number
  run: number
  program: number
  choices: number[]
}

/** One step of a schedule that was asked for. */
export interface NativeStep {
  /** From 1; beyond the scenario's: helpers. */
  thread: number
  access: string
  place: string
  /** Lines of the trace before it. */
  noted: number
  before?: bigint
  after?: bigint
  beforeText?: string
  afterText?: string
  lock?: string
  lockEvent?: string
  memoryBytes?: number
}

export interface NativeFinding {
  run: number
  program: number
  scheduleHash: bigint
  outcome: string
  text: string
  strategy: string
  /** The first of the audit; null: it ended otherwise. */
  row: NativeAuditRow | null
  trace: string[]
  choices: number[]
  /** Those of a task have steps, switches and what random operations begin with. */
  steps: NativeStep[]
  switches: number
  /** Steps before the first that is told. */
  skipped: number
  differs: boolean
  setup: string[]
  /** Of a program of a family: names of operations, with a space between. */
  programThreads: string[]
}

export interface NativeExploreResult {
  schedules: number
  abandoned: number
  distinct: number
  steps: number
  ops: number
  hash: bigint
  complete: boolean
  classes: number
  /** These below 0: nobody can say. */
  estimate: number
  explored: number
  bound: number
  missedAtMost: number
  guarantee: string
  gaveUp: boolean
  memoryFull: boolean
  /** Of a family: programs that were begun, that there are, and what became of them. */
  programs: number
  allPrograms: number
  completePrograms: number
  violatedPrograms: number
  /** Classes of the one that has most. */
  largest: number
  seconds: number
  outcomes: Record<string, number>
  seen: NativeSeen[]
  seenFull: boolean
  first: NativeFinding[]
  worth: NativeDrawn
  /** Of different schedules, sorted; if they were asked for. */
  hashes: bigint[]
}

/** What a guarantee is said of: schedules by who drew them, and what pilots have measured. */
export interface NativeDrawn {
  drawn: Record<string, number>
  fibers: number
  steps: number
  programs: number
}

/** All that a guarantee is said of. */
export interface NativeWorth extends NativeDrawn {
  schedules: number
  classes: number
  complete: boolean
  /** Below 0: nobody can say. */
  estimate: number
  boundDone?: number
  bounded: boolean
  depth: number
}

export type NativeExplore = NativeLong<NativeExploreProgress, NativeExploreResult>

export interface NativeScenarioRun {
  results: (Record<string, unknown> | null)[]
  /** Declared effects of the scheme that reached a result; null: none. */
  effects: ({ all: string[]; pages: string[][] } | null)[]
  audit: NativeAuditRow[]
}

/** The vocabulary of scenarios, as ops.h and op_row.h have it. */
export interface NativeScenarioTables {
  ops: { name: string; fields: string; result: string; device: boolean; stops: boolean }[]
  /** Names of the numbers of a row, in order. */
  slots: string[]
  /** Fields that are a bit of the slot `flags`, the lowest first. */
  flags: string[]
  kinds: string[]
  advices: string[]
  modes: string[]
  vias: string[]
  /** How a page is chosen; the first means a number. */
  picks: string[]
  pageTypes: string[]
  /** Where fail_nth lets something fail. */
  failSites: string[]
  /** Where an operation can stop; the first means nowhere. */
  stopPoints: { name: string; what: string }[]
  /** Pages that may be set up by pfn, and the largest order of a folio. */
  placedPages: number
  order: number
  /** Groups of operations that a mix can name. */
  mixGroups: { name: string; summary: string }[]
  buffers: number
  devices: number
  files: number
}

/** Results of a scenario with threads, executed in order. */
export interface NativeThreadsRun {
  ran: { thread: number; index: number; result: Record<string, unknown> | null }[]
  audit: NativeAuditRow[]
  leaks: string
  livelocks: NativeLivelock[]
}

export interface NativeLivelock {
  op: string | null
  waitsFor: string
  page: number | null
  thread: number | null
  round: number
  expected?: number
  found?: number
}

/** Random operations of threads; unused where the scenario has lists. */
export interface NativeRandomOps {
  threads: number
  mixCount: number
  mixes: { mix: number; op: string; weight: number }[]
  processes: number
  buffers: number
  pagesEach: number
  /** Millionths of the operations that are drawn to fail. */
  failing: number
}

export interface NativeRaceOpsOptions extends NativeRandomOps {
  layout: NativeLayoutRef
  scheme: NativeSchemeRef
  behaviour: NativeBehaviour
  pages: number
  seconds: number
  ops: number
  rounds: number
  seed: bigint
  affinity: boolean
  after?: Float64Array
  hugePages?: boolean
}
