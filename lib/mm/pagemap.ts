import { tables } from '../native/tables.ts'
import type { PagemapEntry, PagemapState } from './mmTypes.ts'

/** Numbers of one page in what native code fills. */
export const pagemapNumbers = 5

const memo = new Map<number, readonly string[]>()

function flagsOf(bits: number): readonly string[] {
  let names = memo.get(bits)
  if (names === undefined) {
    names = Object.freeze(tables().kpageFlags.filter((_, i) => (bits & (1 << i)) !== 0))
    memo.set(bits, names)
  }
  return names
}

/** The entries of `pages` pages, each a frozen object. */
export function pagemapEntries(numbers: Float64Array, pages: number): PagemapEntry[] {
  const states = tables().pagemapStates as PagemapState[]
  return Array.from({ length: pages }, (_, i) => {
    const at = i * pagemapNumbers
    const bits = numbers[at + 1] as number
    const mapcount = numbers[at + 2] as number
    const flags = numbers[at + 3] as number
    const pfn = numbers[at + 4] as number
    return Object.freeze({
      state: states[numbers[at] as number] as PagemapState,
      softDirty: (bits & 1) !== 0,
      exclusive: (bits & 2) !== 0,
      file: (bits & 4) !== 0,
      uffdWp: (bits & 8) !== 0,
      mapcount: mapcount < 0 ? null : mapcount,
      flags: flags < 0 ? null : flagsOf(flags),
      pfn: pfn < 0 ? null : pfn,
    })
  })
}
