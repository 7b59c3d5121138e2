import type { BitRange, LayoutProblem, PageType } from '../page/layout.ts'
import type { Cell } from '../pins/scheme.ts'

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

/** A layout, as the tables and `defineLayout` have it. */
export interface NativeLayout {
  name: string
  summary: string
  wordBytes: 4 | 8
  strideBytes: number
  kconfig: {
    name: string
    sectionBits: number
    nodeBits: number
    zoneBits: number
    lastCpupidBits: number
    lruGenBits: number
    memcg: boolean
  }
  era: { kernel: string; zoneDeviceBase: number; privateBase: number; anonExclusive: boolean }
  types: PageType[]
  flags: { name: string; bit: number }[]
  fields: NativeField[]
  pincount: { tail: number; offsetBytes: number; minOrder: number }
  mapcountOffsetBytes: number
  refcountOffsetBytes: number
  counterOffsetBytes: number
  orderOffsetBytes: number
  freeFlagBits: number
  lowestFreeFlagBit: number
  ownCounterStrideBytes: number
}

export interface NativeField {
  name: string
  offsetBytes: number
  shift: number
  bits: number
  kind: string
  types: PageType[]
  meaning: string
  contested: boolean
}

export interface NativeScheme {
  name: string
  summary: string
  protocol: string
  where: string
  countBits: number
  exact: boolean
  maxPins: bigint | null
  falsePositives: string
  locks: string
  refsPerPin: number
  visibleEffects: string[]
}

/** Everything that is declared in C++ and must not be repeated here. */
export interface NativeTables {
  version: string
  pageTypes: PageType[]
  fieldKinds: string[]
  flagNames: string[]
  lruKinds: string[]
  quirks: { name: string; summary: string }[]
  patterns: string[]
  pinOps: string[]
  /** By value of Errc: `{ code: 14, name: 'EFAULT' }`. */
  errnos: { code: number; name: string }[]
  /** Sandbox addresses by kind of object: first address and size of the range. */
  addressRanges: { kind: string; first: bigint; bytes: bigint }[]
  listPoison1: bigint
  listPoison2: bigint
  tailMapping: bigint
  layouts: NativeLayout[]
  schemes: NativeScheme[]
  /** Largest number of pages of a box, by bytes of a word. */
  maxPages: { 4: number; 8: number }
  maxThreads: number
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
  populate: boolean
  hugePages: boolean
  shards: number
  quirks: string[]
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
export interface NativeBox {
  pin(pfn: number): Status
  pinReferenced(pfn: number): Status
  unpin(pfn: number): Status
  get(pfn: number): Status
  put(pfn: number): Status
  pinCount(op: number, pfn: number, count: number): Status
  maybePinned(pfn: number): boolean | number
  /** Negative: bad pfn. `exact` in bit 0, the count above. */
  pins(pfn: number): { pins: number; exact: boolean } | number
  /** Index of the first element that failed and its status, or undefined. */
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
  /** A counted window on the descriptors; undefined where the engine refuses external buffers. */
  window(offsetBytes: number, bytes: number): ArrayBuffer | number
  token(): string
  close(): Status
  readonly facts: {
    pages: number
    strideBytes: number
    wordBytes: number
    refcountOffsetBytes: number
    ledger: boolean
    frames: boolean
    layout: NativeLayout
    scheme: NativeScheme
    /** What one pin adds to `_refcount` if that is all that a pin is; 0: more than an add. */
    directUnit: number
  }
}

export interface NativeRoom {
  cell: Cell
  reason: string
  claims: BitRange[]
  collisions: BitRange[]
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

export interface NativeCostSampler {
  sample(ops: number): { ns: number; ops: number; retries: number } | number
  close(): void
}

export interface NativeExploreResult {
  schedules: number
  distinct: number
  seconds: number
  violations: { seed: bigint; audit: NativeAudit }[]
  digest: bigint
}

export interface NativeBinding {
  tables(): NativeTables
  checkLayout(layout: object): LayoutProblem[]
  layoutFacts(layout: object): NativeLayout
  checkScheme(scheme: object, layout: NativeLayoutRef): string
  schemeFacts(scheme: object): NativeScheme
  createBox(options: NativeBoxOptions): NativeBox | NativeFailure
  attachBox(token: string): NativeBox | NativeFailure
  room(scheme: NativeSchemeRef, layout: NativeLayoutRef, type: string, order: number): NativeRoom
  probe(scheme: NativeSchemeRef, layout: NativeLayoutRef, type: string, order: number): NativeProbe
  startRace(box: NativeBox, options: NativeRaceOptions): NativeRace | NativeFailure
  prepareCost(options: object): NativeCostSampler | NativeFailure
  explorePins(options: object): NativeExploreResult | NativeFailure
  /** Does nothing: what a call costs. */
  empty(): void
}
