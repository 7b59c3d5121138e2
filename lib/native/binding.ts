import type {
  NativeCostOptions,
  NativeCostSampler,
  NativeExplore,
  NativeExploreOptions,
  NativeWorth,
  NativePagesRaced,
  NativeRace,
  NativeRaceOpsOptions,
  NativeRaceOptions,
  NativeScenarioRaced,
  NativeScenarioRun,
  NativeScenarioTables,
  NativeThreadsRun,
} from './engineBinding.ts'
import type { NativeLeft, NativeMachine } from './machineBinding.ts'
import type {
  NativeAudit,
  NativeBehaviour,
  NativeBoxOptions,
  NativeFailure,
  NativeLayoutRef,
  NativeResult,
  NativeSchemeRef,
  NativeStatus,
  NativeStop,
  Status,
} from './callTypes.ts'
import type {
  BitRange,
  Cell,
  Claim,
  CountPlace,
  KernelRule,
  LayoutProblem,
  NativeLayout,
  PageType,
  PinAnswer,
  PinEvent,
  Protocol,
  QuirkInfo,
  RuleSet,
} from './tableTypes.ts'

export type {
  NativeAudit,
  NativeAuditRow,
  NativeBehaviour,
  NativeBoxOptions,
  NativeFailure,
  NativeLayoutRef,
  NativeMade,
  NativeResult,
  NativeSchemeRef,
  NativeStatus,
  Status,
} from './callTypes.ts'
export type { NativeLayout } from './tableTypes.ts'

/*
 * The addon as TypeScript sees it. It converts and counts lifetimes, nothing else.
 *
 * It never throws for a bad value: a call that fails returns a status, a small negative number for a
 * bad argument (its place, counted from -1) or a positive one for what the core refused (Errc in
 * native/base/errc.h). The words of the error are found in TypeScript, off the hot path. `undefined`
 * is success, because it costs nothing to return.
 */

/** `field`, where it is not empty, stands for the word. */
export interface NativeFlagPlace {
  word: number
  bit: number
  field: string
}

/**
 * A scheme's constants. A flag's word is -1 where there is none, its bit -2 for the lowest free one, as is
 * `countShift`.
 */
export interface NativeScheme {
  name: string
  summary: string
  source: string
  protocol: Protocol
  place: CountPlace
  countWord: number
  /** Empty: the count is in `countWord`. */
  countField: string
  countShift: number
  countBits: number
  packedBits: number
  pinned: NativeFlagPlace
  wasLru: NativeFlagPlace
  atLimit: 'refuse' | 'saturate' | 'spill'
  states: (NativeFlagPlace & { name: string; set: PinEvent[]; clear: PinEvent[] })[]
  refsPerPin: number
  maxPins: bigint
  answer: PinAnswer
  falsePositives: string
  locks: string
  types: PageType[]
  effects: string[]
  quirks: string[]
}

/** What an option may be, and is where nobody says. */
export interface ExploreLimit {
  min: number
  max: number
  otherwise: number
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
  atLimits: string[]
  pinEvents: string[]
  rules: KernelRule[]
  ruleSets: RuleSet[]
  quirks: QuirkInfo[]
  machineOptions: { name: string; meaning: string; otherwise: boolean }[]
  patterns: string[]
  pinOps: string[]
  advices: string[]
  pagemapStates: string[]
  kpageFlags: string[]
  deviceMemories: string[]
  invariants: { name: string; subject: 'descriptor' | 'address-space' | 'device' | 'scenario'; summary: string }[]
  /** Kinds of places that a row of an audit is about. */
  auditPlaces: string[]
  /** By value of Errc: `{ code: 14, name: 'EFAULT' }`. */
  errnos: { code: number; name: string }[]
  /** Sandbox addresses, by bytes of a word. */
  addresses: { 4: NativeAddresses; 8: NativeAddresses }
  layouts: NativeLayout[]
  schemes: NativeScheme[]
  /** Limits of explorations, by the names of options. */
  exploreLimits: Record<string, ExploreLimit>
  exploreStrategies: string[]
  /** What an address space maps, and how it may be touched. */
  backings: ('anon' | 'file' | 'device' | 'hugetlb')[]
  prots: ('none' | 'r' | 'w' | 'rw')[]
  /** How pages are taken: bit i of `takePages` is the i-th. */
  gupFlags: ('pin' | 'write' | 'longterm' | 'fast' | 'force' | 'p2pdma')[]
  /** The numbers that a pagemap has of each page, and the bits of its `bits`. */
  pagemapWords: ('state' | 'bits' | 'mapcount' | 'flags' | 'pfn')[]
  pagemapBits: ('softDirty' | 'exclusive' | 'file' | 'uffdWp')[]
  statuses: NativeStatuses
  limits: NativeLimits
  /** Of a huge page. */
  pagesPerHugePage: number
  maxThreads: number
  maxScenarioThreads: number
}

/** Statuses of the addon's own. */
export interface NativeStatuses {
  /** An argument, by its place. */
  badFirst: NativeStatus
  badSecond: NativeStatus
  closed: NativeStatus
  busy: NativeStatus
  /** What an access gets. */
  sigsegv: NativeStatus
  sigbus: NativeStatus
}

