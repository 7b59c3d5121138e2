import { bitsOf } from '../page/bits.ts'
import type { PinCounter } from '../page/decode.ts'
import type { Layout } from '../page/layout.ts'
import type { Scheme } from './scheme.ts'
import { constantsOf } from './schemes.ts'

/** What a scheme counts in the words of one descriptor; null if its count lies elsewhere. */
export function countIn(
  words: readonly bigint[],
  layout: Layout,
  scheme: Scheme,
): { pins: bigint; exact: boolean } | null {
  const constants = constantsOf(scheme)
  if (constants === undefined) return null
  const at = (offsetBytes: number, shift: number, bits: number): bigint =>
    bitsOf(words, layout.wordBytes, offsetBytes * 8 + shift, bits)
  const { exact } = scheme
  switch (scheme.place) {
    case 'refcount':
      return { pins: at(layout.refcountOffsetBytes, 0, 32) / BigInt(constants.refsPerPin), exact: false }
    case 'counter':
      return layout.counterOffsetBytes === 0 ? null : { pins: at(layout.counterOffsetBytes, 0, 32), exact }
    case 'word': {
      const { word, bit } = constants.pinned
      const offset = constants.countWord * layout.wordBytes
      const place = bit === -2 ? layout.lowestFreeFlagBit : bit
      // While the flag is clear the word is not the scheme's: a list pointer, a pgmap.
      if (word >= 0 && place >= 0 && at(word * layout.wordBytes, place, 1) === 0n) return { pins: 0n, exact }
      return { pins: at(offset, constants.countShift, constants.countBits), exact }
    }
    default:
      return null
  }
}

/** A scheme as the reader of a descriptor needs it. */
export const counterOf = (scheme: Scheme): PinCounter => ({
  name: scheme.name,
  pinsIn(words, layout) {
    const refcount = BigInt.asIntN(32, bitsOf(words, layout.wordBytes, layout.refcountOffsetBytes * 8, 32))
    // A count that has gone below zero holds nothing that could be divided into pins.
    return scheme.place === 'refcount' && refcount < 0n ? null : countIn(words, layout, scheme)
  },
})
