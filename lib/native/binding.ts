import type { NativeLeft, NativeMachine } from './machineBinding.ts'
import type { BitRange, Layout, LayoutProblem, PageType } from '../page/layout.ts'
import type { Cell, Claim, PinAnswer, Protocol, CountPlace } from '../pins/scheme.ts'

/*
 * The addon as TypeScript sees it. It converts and counts lifetimes, nothing else.
 *
 * It never throws for a bad value: a call that fails returns a status, a small negative number for a
 * bad argument (its place, counted from -1) or a positive one for what the core refused (Errc in
 * native/base/errc.h). The words of the error are found in TypeScript, off the hot path. `undefined`
 * is success, because it costs nothing to return.
 */

/** Success, or why not. */
export type Status = number | undefined

/** A layout, as the tables have it. */
export type NativeLayout = Omit<Layout, 'builtin'>

/** A scheme's constants. A flag's word is -1 where there is none, its bit -2 for the lowest free one. */
export interface NativeScheme {
  name: string
  summary: string
  source: string
  protocol: Protocol
  place: CountPlace
  countWord: number
  countShift: number
  countBits: number
  packedBits: number
  pinned: { word: number; bit: number }
  wasLru: { word: number; bit: number }
  refsPerPin: number
  maxPins: bigint
  answer: PinAnswer
  falsePositives: string
  locks: string
  types: PageType[]
  effects: string[]
  quirks: string[]
}

/** Everything that is declared in C++ and must not be repeated here. */
export interface NativeTables {
  pageTypes: PageType[]
  compoundTypes: PageType[]
  lruTypes: PageType[]
  mappedTypes: PageType[]
  fieldKinds: string[]
  objectKinds: string[]
  flagNames: string[]
  lruKinds: string[]
  protocols: string[]
  countPlaces: string[]
  effects: string[]
  quirks: string[]
  patterns: string[]
  pinOps: string[]
  advices: string[]
  pagemapStates: string[]
  kpageFlags: string[]
  deviceMemories: string[]
  invariants: { name: string; summary: string }[]
  /** By value of Errc: `{ code: 14, name: 'EFAULT' }`. */
  errnos: { code: number; name: string }[]
  /** Sandbox addresses, by bytes of a word. */
  addresses: { 4: NativeAddresses; 8: NativeAddresses }
  layouts: NativeLayout[]
  schemes: NativeScheme[]
  maxThreads: number
}

/** Where the ranges of sandbox addresses begin; objects of kind i lie from `objectBases[i]` on. */
export interface NativeAddresses {
  pageBase: bigint
  objectBases: bigint[]
  objectBytes: bigint
  objectsPerKind: bigint
  listPoison1: bigint
  listPoison2: bigint
  tailMapping: bigint
}

/** What a layout or scheme is given as: a built-in name, or a declaration. */
export type NativeLayoutRef = string | object
export type NativeSchemeRef = string | object

export interface NativeBoxOptions {
  pages: number
  layout: NativeLayoutRef
  scheme: NativeSchemeRef
  ledger: boolean
  frames: boolean
  addressSpaces: boolean
  devicePages: number
  devicePagesOptional: boolean
  populate: boolean
  hugePages: boolean
  writebackAsksPins: boolean
  fileBackedDevicePages: boolean
  hugetlbPages: number
  shards: number
  quirks: string[]
}

/** What a box is made of, as native code knows it. */
export interface NativeBoxFacts {
  pages: number
  devicePages: number
  ledger: boolean
  frames: boolean
  /** With the stride that the scheme really costs. */
  layout: NativeLayout
  scheme: NativeScheme
}

export interface NativeAuditRow {
  invariant: string
  pfn: number
  field: string
  expected: bigint
  found: bigint
  explanation: string
}

export interface NativeAudit {
  rows: NativeAuditRow[]
  rowsTotal: number
  pages: number
  unknown: string[]
}

