import { bytes } from './format.ts'
import type { CompareDocument, CostRow, Pattern } from './document.ts'

/** Where and how a cost was measured; the columns of the tables and the plots. */
export interface Situation {
  pattern: Pattern
  workingSetBytes: number
  threads: number
  pageType: string
  order: number
  layout: string
}

/** The operation that the tables show; the others stand in the document. */
export const mainOp = 'pin+unpin'

const key = (at: Situation): string =>
  [at.layout, at.pageType, at.order, at.threads, at.workingSetBytes, at.pattern].join(' ')

export const sameSituation = (a: Situation, b: Situation): boolean =>
  a.pattern === b.pattern &&
  a.workingSetBytes === b.workingSetBytes &&
  a.threads === b.threads &&
  a.pageType === b.pageType &&
  a.order === b.order

export const isHot = (at: Situation): boolean => at.pattern === 'hot'

export function situationLabel(at: Situation): string {
  const place = isHot(at) ? 'one hot line' : `${bytes(at.workingSetBytes)}, ${at.pattern}`
  return at.threads === 1 ? place : `${place}, ${at.threads} threads`
}

/**
 * All situations on anonymous order-0 pages, in the order in which a reader
 * asks: one thread from small to large, then more threads. `own-counter` is
 * measured on a layout of its own and shares the columns of the others.
 */
export function situations(document: CompareDocument): Situation[] {
  const found = new Map<string, Situation>()
  for (const scheme of document.schemes) {
    for (const row of scheme.cost) {
      if (row.pageType !== 'anon' || row.order !== 0) continue
      const { pattern, workingSetBytes, threads, pageType, order } = row
      const at = { pattern, workingSetBytes, threads, pageType, order, layout: '' }
      found.set(key(at), at)
    }
  }
  return [...found.values()].sort(
    (a, b) => a.threads - b.threads || a.workingSetBytes - b.workingSetBytes || b.pattern.localeCompare(a.pattern),
  )
}

export const costAt = (rows: readonly CostRow[], at: Situation, op: string = mainOp): CostRow | undefined =>
  rows.find((row) => row.op === op && sameSituation(row, at))
