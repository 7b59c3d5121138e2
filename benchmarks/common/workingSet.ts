import { bytes } from '../../lib/compare/format.ts'
import { describeMachine } from '../../lib/compare/machine.ts'
import { relationOf, workingSetSizes } from '../../lib/compare/workingSets.ts'
import { layouts, schemes } from '../../lib/index.ts'

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

const machine = describeMachine()
const sizes = workingSetSizes(machine)
const related = (size: number): WorkingSet => ({ name: `${bytes(size)}, ${relationOf(size, machine)}`, bytes: size })

/** Sets that follow the machine: what one core holds, what all share, and what no cache holds. */
export const withinL2 = related(sizes.l2)
export const withinLastLevel = related(sizes.lastLevel)
export const beyondCaches = related(sizes.beyond)

/** From small to large, each size once: the machine's own, and those that are the same everywhere. */
export function workingSets(quick: boolean): WorkingSet[] {
  const all = [withinL2, withinLastLevel, beyondCaches, mebibytes8, ...(quick ? [] : [gibibyte1, gibibytes8])]
  const distinct = all.filter((set, at) => all.findIndex((other) => other.bytes === set.bytes) === at)
  return [hotLine, ...distinct.sort((a, b) => a.bytes - b.bytes)]
}

export function pagesOf(set: WorkingSet): number {
  const { strideBytes } = layouts.get(layout)
  return Math.max(1, Math.floor(set.bytes / strideBytes))
}

/** A line alone has one order; everything else is gone through in two. */
export const patternsOf = (set: WorkingSet): ('hot' | 'sequential' | 'random')[] =>
  set === hotLine ? ['hot'] : ['sequential', 'random']

/** The kernel maps its descriptors by huge pages too. */
export const wantsHugePages = (set: WorkingSet): boolean => set.bytes >= 64 * 2 ** 20

/** Samplers of one scheme at a time: it and its loop, each with prefetch and without. */
const samplers = 4
/** What a box knows of a page beside its descriptor. */
const accountBytes = 16
/** Threads that a box of a measurement can count for, whether or not they run. */
const shards = 8

/** What a page takes beside its descriptor of 64 bytes. */
function bytesBeside(scheme: string): number {
  const { place } = schemes.get(scheme)
  // Counts outside the descriptors are each sampler's own.
  if (place === 'side-table') return accountBytes + 4 * samplers
  if (place === 'sharded') return accountBytes + 16 * shards * samplers
  return accountBytes + (place === 'counter' ? 16 : 0) // a longer descriptor
}

/** Why a scheme cannot be measured over a set now: it does not fit into memory; undefined: it does. */
export function lackOfMemory(set: WorkingSet, scheme: string, free = process.availableMemory()): string | undefined {
  const needed = set.bytes + pagesOf(set) * bytesBeside(scheme) + 2 ** 28
  if (needed <= free) return undefined
  const inGib = (bytes: number): string => (bytes / gibibyte).toFixed(1)
  return `${set.name}, ${scheme}: left out, needs ${inGib(needed)} GiB of memory, ${inGib(free)} GiB are free.`
}
