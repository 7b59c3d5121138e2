import type { KernelDescriptor } from 'pagebox'

/** Bytes of memory that no field uses on a page type, as the tables of the facts write them. */
export function freeBytes({ fields, strideBytes, wordBytes, byteOrder }: KernelDescriptor, type: string): string {
  const used = new Set<number>()
  for (const field of fields) {
    if (!(field.types as readonly string[]).includes(type)) continue
    for (let bit = field.shift; bit < field.shift + field.bits; bit++) {
      const within = Math.floor(bit / 8)
      used.add(field.word * wordBytes + (byteOrder === 'little' ? within : wordBytes - 1 - within))
    }
  }
  const ranges: [number, number][] = []
  for (let byte = 0; byte < strideBytes; byte++) {
    if (used.has(byte)) continue
    const last = ranges.at(-1)
    if (last?.[1] === byte - 1) last[1] = byte
    else ranges.push([byte, byte])
  }
  return ranges.map(([from, to]) => `${from}-${to}`).join() || 'none'
}

/** Where a field lies on a page type. */
export const placesOf = ({ fields }: KernelDescriptor, type: string, name: string) =>
  fields
    .filter((field) => field.name === name && (field.types as readonly string[]).includes(type))
    .map(({ byte, word, shift, bits }) => ({ byte, word, shift, bits }))
