import type { Reading } from './reading.ts'
import { isCompound } from './reading.ts'

/** Counts come from the print where there is one, and are compared with the words. */
export function counts(reading: Reading): {
  refcount: number | null
  mapcount: number | null
  pageType: string | null
  mapcountWord: number | null
} {
  const { image, candidate, words, printed, type, flags, warnings } = reading
  const places = candidate.places(words.wordBytes)
  const inWords = image?.signed(places.refcount)
  const raw = image?.unsigned(places.mapcount, 32)
  const pageType = raw === undefined ? null : candidate.typeOf(raw)
  const mapcountWord = raw === undefined ? null : raw | 0
  const own = type === 'tail' ? undefined : inWords
  if (printed.refcount !== null && own !== undefined && own !== printed.refcount)
    warnings.push(`refcount: ${printed.refcount} is printed, and the words hold ${own}`)
  if (type === 'tail' && inWords !== undefined && inWords !== 0)
    warnings.push(`a tail's own _refcount is ${inWords}, and should be 0: references go to the head`)
  const slab = type === 'slab'
  const counted = pageType === null && !slab && mapcountWord !== null ? mapcountWord + 1 : null
  if (
    printed.mapcount !== null &&
    counted !== null &&
    counted !== printed.mapcount &&
    !isCompound(reading) &&
    !(counted < 0 && printed.mapcount === 0)
  )
    warnings.push(`mapcount: ${printed.mapcount} is printed, and the words hold ${counted}`)
  if (flags.includes('head') && pageType === null && counted !== null && counted < 0)
    warnings.push(`_mapcount is ${counted - 1}, below -1`)
  return { refcount: printed.refcount ?? own ?? null, mapcount: printed.mapcount ?? counted, pageType, mapcountWord }
}
