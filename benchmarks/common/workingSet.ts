import { layouts } from '../../lib/index.ts'

/** The layout of all benchmarks: the kernel's latest here. */
export const layout = 'linux-6.12'

const gibibyte = 2 ** 30

/** Descriptors that one measurement goes over. */
export interface WorkingSet {
  name: string
  bytes: number
}

export const hotLine: WorkingSet = { name: 'one hot line', bytes: 64 }
export const mebibytes8: WorkingSet = { name: '8 MiB', bytes: 8 * 2 ** 20 }
export const gibibyte1: WorkingSet = { name: '1 GiB', bytes: gibibyte }
export const gibibytes8: WorkingSet = { name: '8 GiB', bytes: 8 * gibibyte }

export function pagesOf(set: WorkingSet): number {
  const { strideBytes } = layouts.get(layout)
  return Math.max(1, Math.floor(set.bytes / strideBytes))
}

/** A line alone has one order; everything else is gone through in two. */
export const patternsOf = (set: WorkingSet): ('hot' | 'sequential' | 'random')[] =>
  set === hotLine ? ['hot'] : ['sequential', 'random']

/** The kernel maps its descriptors by huge pages too. */
export const wantsHugePages = (set: WorkingSet): boolean => set.bytes >= 64 * 2 ** 20

/**
 * Why a set does not fit into memory now; undefined: it fits. `sharded` keeps 32
 * bytes a page beside the descriptors for two threads, and `own-counter` longer
 * descriptors: half as much again holds either.
 */
export function lackOfMemory(set: WorkingSet): string | undefined {
  const needed = set.bytes * 1.5 + 2 ** 28
  const free = process.availableMemory()
  if (needed <= free) return undefined
  const inGib = (bytes: number): string => (bytes / gibibyte).toFixed(1)
  return `${set.name} of descriptors left out: needs ${inGib(needed)} GiB of memory, ${inGib(free)} GiB are free.`
}
