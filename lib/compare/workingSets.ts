import type { CompareDocument, Machine } from './document.ts'
import { bytes, digits } from './format.ts'

/** What decides in which cache descriptors lie. */
export type Caches = Pick<Machine, 'l2CacheBytes' | 'lastLevelCacheBytes'>

const MiB = 2 ** 20

/** The size that the literature knows; on most machines it lies within the last-level cache. */
export const mebibytes8 = 8 * MiB

/** Where the system says nothing of its second level. */
const usualL2Bytes = MiB / 2

const powerBelow = (size: number): number => 2 ** Math.floor(Math.log2(size))
const powerFrom = (size: number): number => 2 ** Math.ceil(Math.log2(size))

/** How often a set beyond all caches is as large as the last of them. */
export const timesBeyond = 4

/** Descriptors that half of the second level holds, that a quarter of the last one does, and that none does. */
export function workingSetSizes(machine: Caches & Pick<Machine, 'memoryBytes'>): {
  l2: number
  lastLevel: number
  beyond: number
} {
  const { l2CacheBytes = usualL2Bytes, lastLevelCacheBytes, memoryBytes } = machine
  // Two such sets live at once, so a sixteenth of the memory at most.
  const beyond = Math.min(Math.max(timesBeyond * lastLevelCacheBytes, 64 * MiB), memoryBytes / 16)
  return {
    l2: powerBelow(l2CacheBytes / 2),
    lastLevel: powerBelow(Math.max(l2CacheBytes * 2, lastLevelCacheBytes / 4)),
    beyond: memoryBytes / 16 < timesBeyond * lastLevelCacheBytes ? powerBelow(beyond) : powerFrom(beyond),
  }
}

/** Where a set of descriptors lies: `within L2`, `within the last-level cache`, `4 times the last-level cache`. */
export function relationOf(size: number, { l2CacheBytes, lastLevelCacheBytes }: Caches): string {
  if (l2CacheBytes !== undefined && size <= l2CacheBytes) return 'within L2'
  if (size <= lastLevelCacheBytes) return 'within the last-level cache'
  return `${digits(size / lastLevelCacheBytes).replace(/\.?0+$/, '')} times the last-level cache`
}

/** One sentence on the working sets of a document, for below its tables; empty if it has none. */
export function workingSetsText({ machine, schemes }: CompareDocument): string {
  const rows = schemes.flatMap(({ cost }) => cost)
  const sizes = [...new Set(rows.filter(({ pattern }) => pattern !== 'hot').map((row) => row.workingSetBytes))]
  if (sizes.length === 0) return ''
  const places = sizes.sort((a, b) => a - b).map((size) => `${bytes(size)} ${relationOf(size, machine)}`)
  return `Descriptors: ${places.join(', ')}.`
}
