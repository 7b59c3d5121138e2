import type { Layout } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'

export interface Memory {
  bytesPerPage: number
  /** Where these bytes are; empty if there are none. */
  text: string
}

/** An account outside has whole bytes of a size that a processor adds to at once. */
const storedBytes = (bits: number): number => 2 ** Math.ceil(Math.log2(Math.max(8, bits) / 8))

/** Of the side table, which takes the rest of a count that spills. */
const spillBytes = 4

/**
 * What a scheme costs in memory on every page, pinned or not. What lies in bits that the descriptor has anyway, costs
 * nothing. Of `mapcount-overlay` the reverse map, which the kernel has, is no part.
 */
export function memoryOf(scheme: Scheme, layout: Layout, cpus: number): Memory {
  const bytes = storedBytes(scheme.countBits)
  switch (scheme.place) {
    case 'counter': {
      const more = layout.ownCounterStrideBytes - layout.strideBytes
      const text = `the descriptor grows from ${layout.strideBytes} to ${layout.ownCounterStrideBytes} bytes`
      return more > 0 ? { bytesPerPage: more, text } : { bytesPerPage: 0, text: '' }
    }
    case 'side-table':
      return { bytesPerPage: bytes, text: `a table beside the descriptors, ${bytes} bytes a page` }
    case 'sharded': {
      const shard = 2 * bytes
      const each = `${shard} bytes a page and CPU`
      return { bytesPerPage: shard * cpus, text: `${each}, on ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}` }
    }
    default:
      return scheme.atLimit === 'spill'
        ? {
            bytesPerPage: spillBytes,
            text: `a table beside the descriptors for what spills, ${spillBytes} bytes a page`,
          }
        : { bytesPerPage: 0, text: '' }
  }
}
