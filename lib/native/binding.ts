import type {
  NativeCostOptions,
  NativeCostSampler,
  NativeExplore,
  NativeExploreOps,
  NativeExploreOpsOptions,
  NativeExploreOptions,
  NativeRace,
  NativeRaceOps,
  NativeRaceOpsOptions,
  NativeRaceOptions,
  NativeScenarioRun,
  NativeScenarioTables,
  NativeThreadsRun,
} from './engineBinding.ts'
import type { NativeLeft, NativeMachine } from './machineBinding.ts'
import type { BitRange, Layout, LayoutProblem, PageType } from '../page/layout.ts'
import type { Cell, Claim, CountPlace, PinAnswer, PinEvent, Protocol } from '../pins/scheme.ts'

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
  countShift: number
  countBits: number
  packedBits: number
  pinned: { word: number; bit: number }
  wasLru: { word: number; bit: number }
  atLimit: 'refuse' | 'saturate' | 'spill'
  states: { name: string; word: number; bit: number; set: PinEvent[]; clear: PinEvent[] }[]
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
  atLimits: string[]
  pinEvents: string[]
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
  maxScenarioThreads: number
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

export interface NativeBinding {
  tables(): NativeTables
  checkLayout(layout: object): LayoutProblem[]
  /** The layout with what follows from it filled in. */
  layoutFacts(layout: object): NativeLayout
  checkScheme(scheme: object): { field: string; what: string }[]
  schemeFacts(scheme: object): NativeScheme
  /** With every bit where it lies in the layout; -2 where there is no room. */
  placedScheme(scheme: NativeSchemeRef, layout: NativeLayoutRef): NativeScheme | NativeFailure
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
