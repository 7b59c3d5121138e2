import type { CostOp } from '../engine/costTypes.ts'
import type { PageType } from '../page/layout.ts'
import type { Pattern } from './document.ts'

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
  /** Also time the hand-written loop of each scheme. */
  withLimit: boolean
}

export interface Plan {
  rounds: number
  sampleMs: number
  /** After which no further round begins; a slow machine gets fewer rounds, not more time. */
  budgetSeconds: number
  groups: CostGroup[]
  javascript: { pattern: 'hot' | 'random'; workingSetBytes: number }[]
}

const MiB = 2 ** 20

/** A hot line is one descriptor; the stride is the layout's, this only names it. */
export const hotBytes = 64

const sizes: Record<Effort, { rounds: number; sampleMs: number; budgetSeconds: number }> = {
  quick: { rounds: 7, sampleMs: 1.5, budgetSeconds: 13 },
  default: { rounds: 15, sampleMs: 4, budgetSeconds: 65 },
  thorough: { rounds: 41, sampleMs: 20, budgetSeconds: Number.POSITIVE_INFINITY },
}

/** What is measured, most asked-for first: if time runs out, the end is missing. */
export function makePlan(
  effort: Effort,
  machine: { cores: number; lastLevelCacheBytes: number; memoryBytes: number },
): Plan {
  const group = (part: Partial<CostGroup>): CostGroup => ({
    pageType: 'anon',
    order: 0,
    pattern: 'hot',
    workingSetBytes: hotBytes,
    threads: 1,
    op: 'pin+unpin',
    ledger: false,
    withLimit: true,
    ...part,
  })
  const small = 8 * MiB
  // Descriptors that no cache holds. Two such sets live at once, so a sixteenth of the memory at most.
  const aim = machine.lastLevelCacheBytes * (effort === 'quick' ? 1 : 2)
  const large = Math.min(Math.max(aim, 64 * MiB), machine.memoryBytes / 16)
  const largeBytes = 2 ** Math.ceil(Math.log2(large))
  const groups = [
    group({}),
    group({ pattern: 'random', workingSetBytes: small }),
    group({ threads: 2 }),
    group({ pattern: 'random', workingSetBytes: largeBytes }),
    group({ op: 'maybe_pinned', withLimit: false }),
    group({ pattern: 'sequential', workingSetBytes: small }),
    group({ ledger: true, withLimit: false }),
  ]
  const ops: CostOp[] = ['pin', 'unpin', 'try_pin_speculative+unpin', 'pin_referenced+unpin']
  if (effort !== 'quick') {
    groups.push(group({ pattern: 'random', workingSetBytes: small, threads: 2 }))
    for (const op of ops) groups.push(group({ op, withLimit: false }))
  }
  if (effort === 'thorough') {
    for (let threads = 3; threads <= 2 * machine.cores; threads++) {
      groups.push(group({ threads }))
      groups.push(group({ threads, pattern: 'random', workingSetBytes: small }))
    }
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
    ...sizes[effort],
    groups,
    javascript: [
      { pattern: 'hot', workingSetBytes: hotBytes },
      { pattern: 'random', workingSetBytes: small },
    ],
  }
}