/** A box in one environment: plain functions bound to it by their data pointer, none uses `this`. */
export interface NativeBox extends NativeMachine {
  /** Where the page is written before one of the next seven is called. Checked there, not coerced. */
  readonly slot: Float64Array
  pin(): Status
  pinReferenced(): Status
  unpin(): Status
  get(): Status
  put(): Status
  maybePinned(): boolean | number
  pins(): { pins: number; exact: boolean } | number
  pinCount(op: number, pfn: number, count: number): Status
  /** All or nothing without `out`: what failed first and why, or undefined. With it, how many were done. */
  batch(
    op: number,
    pfns: Uint32Array,
    counts: Uint32Array | undefined,
    out: Int32Array | undefined,
  ): { index: number; status: number } | number | undefined
  words(pfn: number, out: BigUint64Array): Status
  typeOf(pfn: number): string | number
  headOf(pfn: number): number
  setup(pfn: number, type: string, order: number, mapcount: number, onLru: boolean): Status
  isolate(pfn: number): boolean | number
  putback(pfn: number): Status
  lruList(kind: string, limit: number): { pfns: Uint32Array; length: number; corrupt: boolean } | number
  audit(maxRows: number): NativeAudit | number
  reset(): Status
  lruLengths(): number[] | number
  /** A counted window on the descriptors; a status where the engine refuses external buffers. */
  window(offsetBytes: number, bytes: number): ArrayBuffer | number
  /** Names the box in this process. */
  token(): string | number
  close(): NativeLeft
  readonly facts: NativeBoxFacts
}

export interface NativeRoom {
  cell: Cell
  reason: string
  claims: Claim[]
  collisions: BitRange[]
  contested: string[]
  claimedBits: number
  liveBits: number
  freeBits: number
}

export interface NativeProbe {
  cell: Cell
  reason: string
  damaged: BitRange[]
}

/** What a failed creation says: an Errc, and the words of the core where it has some. */
export interface NativeFailure {
  status: number
  reason: string
}

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

export interface NativeRaceResult {
  stoppedBy: string
  seconds: number
  rounds: number
  ops: NativeOpResult[]
  threads: NativeOpResult[][]
  audit: NativeAudit
}

/** A race that runs in native threads. JS asks it how far it is; it never calls into JS. */
export interface NativeRace {
  progress(): { seconds: number; ops: number; rounds: number; done: boolean }
  stop(): void
  /** Joins the threads; once, after `done`. */
  result(): NativeRaceResult | NativeFailure
}

export interface NativeCostOptions {
  box: NativeBoxOptions
  type: string
  order: number
  pattern: string
  threads: number
  op: string
  loop: string
  prefetch: boolean
  seed: bigint
}

export interface NativeCostSampler {
  sample(ops: number): { ns: number; ops: number; retries: number } | number
  beside(options: NativeCostOptions): NativeCostSampler | NativeFailure | number
  close(): void
}

export interface NativeExploreOptions {
  scheme: string
  layout: string
  quirks: string[]
  threads: number
  folios: number
  order: number
  ops: number
  schedules: number
  firstRun: number
  seed: bigint
}

export interface NativeExploreResult {
  schedules: number
  distinct: number
  steps: number
  violations: number
  hash: bigint
  seconds: number
  first: {
    run: number
    scheduleHash: bigint
    end: string
    invariant: string
    pfn: number
    expected: bigint
    found: bigint
  }[]
}

/** An exploration in a native thread. */
export interface NativeExplore {
  done(): boolean
  stop(): void
  result(): NativeExploreResult | NativeFailure
}

/** A row of the audit of address spaces. */
export interface NativeMmAuditRow {
  invariant: string
  /** A pfn, a swap slot or an address. */
  where: number
  expected: number
  found: number
  explanation: string
}

export interface NativeScenarioRun {
  results: (Record<string, unknown> | null)[]
  /** Declared effects of the scheme that reached a result; null: none. */
  effects: ({ all: string[]; pages: string[][] } | null)[]
  audit: NativeMmAuditRow[]
}

/** The vocabulary of scenarios, as engine/ops.h and engine/op_row.h have it. */
export interface NativeScenarioTables {
  ops: { name: string; fields: string; result: string; device: boolean }[]
  /** Names of the numbers of a row, in order. */
  slots: string[]
  kinds: string[]
  advices: string[]
  modes: string[]
  vias: string[]
  /** How a page is chosen; the first means a number. */
  picks: string[]
  /** Groups of operations that a mix can name. */
  mixGroups: { name: string; summary: string }[]
  buffers: number
  devices: number
  files: number
}

