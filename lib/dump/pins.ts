import type { Given, Reading } from './reading.ts'
import type { DecodedDump, DumpFolio } from './types.ts'

export function pinsOf(
  reading: Reading,
  refcount: number | null,
  order: number | null,
  folio: DumpFolio | null,
): { pins: DecodedDump['pins']; pinsReason: string } {
  const { type, flags, candidate } = reading
  const none = (pinsReason: string): { pins: null; pinsReason: string } => ({ pins: null, pinsReason })
  if (folio?.pincount != null && candidate.biasPins)
    return { pins: { pins: folio.pincount, exact: true }, pinsReason: 'the pin count of the folio' }
  if (!candidate.biasPins) return none('kernels before 5.7 do not count pins')
  const small = candidate.era?.name === 'linux-5.10' && order === 1
  if (type === 'tail') return none('pins are counted at the head')
  if (flags.includes('head') && !small)
    return none('the exact count of a large folio stands in a tail, which the log does not have')
  if (refcount === null) return none('the log does not tell the reference count')
  if (refcount < 0) return none(`_refcount is ${refcount}: what is left of it counts nothing`)
  return {
    pins: { pins: Math.floor(refcount / 1024), exact: false },
    pinsReason: 'a pin is 1024 references, and 1024 references look like a pin',
  }
}

/** By a scheme that the caller has named. */
export function pinsBy(
  { pins: count, pinsName }: Given,
  { words, type }: Reading,
  refcount: number | null,
): { pins: DecodedDump['pins']; pinsReason: string } | null {
  if (count === null) return null
  if (words.page.length < 7) return { pins: null, pinsReason: 'the log does not have the words' }
  if (type === 'tail') return { pins: null, pinsReason: 'pins are counted at the head' }
  const counted = count(words.page, words.wordBytes)
  if (counted !== null && !counted.exact && refcount !== null && refcount < 0)
    return { pins: null, pinsReason: `_refcount is ${refcount}: what is left of it counts nothing` }
  if (counted === null) return { pins: null, pinsReason: `${pinsName} keeps none in these words` }
  const reason = counted.exact
    ? `as ${pinsName} counts`
    : 'a pin is 1024 references, and 1024 references look like a pin'
  return { pins: { pins: Number(counted.pins), exact: counted.exact }, pinsReason: reason }
}
