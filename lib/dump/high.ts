/** One solution for the fields at the top of `flags`: how wide each is. */
export interface HighWidths {
  readonly section: number
  readonly node: number
  readonly zone: number
  readonly lastcpupid: number
  readonly kasantag: number
}

/** A field at the top, where it is known. */
export interface HighPlace {
  readonly name: keyof HighWidths
  readonly shift: number
  readonly bits: number
}

const order = ['section', 'node', 'zone', 'lastcpupid', 'kasantag'] as const
const widest: Readonly<HighWidths> = { section: 20, node: 10, zone: 3, lastcpupid: 24, kasantag: 8 }

const bitsFor = (value: bigint): number => (value === 0n ? 1 : value.toString(2).length)

/**
 * All widths with which the word gives the printed values: from the top bit down section, node, zone, last_cpupid,
 * KASAN tag, those that are printed, above the `lowest` bit that flags may use. A last_cpupid of ones is most often the
 * initial -1, so its width is that of the value, unless nothing fits then.
 */
export function solveWidths(
  word: bigint,
  wordBits: number,
  printed: Readonly<Record<string, bigint>>,
  lowest: number,
): HighWidths[] {
  const initial = solve(word, wordBits, printed, lowest, true)
  return initial.length > 0 ? initial : solve(word, wordBits, printed, lowest, false)
}

function solve(
  word: bigint,
  wordBits: number,
  printed: Readonly<Record<string, bigint>>,
  lowest: number,
  initialCpupid: boolean,
): HighWidths[] {
  const found: HighWidths[] = []
  const names = order.filter((name) => printed[name] !== undefined)
  const choose = (at: number, top: number, widths: Record<string, number>): void => {
    if (found.length >= 64) return
    const name = names[at]
    if (name === undefined) {
      found.push({ section: 0, node: 0, zone: 0, lastcpupid: 0, kasantag: 0, ...widths })
      return
    }
    const value = printed[name] as bigint
    const least = bitsFor(value)
    const ones = value === (1n << BigInt(least)) - 1n && value > 0n
    const most = name === 'lastcpupid' && ones && initialCpupid ? least : widest[name]
    for (let width = least; width <= Math.max(most, least); width++) {
      // Tags of hardware have 4 bits, those of software 8.
      if (name === 'kasantag' && width !== 4 && width !== 8) continue
      const shift = top - width
      if (shift < lowest) break
      if (((word >> BigInt(shift)) & ((1n << BigInt(width)) - 1n)) === value)
        choose(at + 1, shift, { ...widths, [name]: width })
    }
  }
  choose(0, wordBits, {})
  return found
}

/** Where the fields lie with these widths. */
export function placesOf(widths: HighWidths, wordBits: number): HighPlace[] {
  const places: HighPlace[] = []
  let shift = wordBits
  for (const name of order) {
    const bits = widths[name]
    if (bits === 0) continue
    shift -= bits
    places.push({ name, shift, bits })
  }
  return places
}

export const fieldAt = (word: bigint, { shift, bits }: HighPlace): number =>
  Number((word >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n))