/** Results of a scenario with threads, executed in order. */
export interface NativeThreadsRun {
  ran: { thread: number; index: number; result: Record<string, unknown> | null }[]
  audit: NativeMmAuditRow[]
  leaks: string
}

/** Random operations of threads; unused where the scenario has lists. */
export interface NativeRandomOps {
  threads: number
  mixCount: number
  mixes: { mix: number; op: string; weight: number }[]
  processes: number
  buffers: number
  pagesEach: number
}

export interface NativeRaceOpsOptions extends NativeRandomOps {
  layout: NativeLayoutRef
  scheme: NativeSchemeRef
  pages: number
  seconds: number
  ops: number
  rounds: number
  seed: bigint
  affinity: boolean
}

export interface NativeRaceOps {
  progress(): { seconds: number; ops: number; rounds: number; done: boolean }
  stop(): void
  result():
    | {
        stoppedBy: string
        seconds: number
        rounds: number
        dirtyRound: number
        ops: NativeOpResult[]
        threads: NativeOpResult[][]
        audit: NativeMmAuditRow[]
        leaks: string
      }
    | NativeFailure
}

export interface NativeExploreOpsOptions extends NativeRandomOps {
  scheme: string
  layout: string
  pages: number
  ops: number
  schedules: number
  firstRun: number
  seed: bigint
}

export interface NativeExploreOpsResult {
  schedules: number
  distinct: number
  steps: number
  ops: number
  hash: bigint
  gaveUp: boolean
  seconds: number
  outcomes: Record<string, number>
  first: { run: number; scheduleHash: bigint; outcome: string; text: string; trace: string }[]
}

export interface NativeExploreOps {
  done(): boolean
  stop(): void
  result(): NativeExploreOpsResult | NativeFailure
}

export interface NativeBinding {
  tables(): NativeTables
  checkLayout(layout: object): LayoutProblem[]
  /** The layout with what follows from it filled in. */
  layoutFacts(layout: object): NativeLayout
  checkScheme(scheme: object): { field: string; what: string }[]
  schemeFacts(scheme: object): NativeScheme
  createBox(options: NativeBoxOptions): NativeBox | NativeFailure
  attachBox(token: string): NativeBox | NativeFailure
  room(scheme: NativeSchemeRef, layout: NativeLayoutRef, type: string, order: number): NativeRoom | NativeFailure
  probe(scheme: NativeSchemeRef, layout: NativeLayoutRef, type: string, order: number): NativeProbe | NativeFailure
  startRace(box: NativeBox, options: NativeRaceOptions): NativeRace | NativeFailure
  prepareCost(options: NativeCostOptions): NativeCostSampler | NativeFailure
  startExplore(options: NativeExploreOptions): NativeExplore | NativeFailure
  scenarioTables(): NativeScenarioTables
  /**
   * Results in the recordings' format, null where an operation does not exist; what the audit found
   * after the last operation, and when all processes had exited.
   */
  runScenario(
    settings: { layout: NativeLayoutRef; scheme: NativeSchemeRef; hugePages: boolean },
    rows: Float64Array,
    /** Of each row: how far the kernel came (engine/effects.h, progress_of); NaN: unknown. */
    recorded: Float64Array,
  ): NativeScenarioRun | NativeFailure
  runThreadsInOrder(
    settings: { layout: NativeLayoutRef; scheme: NativeSchemeRef; pages: number; limit: number; seed: bigint },
    setup: Float64Array,
    threads: Float64Array[],
  ): NativeThreadsRun | NativeFailure
  startRaceOps(
    settings: NativeRaceOpsOptions,
    setup: Float64Array,
    threads: Float64Array[] | null,
  ): NativeRaceOps | NativeFailure
  startExploreOps(
    settings: NativeExploreOpsOptions,
    setup: Float64Array,
    threads: Float64Array[] | null,
  ): NativeExploreOps | NativeFailure
  /** Does nothing: what a call costs. */
  empty(): void
}
