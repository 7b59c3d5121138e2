import type { Layout } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'

export interface Memory {
  bytesPerPage: number
  /** Where these bytes are; empty if there are none. */
  text: string
}

/** Entries are as wide as the next power of two, so that none lies across two words. */
const slotBytes = (bits: number): number => 2 ** Math.ceil(Math.log2(bits)) / 8

/** Of the side table, which takes the rest of a count that spills. */
const spillBytes = 4

/**
 * What a scheme costs in memory on every page, pinned or not. What lies in bits that the descriptor has anyway, costs
 * nothing. Of `mapcount-overlay` the reverse map, which the kernel has, is no part.
 */
export function memoryOf(scheme: Scheme, layout: Layout, cpus: number): Memory {
  const parts = [ofPlace(scheme, layout, cpus), ofSpill(scheme)].filter(({ bytesPerPage }) => bytesPerPage > 0)
  return {
    bytesPerPage: parts.reduce((sum, part) => sum + part.bytesPerPage, 0),
    text: parts.map(({ text }) => text).join('; '),
  }
}

const nothing: Memory = { bytesPerPage: 0, text: '' }

function ofSpill({ atLimit }: Scheme): Memory {
  if (atLimit !== 'spill') return nothing
  return {
    bytesPerPage: spillBytes,
    text: `a table beside the descriptors for what spills, ${spillBytes} bytes a page`,
  }
}

function ofPlace(scheme: Scheme, layout: Layout, cpus: number): Memory {
  const bytes = slotBytes(scheme.countBits)
  switch (scheme.place) {
    case 'counter': {
      const more = layout.ownCounterStrideBytes - layout.strideBytes
      const text = `the descriptor grows from ${layout.strideBytes} to ${layout.ownCounterStrideBytes} bytes`
      return more > 0 ? { bytesPerPage: more, text } : nothing
    }
    case 'side-table': {
      const size = bytes < 1 ? `${bytes * 8} bits` : `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
      return { bytesPerPage: bytes, text: `a table beside the descriptors, ${size} a page` }
    }
    case 'sharded': {
      const shard = 2 * bytes
      const each = `${shard} bytes a page and CPU`
      return { bytesPerPage: shard * cpus, text: `${each}, on ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}` }
    }
    default:
      return nothing
  }
}
