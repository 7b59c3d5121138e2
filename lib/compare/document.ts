import { z } from 'zod'
import { interval } from './interval.ts'

/**
 * The document that `pagebox compare --json` prints, that `--baseline` reads
 * and that the report draws. Its shape is a promise: fields are added, never
 * renamed. `documentVersion` counts the additions; what a newer version brought is
 * optional, so that an older document can still be read.
 *
 * 2: raw samples in blocks and the loop that each cost is held against, memory per
 * page, definitions of own schemes, the command line.
 */
export const documentVersion = 2

/** What the room analysis says of one scheme on one kind of page. */
export const cells = ['impossible', 'refused', 'fits', 'collides'] as const
export const cell = z.enum(cells)
export type Cell = z.infer<typeof cell>

/** Bits of a field: `bits` wide from bit `shift` of the bytes at `offsetBytes`. */
export const fieldBits = z.object({
  field: z.string(),
  /** Descriptor the field lies in, from the head on: 0, or 1 and 2 for tails. */
  tail: z.number().int().min(0),
  offsetBytes: z.number().int().min(0),
  shift: z.number().int().min(0),
  bits: z.number().int().min(1),
})
export type FieldBits = z.infer<typeof fieldBits>

const kindOfPage = {
  layout: z.string(),
  pageType: z.string(),
  order: z.number().int().min(0),
}

export const roomRow = z.object({
  ...kindOfPage,
  cell,
  /** Why it is impossible or refused; empty otherwise. */
  reason: z.string(),
  claims: z.array(fieldBits),
  collisions: z.array(fieldBits),
})
export type RoomRow = z.infer<typeof roomRow>

export const probeRow = z.object({
  ...kindOfPage,
  cell,
  reason: z.string(),
  damaged: z.array(fieldBits),
})
export type ProbeRow = z.infer<typeof probeRow>

export const patterns = ['hot', 'sequential', 'random'] as const
export type Pattern = (typeof patterns)[number]

/** Raw times: ns per operation of each round, and how many rounds make each block, in order. */
const rounds = {
  samples: z.array(z.number()).optional(),
  blocks: z.array(z.number().int()).optional(),
}

/** The hand-written loop that a cost is held against, timed in the same rounds. */
export const reference = z.object({
  /** Whose loop: the scheme's own, or that of another where it has none. */
  scheme: z.string(),
  op: z.string(),
  samples: z.array(z.number()),
})
export type Reference = z.infer<typeof reference>

export const costRow = z.object({
  ...kindOfPage,
  pattern: z.enum(patterns),
  workingSetBytes: z.number(),
  threads: z.number().int().min(1),
  op: z.string(),
  /** Nanoseconds of one thread for one operation on one page. */
  nsPerOp: interval,
  /** Against the scheme's own hand-written loop, paired by round. */
  timesLimit: interval.nullable(),
  rounds: z.number().int(),
  ...rounds,
  reference: reference.optional(),
})
export type CostRow = z.infer<typeof costRow>

const count = z.number().nullable()

/** What the processor and the system counted in the timed loops of a scheme, for one pair of one thread. */
export const countedRow = z.object({
  ...kindOfPage,
  pattern: z.enum(patterns),
  workingSetBytes: z.number(),
  threads: z.number().int().min(1),
  op: z.string(),
  ops: z.number().int(),
  perPair: z.object({
    instructions: count,
    cycles: count,
    cacheMisses: count,
    tlbMisses: count,
    lockedOps: count,
    contendedLines: count,
    pageFaults: count,
    contextSwitches: count,
  }),
})
export type CountedRow = z.infer<typeof countedRow>

export const limitRow = costRow.omit({ timesLimit: true, reference: true }).extend({ scheme: z.string() })
export type LimitRow = z.infer<typeof limitRow>

export const pureJsRow = costRow.omit({ timesLimit: true, reference: true }).extend({
  /** `sharedArrayBuffer`: only JavaScript; others: how JavaScript reaches the native scheme. */
  variant: z.string(),
  scheme: z.string(),
  timesPureJs: interval.nullable(),
})
export type PureJsRow = z.infer<typeof pureJsRow>

/** The largest pin count, taken on a real descriptor and not from the table. */
export const boundaryRow = z.object({
  ...kindOfPage,
  /** Pins that were granted in one go; exact integers, as text beyond 2^53. */
  granted: z.union([z.number(), z.string()]),
  /** What the next pin got; empty if it was granted too. */
  refusal: z.string(),
  agrees: z.boolean(),
})
export type BoundaryRow = z.infer<typeof boundaryRow>

