import type { NativeAddresses } from '../native/binding.ts'
import { tables } from '../native/tables.ts'
import type { Layout } from './layout.ts'

/** What a pointer in a descriptor names; `ok` is false for what no kernel would write. */
export interface Named {
  readonly text: string
  readonly ok: boolean
}

const highestPfn = 1n << 32n

function pageAt(address: bigint, base: bigint, layout: Layout): bigint | undefined {
  const offset = address - base
  const stride = BigInt(layout.strideBytes)
  if (offset < 0n || offset % stride !== 0n) return undefined
  const pfn = offset / stride
  return pfn < highestPfn ? pfn : undefined
}

function objectAt(address: bigint, ranges: NativeAddresses): string | undefined {
  const kinds = tables().objectKinds
  for (const [i, base] of ranges.objectBases.entries()) {
    const offset = address - base
    if (offset < 0n || offset >= ranges.objectsPerKind * ranges.objectBytes) continue
    if (offset % ranges.objectBytes === 0n) return `${kinds[i]} ${offset / ranges.objectBytes}`
  }
  return undefined
}

/** A neighbour on a list, a kernel object, a page or poison, by its sandbox address. */
export function nameOf(address: bigint, layout: Layout): Named {
  const ranges = tables().addresses[layout.wordBytes]
  if (address === 0n) return { text: 'null', ok: true }
  if (address === ranges.listPoison1) return { text: 'list poison 1', ok: true }
  if (address === ranges.listPoison2) return { text: 'list poison 2', ok: true }
  if (address === ranges.tailMapping) return { text: 'TAIL_MAPPING', ok: true }
  const object = objectAt(address, ranges)
  if (object !== undefined) return { text: object, ok: true }
  const page = pageAt(address, ranges.pageBase, layout)
  if (page !== undefined) return { text: `page ${page}`, ok: true }
  const listed = pageAt(address, ranges.pageBase + BigInt(layout.wordBytes), layout)
  if (listed !== undefined) return { text: `page ${listed}.lru`, ok: true }
  return { text: 'no address of a kernel object', ok: false }
}
