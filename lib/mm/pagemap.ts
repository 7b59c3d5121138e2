import type { NativeTables } from '../native/binding.ts'
import { tables } from '../native/tables.ts'
import type { PagemapEntry, PagemapState } from './mmTypes.ts'

/** Numbers of one page in what native code fills. */
export const pagemapNumbers = (): number => tables().pagemapWords.length

/** Where a number of a page stands, and which bit of its `bits` says what. */
interface Places {
  readonly word: Readonly<Record<NativeTables['pagemapWords'][number], number>>
  readonly bit: Readonly<Record<NativeTables['pagemapBits'][number], number>>
}

let read: Places | undefined

function places(): Places {
  const { pagemapWords, pagemapBits } = tables()
  read ??= {
    word: Object.fromEntries(pagemapWords.map((name, i) => [name, i])) as Places['word'],
    bit: Object.fromEntries(pagemapBits.map((name, i) => [name, 2 ** i])) as Places['bit'],
  }
  return read
}

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
  const { word, bit } = places()
  const size = pagemapNumbers()
  return Array.from({ length: pages }, (_, i) => {
    const at = i * size
    const bits = numbers[at + word.bits] as number
    const mapcount = numbers[at + word.mapcount] as number
    const flags = numbers[at + word.flags] as number
    const pfn = numbers[at + word.pfn] as number
    return Object.freeze({
      state: states[numbers[at + word.state] as number] as PagemapState,
      softDirty: (bits & bit.softDirty) !== 0,
      exclusive: (bits & bit.exclusive) !== 0,
      file: (bits & bit.file) !== 0,
      uffdWp: (bits & bit.uffdWp) !== 0,
      mapcount: mapcount < 0 ? null : mapcount,
      flags: flags < 0 ? null : flagsOf(flags),
      pfn: pfn < 0 ? null : pfn,
    })
  })
}