/** The largest numbers that calls take. */
export interface NativeLimits {
  boxPages: number
  /** Pins or references of one call. */
  pins: number
  /** Pages of one call: of a file or an address space; of GUP or a device. */
  rangePages: number
  heldPages: number
  scenarioPages: number
  scenarioProcesses: number
  scenarioBuffers: number
  scenarioPagesEach: number
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

/** Without `out` all or nothing: what failed first and why. With it, how many were done if not all. */
export type NativeBatch = (
  pfns: Uint32Array,
  counts: Uint32Array | undefined,
  out: Int32Array | undefined,
) => NativeStop | { done: number } | Status

/** Calls on a single page of any box of this environment. */
export interface NativePageCalls {
  /** Where a pfn, then the number of its box, are written before a call. Checked there. */
  readonly slot: Uint32Array
  pin(): Status
  pinReferenced(): Status
  unpin(): Status
  get(): Status
  put(): Status
  maybePinned(): NativeResult<boolean>
  pins(): NativeResult<{ pins: number; exact: boolean }>
}

/** A box in one environment: plain functions bound to it by their data pointer, none uses `this`. */
export interface NativeBox extends NativeMachine {
  /** Names the box in calls on single pages, while any function of this object is held. */
  readonly number: number
  pinTimes(pfn: number, count: number): Status
  pinReferencedTimes(pfn: number, count: number): Status
  unpinTimes(pfn: number, count: number): Status
  getTimes(pfn: number, count: number): Status
  putTimes(pfn: number, count: number): Status
  pinMany: NativeBatch
  unpinMany: NativeBatch
  words(pfn: number, out: BigUint64Array): Status
  typeOf(pfn: number): NativeResult<string>
  /** From 0 on; below, a status. */
  headOf(pfn: number): number
  /** All pfns, those of devices too, lie below. */
  pfnLimit(): number
  setup(pfn: number, type: string, order: number, mapcount: number, onLru: boolean): Status
  isolate(pfn: number): NativeResult<boolean>
  putback(pfn: number): Status
  lruList(kind: string, limit: number): NativeResult<{ pfns: Uint32Array; length: number; corrupt: boolean }>
  audit(maxRows: number): NativeResult<NativeAudit>
  reset(): Status
  lruLengths(): NativeResult<number[]>
  /** A counted window on the descriptors; a status where the engine refuses external buffers. */
  window(offsetBytes: number, bytes: number): NativeResult<ArrayBuffer>
  /** Names the box in this process. */
  token(): NativeResult<string>
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

export interface NativeBinding {
  tables(): NativeTables
  checkLayout(layout: object): LayoutProblem[]
  /** The layout with what follows from it filled in. */
  layoutFacts(layout: object): NativeLayout
  checkScheme(scheme: object): { field: string; what: string }[]
  schemeFacts(scheme: object): NativeScheme
  /** Why a machine cannot behave so; empty: it can. */
  behaviourRefusals(machine: {
    behaviour: NativeBehaviour
    scheme: NativeSchemeRef
    layout: NativeLayoutRef
  }): { field: string; name: string; why: string }[] | NativeFailure
  /** With every bit where it lies in the layout; -2 where there is no room. */
  placedScheme(scheme: NativeSchemeRef, layout: NativeLayoutRef): NativeScheme | NativeFailure
  readonly pageCalls: NativePageCalls
  createBox(options: NativeBoxOptions): NativeBox | NativeFailure
  attachBox(token: string): NativeBox | NativeFailure
  room(scheme: NativeSchemeRef, layout: NativeLayoutRef, type: string, order: number): NativeRoom | NativeFailure
  probe(scheme: NativeSchemeRef, layout: NativeLayoutRef, type: string, order: number): NativeProbe | NativeFailure
  startRace(box: NativeBox, options: NativeRaceOptions): NativeRace<NativePagesRaced> | NativeFailure
  prepareCost(options: NativeCostOptions): NativeCostSampler | NativeFailure
  startExplore(
    options: NativeExploreOptions,
    setup: Float64Array | null,
    threads: Float64Array[] | null,
  ): NativeExplore | NativeFailure
  /** What explorations that were joined are worth; `missedAtMost` below 0: nobody can say. */
  exploreGuarantee(worth: NativeWorth): { guarantee: string; missedAtMost: number } | NativeFailure
  scenarioTables(): NativeScenarioTables
  /**
   * Results in the recordings' format, null where an operation does not exist; what the audit found
   * after the last operation, and when all processes had exited.
   */
  runScenario(
    settings: { layout: NativeLayoutRef; scheme: NativeSchemeRef; behaviour: NativeBehaviour; hugePages: boolean },
    rows: Float64Array,
    /** Of each row: how far the kernel came (effects.h, progress_of); NaN: unknown. */
    recorded: Float64Array,
  ): NativeScenarioRun | NativeFailure
  runThreadsInOrder(
    settings: {
      layout: NativeLayoutRef
      scheme: NativeSchemeRef
      behaviour: NativeBehaviour
      pages: number
      limit: number
      seed: bigint
      after?: Float64Array
      hugePages?: boolean
    },
    setup: Float64Array,
    threads: Float64Array[],
  ): NativeThreadsRun | NativeFailure
  startRaceOps(
    settings: NativeRaceOpsOptions,
    setup: Float64Array,
    threads: Float64Array[] | null,
  ): NativeRace<NativeScenarioRaced> | NativeFailure
  /** Fibers that only yield, on the calling thread: what the explorer's loop costs. For benchmarks. */
  emptyFibers(of: { threads: number; points: number; schedules: number }): undefined | NativeFailure
  /** Does nothing: what a call costs. */
  empty(): void
}
