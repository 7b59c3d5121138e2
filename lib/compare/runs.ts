import { costOutcomes, type Measured } from './costs.ts'
import type { CompareDocument, CostRow } from './document.ts'
import { seededRandom } from './statistics.ts'

const keyOf = ({ layout, pageType, order, pattern, workingSetBytes, threads, op }: CostRow): string =>
  [layout, pageType, order, pattern, workingSetBytes, threads, op].join(' ')

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

/** The rows of one scheme and situation in all runs that have it, as if each run was a block. */
function joined(scheme: string, rows: readonly CostRow[]): Measured {
  const loop = rows[0]?.reference
  const same = rows.filter(
    ({ samples, reference }) =>
      samples !== undefined && reference?.scheme === loop?.scheme && reference?.op === loop?.op,
  )
  return {
    scheme: { name: scheme },
    samples: same.flatMap(({ samples }) => samples ?? []),
    blocks: same.map(({ samples }) => samples?.length ?? 0),
    reference: loop && { ...loop, samples: same.flatMap(({ reference }) => reference?.samples ?? []) },
  }
}

/**
 * Adds the costs of further processes to those of the first: intervals then come from what varies between processes,
 * which is what a later run will differ by. Rooms and limits are those of the first; they do not vary.
 */
export function mergeRuns(first: CompareDocument, others: readonly CompareDocument[]): CompareDocument {
  if (others.length === 0) return first
  const runs = [first, ...others]
  const merged: CompareDocument = structuredClone(first)
  merged.settings.runs = runs.length
  merged.complete = runs.every(({ complete }) => complete)
  merged.elapsedSeconds = total(runs.map(({ elapsedSeconds }) => elapsedSeconds))
  merged.limit = []
  for (const kind of ['cost', 'ledger'] as const) {
    const situations = new Map(first.schemes.flatMap((scheme) => scheme[kind].map((row) => [keyOf(row), row])))
    for (const entry of merged.schemes) entry[kind] = []
    for (const [key, row] of situations) {
      const measured = first.schemes.flatMap(({ name }) => {
        const rows = runs.flatMap(({ schemes }) => {
          const entry = schemes.find((each) => each.name === name)
          return entry?.[kind].filter((each) => keyOf(each) === key) ?? []
        })
        return rows.length === 0 ? [] : [joined(name, rows)]
      })
      for (const { scheme, row: made, limit } of costOutcomes(measured, row, seededRandom(first.settings.seed))) {
        merged.schemes.find(({ name }) => name === scheme)?.[kind].push(made)
        if (limit) merged.limit.push(limit)
      }
    }
  }
  return merged
}
