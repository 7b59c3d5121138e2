import type { Counted } from '../engine/costTypes.ts'
import type { CompareDocument, CountedRow } from './document.ts'
import { digits } from './format.ts'
import type { CostGroup } from './plan.ts'
import { situationLabel } from './situation.ts'

/** What is counted, in the order of the tables. */
export const counterNames = [
  'instructions',
  'cycles',
  'cacheMisses',
  'tlbMisses',
  'lockedOps',
  'contendedLines',
  'pageFaults',
  'contextSwitches',
] as const satisfies readonly (keyof Counted)[]

export type CounterName = (typeof counterNames)[number]

export const counterTexts: Record<CounterName, string> = {
  instructions: 'instructions',
  cycles: 'cycles',
  cacheMisses: 'cache misses',
  tlbMisses: 'TLB misses',
  lockedOps: 'locked ops',
  contendedLines: 'contended lines',
  pageFaults: 'page faults',
  contextSwitches: 'switches',
}

/** Whether a group's loops are worth counting: what a pin and its unpin touch, where it lies. */
export const isCounted = ({ pageType, order, op, ledger, pattern }: CostGroup): boolean =>
  pageType === 'anon' && order === 0 && op === 'pin+unpin' && !ledger && pattern !== 'sequential'

/** Of one pair, from what was counted in `ops` of them. */
export const perPair = (counted: Counted, ops: number): Counted => {
  const entries = counterNames.map((name) => {
    const count = counted[name]
    return [name, count === null ? null : count / ops] as const
  })
  return Object.fromEntries(entries) as Record<CounterName, number | null>
}

const rowsOf = ({ schemes }: CompareDocument): CountedRow[] => schemes.flatMap(({ counted }) => counted ?? [])

/** The counters that this machine gave to anything; empty if none were asked for. */
export function countersGiven(document: CompareDocument): CounterName[] {
  const rows = rowsOf(document)
  return counterNames.filter((name) => rows.some((row) => row.perPair[name] !== null))
}

export interface CounterTable {
  /** Where its loops ran. */
  readonly at: string
  /** Behind the scheme's name. */
  readonly heads: readonly string[]
  readonly rows: readonly { readonly scheme: string; readonly cells: readonly string[] }[]
}

/** A table for each situation that was counted. */
export function counterTables(document: CompareDocument): CounterTable[] {
  const given = countersGiven(document)
  const rows = document.schemes.flatMap(({ name, counted }) => (counted ?? []).map((row) => ({ scheme: name, row })))
  if (given.length === 0) return []
  return [...new Set(rows.map(({ row }) => situationLabel(row)))].map((at) => ({
    at,
    heads: given.map((name) => counterTexts[name]),
    rows: rows
      .filter(({ row }) => situationLabel(row) === at)
      .map(({ scheme, row }) => ({
        scheme,
        cells: given.map((name) => digits(row.perPair[name] ?? Number.NaN)),
      })),
  }))
}

/** What a reader who asked for counters must know of those that are not there; empty if all are. */
export function countersNote(document: CompareDocument): string {
  if (rowsOf(document).length === 0) return ''
  const given = countersGiven(document)
  const missing = counterNames.filter((name) => !given.includes(name)).map((name) => counterTexts[name])
  if (missing.length === 0) return ''
  return (
    `Not counted, since this machine or its settings (perf_event_paranoid) do not give them: ${missing.join(', ')}. ` +
    'Virtual machines often have no counters of the processor.'
  )
}
