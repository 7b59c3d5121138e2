import type { NativeScheme } from '../native/binding.ts'

const bits = (first: number, count: number): string =>
  count === 1 ? `bit ${first}` : `bits ${first}..${first + count - 1}`

/** Of a count that is not all of its place. */
const narrow = ({ countShift, countBits }: NativeScheme): string =>
  countBits === 32 && countShift === 0 ? '' : `${bits(countShift, countBits)} of `

/** Where a scheme keeps its count, in words. */
export function whereOf(scheme: NativeScheme): string {
  switch (scheme.place) {
    case 'refcount':
      return scheme.refsPerPin === 1 ? '_refcount' : `_refcount, ${scheme.refsPerPin} a pin`
    case 'mapcount':
      return '_mapcount'
    case 'counter':
      return `${narrow(scheme)}a field of its own after _refcount`
    case 'tail':
      return `${narrow(scheme)}the tail page that the layout names, else _refcount, ${scheme.refsPerPin} a pin`
    case 'side-table':
      return `outside the descriptor, ${scheme.countBits} bits a page`
    case 'sharded':
      return 'outside the descriptor, two 64-bit counts a page and thread'
    default:
      if (scheme.countShift < 0) return `word 0, the lowest ${scheme.countBits} free bits in a row`
      if (scheme.countField !== '')
        return `the field '${scheme.countField}', ${bits(scheme.countShift, scheme.countBits)}`
      return `word ${scheme.countWord}, ${bits(scheme.countShift, scheme.countBits)}`
  }
}

/** Width of the counter: of a plain count in `_refcount`, what a pin's weight leaves of 31 bits. */
export function countBitsOf(scheme: NativeScheme): number {
  switch (scheme.place) {
    case 'word':
    case 'counter':
    case 'tail':
    case 'side-table':
      return scheme.countBits
    case 'refcount':
      return 31 - Math.floor(Math.log2(scheme.refsPerPin))
    case 'sharded':
      return 64
    default:
      return 32
  }
}
