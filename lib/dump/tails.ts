import type { Candidate } from './candidates.ts'
import type { Image } from './image.ts'

const highestOrder = 20

/**
 * The folio's order, if these are the words of its first tail: the number of pages stands there too and agrees, or,
 * before 5.9, the byte of its destructor is one. Null: another tail, or nothing tells.
 */
export function firstTailOrder(image: Image, { tail }: Candidate): number | null {
  if (image.wordBytes !== 8) return null
  const order =
    tail.order.byte === 0 ? Number((image.words[0] ?? 0n) & 0xffn) : image.unsigned(tail.order.byte, tail.order.bits)
  if (order === undefined || order < 1 || order > highestOrder) return null
  if (tail.nrPages !== undefined) return image.unsigned(tail.nrPages.byte, 32) === 2 ** order ? order : null
  if (tail.order.byte !== 17) return null
  const destructor = image.unsigned(16, 8) ?? 0
  return destructor >= 1 && destructor <= 4 && image.unsigned(18, 16) === 0 ? order : null
}
