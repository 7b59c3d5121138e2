import type { SearchCandidate } from './types.ts'

/** How exact a candidate answers, in words. */
export const answerText = ({ exact, fuzzyFrom }: Pick<SearchCandidate, 'exact' | 'fuzzyFrom'>): string =>
  exact ? 'exact' : fuzzyFrom === 1 ? 'not exact' : `fuzzy from ${fuzzyFrom}`
