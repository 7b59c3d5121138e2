import type { CostOp } from '../engine/costTypes.ts'
import type { PageType } from '../page/layout.ts'
import type { Machine, Pattern } from './document.ts'
import { mebibytes8, workingSetSizes } from './workingSets.ts'

export type Effort = 'quick' | 'default' | 'thorough'

/** Measurements that share their rounds: one sample of each, then the next round. */
export interface CostGroup {
  pageType: PageType
  order: number
  pattern: Pattern
  workingSetBytes: number
  threads: number
  op: CostOp
  ledger: boolean
}

export interface Plan {
  /** Rounds of a block. */
  rounds: number
  sampleMs: number
  /** Blocks of each group, in time or not: one measurement alone says nothing of the next. */
  fewestBlocks: number
  /** Blocks of each group before anything gets more because its interval is wide. */
  blocks: number
  mostBlocks: number
  /** No more blocks for who is known better than this: half the interval, as a share of the cost. */
  goodEnough: number
  /** After which no further block begins; a slow machine gets fewer blocks, not more time. */
  budgetSeconds: number
  groups: CostGroup[]
  javascript: { pattern: 'hot' | 'random'; workingSetBytes: number }[]
}

const mostQuickBytes = 512 * 2 ** 20

/** A hot line is one descriptor; the stride is the layout's, this only names it. */
export const hotBytes = 64

const lengths: Record<Effort, Omit<Plan, 'groups' | 'javascript'>> = {
  quick: {
    rounds: 5,
    sampleMs: 1,
    fewestBlocks: 2,
    blocks: 3,
    mostBlocks: 8,
    goodEnough: 0.02,
    budgetSeconds: 10,
  },
  default: {
    rounds: 7,
    sampleMs: 2.5,
    fewestBlocks: 3,
    blocks: 4,
    mostBlocks: 16,
    goodEnough: 0.01,
    budgetSeconds: 30,
  },
  thorough: {
    rounds: 11,
    sampleMs: 10,
    fewestBlocks: 5,
    blocks: 5,
    mostBlocks: 12,
    goodEnough: 0.01,
    budgetSeconds: Number.POSITIVE_INFINITY,
  },
}

/** Threads of the contended groups: with one CPU they would take turns, which is no contention. */
export function contendedThreads(effort: Effort, cores: number): number[] {
  if (cores < 2) return []
  const powers: number[] = []
  for (let threads = 2; threads < cores; threads *= 2) powers.push(threads)
  if (effort === 'quick') return [...new Set([2, cores])]
  if (effort === 'default') return [...powers, cores].slice(0, 8)
  // Up to twice the CPUs, where whoever holds a lock may be off its CPU.
  const all = cores <= 8 ? Array.from({ length: cores - 1 }, (_, at) => at + 2) : [...powers, cores]
  return [...all, ...(cores === 2 ? [3] : []), 2 * cores].filter((threads) => threads <= mostThreads)
}

/** The engine's limit. */
const mostThreads = 256

/** What is measured, most asked-for first: if time runs out, the end is missing. */
export function makePlan(
  effort: Effort,
  machine: Pick<Machine, 'cores' | 'l2CacheBytes' | 'lastLevelCacheBytes' | 'memoryBytes'>,
): Plan {
  const group = (part: Partial<CostGroup>): CostGroup => ({
    pageType: 'anon',
    order: 0,
    pattern: 'hot',
    workingSetBytes: hotBytes,
    threads: 1,
    op: 'pin+unpin',
    ledger: false,
    ...part,
  })
  const sizes = workingSetSizes(machine)
  const small = mebibytes8
  // Setting four times the cache up is most of a quick run: half of it is beyond the cache too.
  const largeBytes = effort === 'quick' ? Math.min(sizes.beyond / 2, mostQuickBytes) : sizes.beyond
  const contended = contendedThreads(effort, machine.cores)
  const groups = [
    group({}),
    group({ pattern: 'random', workingSetBytes: small }),
    ...contended.map((threads) => group({ threads })),
    group({ pattern: 'random', workingSetBytes: largeBytes }),
    group({ op: 'maybe_pinned' }),
    group({ pattern: 'sequential', workingSetBytes: small }),
    group({ ledger: true }),
  ]
  const ops: CostOp[] = ['pin', 'unpin', 'try_pin_speculative+unpin', 'pin_referenced+unpin']
  if (effort !== 'quick') {
    groups.push(group({ pattern: 'random', workingSetBytes: sizes.l2 }))
    if (sizes.lastLevel !== small) groups.push(group({ pattern: 'random', workingSetBytes: sizes.lastLevel }))
    for (const threads of contended) groups.push(group({ pattern: 'random', workingSetBytes: small, threads }))
    for (const op of ops) groups.push(group({ op }))
  }
  if (effort === 'thorough') {
    if (machine.memoryBytes > 6 * 2 ** 30 && largeBytes < 2 ** 30) {
      groups.push(group({ pattern: 'random', workingSetBytes: 2 ** 30 }))
      groups.push(group({ pattern: 'sequential', workingSetBytes: 2 ** 30 }))
    }
    const others: PageType[] = ['file', 'device-private-anon', 'device-coherent', 'fsdax', 'devdax']
    for (const pageType of others) {
      groups.push(group({ pageType }))
      groups.push(group({ pageType, pattern: 'random', workingSetBytes: small }))
    }
    for (const order of [1, 2, 9]) {
      groups.push(group({ pageType: 'compound-head', order }))
      groups.push(group({ pageType: 'compound-head', order, pattern: 'random', workingSetBytes: small }))
    }
  }
  return {
    ...lengths[effort],
    groups,
    javascript: [
      { pattern: 'hot', workingSetBytes: hotBytes },
      { pattern: 'random', workingSetBytes: small },
    ],
  }
}
