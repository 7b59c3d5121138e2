import { bitsOf } from '../page/bits.ts'
import type { NativeScheme } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { isFailure } from '../native/status.ts'
import { layoutRef } from '../page/layouts.ts'
import type { PinCounter } from '../page/decode.ts'
import type { Layout } from '../page/layout.ts'
import type { Scheme } from './scheme.ts'
import { constantsOf, schemeRef } from './schemes.ts'

/** A bit that is still to be found. */
const free = -2

/** With the bits that it has in this layout, where it asks for free ones. */
function placedIn(constants: NativeScheme, scheme: Scheme, layout: Layout): NativeScheme | undefined {
  const { pinned, wasLru, countShift, countField, states } = constants
  const named = [{ field: countField }, pinned, wasLru, ...states].some(({ field }) => field !== '')
  if (!named && countShift !== free && ![pinned, ...states].some(({ bit }) => bit === free)) return constants
  // A flag alone is found in the tables, which are there without the addon too.
  if (!named && constants.protocol !== 'packed-word')
    return { ...constants, pinned: { ...pinned, bit: layout.lowestFreeFlagBit } }
  const found = native().placedScheme(schemeRef(scheme), layoutRef(layout))
  // A layout without the field has no such count.
  return isFailure(found) || found.countField !== '' || found.pinned.field !== '' ? undefined : found
}

/** What a scheme counts in the words of one descriptor; null if its count lies elsewhere. */
export function countIn(
  words: readonly bigint[],
  layout: Layout,
  scheme: Scheme,
): { pins: bigint; exact: boolean } | null {
  const declared = constantsOf(scheme)
  const constants = declared && placedIn(declared, scheme, layout)
  if (constants === undefined) return null
  const at = (offsetBytes: number, shift: number, bits: number): bigint =>
    bitsOf(words, layout.wordBytes, offsetBytes * 8 + shift, bits)
  const { countShift, countBits, atLimit } = constants
  const isFull = (pins: bigint): boolean => pins === (1n << BigInt(countBits)) - 1n
  /** Of a full count that refuses nothing only the references say how many there can be. */
  const counted = (pins: bigint): { pins: bigint; exact: boolean } =>
    atLimit !== 'refuse' && isFull(pins)
      ? { pins: at(layout.refcountOffsetBytes, 0, 32) / BigInt(constants.refsPerPin), exact: false }
      : { pins, exact: true }
  switch (scheme.place) {
    case 'refcount':
      return { pins: at(layout.refcountOffsetBytes, 0, 32) / BigInt(constants.refsPerPin), exact: false }
    case 'counter':
      return layout.counterOffsetBytes === 0 ? null : counted(at(layout.counterOffsetBytes, countShift, countBits))
    case 'word': {
      const { pinned } = constants
      if (countShift < 0) return null
      const offset = constants.countWord * layout.wordBytes
      // While the flag is clear the word is not the scheme's: a list pointer, a pgmap.
      if (pinned.word >= 0 && pinned.bit >= 0 && at(pinned.word * layout.wordBytes, pinned.bit, 1) === 0n)
        return { pins: 0n, exact: true }
      return counted(at(offset, countShift, countBits))
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