/** Plain references on a page that nobody pinned, and what the query says. */
export const falsePositiveRow = z.object({
  ...kindOfPage,
  references: z.number().int(),
  /** It had so many pins before, all at a time, and has none. */
  afterPins: z.number().int().optional(),
  maybePinned: z.boolean(),
})
export type FalsePositiveRow = z.infer<typeof falsePositiveRow>

export const schemeEntry = z.object({
  name: z.string(),
  summary: z.string(),
  /** Who proposed or shipped it, and when. */
  source: z.string(),
  where: z.string(),
  /** Width of the pin counter. */
  bits: z.number().int(),
  exact: z.boolean(),
  /** What the query can say: the number, an upper bound, or nothing. */
  answer: z.enum(['exact', 'fuzzy', 'unknown']),
  /** Largest count of one page; text beyond 2^53, null where nothing bounds it. */
  maxPins: z.union([z.number(), z.string(), z.null()]),
  falsePositives: z.string(),
  locks: z.string(),
  /** What the count costs beside `_refcount`, on every page of the machine whether it is pinned or not. */
  bytesPerPage: z.number().optional(),
  /** Where these bytes are; empty if there are none. */
  memory: z.string().optional(),
  builtin: z.boolean().optional(),
  /** What was declared, as `schemes.define()` takes it; null for a built-in one. */
  definition: z.record(z.string(), z.unknown()).nullable().optional(),
  room: z.array(roomRow),
  probe: z.array(probeRow),
  cost: z.array(costRow),
  /** Cost with the ledger of who pinned what. */
  ledger: z.array(costRow),
  /** Only where counters were asked for. */
  counted: z.array(countedRow).optional(),
  boundaries: z.array(boundaryRow),
  falsePositivesSeen: z.array(falsePositiveRow),
})
export type SchemeEntry = z.infer<typeof schemeEntry>

export const machine = z.object({
  cpu: z.string(),
  cores: z.number().int(),
  /** Of one core; absent where the system does not say. */
  l2CacheBytes: z.number().optional(),
  lastLevelCacheBytes: z.number(),
  memoryBytes: z.number(),
  kernel: z.string(),
  arch: z.string(),
  node: z.string(),
  loadAverage: z.number(),
  /** CPUs that a control group allows, if fewer than there are: threads then wait for their share. */
  cpuQuota: z.number().nullable().optional(),
  /** Transparent huge pages of the system: `always`, `madvise`, `never`; null: it has none. */
  transparentHugePages: z.string().nullable().optional(),
  /** Time of the same loop of additions after the costs, over the time before: 1 on a steady clock. */
  clockDrift: z.number().optional(),
})
export type Machine = z.infer<typeof machine>

export const layoutEntry = z.object({
  name: z.string(),
  summary: z.string(),
  wordBytes: z.number().int(),
  strideBytes: z.number().int(),
  kconfig: z.string(),
  freeFlagBits: z.number().int(),
  types: z.array(z.string()),
  fields: z.array(
    z.object({
      name: z.string(),
      offsetBytes: z.number().int(),
      shift: z.number().int(),
      bits: z.number().int(),
      kind: z.string(),
      types: z.array(z.string()),
      meaning: z.string(),
      contested: z.boolean(),
    }),
  ),
})
export type LayoutEntry = z.infer<typeof layoutEntry>

/** A cell in which the table and the memory disagree: a bug of pagebox. */
export const disagreement = z.object({
  ...kindOfPage,
  scheme: z.string(),
  table: z.string(),
  probe: z.string(),
})
export type Disagreement = z.infer<typeof disagreement>

export const compareDocument = z.object({
  documentVersion: z.number().int(),
  pagebox: z.string(),
  date: z.string(),
  /** What was typed to get it; empty if no command line made it. */
  command: z.string().optional(),
  /** False if the run was interrupted: what is there was measured, the rest is missing. */
  complete: z.boolean(),
  /** What ended it: nothing was left to measure, or its signal. Older documents do not say. */
  stoppedBy: z.enum(['end', 'abort']).optional(),
  elapsedSeconds: z.number(),
  machine,
  /** Of a comparison that was shared among machines that differ: all of them, the first as `machine`. */
  machines: z.array(machine).optional(),
  settings: z.object({
    effort: z.enum(['quick', 'default', 'thorough']),
    seed: z.number().int(),
    costLayout: z.string(),
    schemes: z.array(z.string()),
    layouts: z.array(z.string()),
    rounds: z.number().int(),
    sampleMs: z.number(),
    /** Fresh processes in which costs were measured; 1 if there was only this one. */
    runs: z.number().int().optional(),
  }),
  layouts: z.array(layoutEntry),
  schemes: z.array(schemeEntry),
  limit: z.array(limitRow),
  pureJs: z.array(pureJsRow),
  disagreements: z.array(disagreement),
  answer: z.string(),
})
export type CompareDocument = z.infer<typeof compareDocument>
