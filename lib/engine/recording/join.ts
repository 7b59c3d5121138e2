import type { ConformPart, ConformResult } from './conformFiles.ts'
import type { OutcomesReport } from './outcomesReport.ts'

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0)

/** Counts by name, the names in their order. */
function added(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const each of all)
    for (const [name, count] of Object.entries(each)) counts.set(name, (counts.get(name) ?? 0) + count)
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Entries of all lists by the scenario that they are of; those of one stay in their order. */
const byPlace = <Entry>(lists: readonly (readonly [readonly Entry[], readonly number[]])[]): Entry[] =>
  lists
    .flatMap(([entries, places]) => entries.map((entry, i) => ({ entry, at: places[i] ?? 0 })))
    .sort((a, b) => a.at - b.at)
    .map(({ entry }) => entry)

function joinedOutcomes(parts: readonly ConformPart[], keep: number): OutcomesReport | null {
  const told = parts.flatMap(({ result, places }) =>
    result.outcomes === null ? [] : [{ of: result.outcomes, places: places.outcomes }],
  )
  if (told.length === 0) return null
  const total = (
    key:
      | 'scenarios'
      | 'complete'
      | 'bounded'
      | 'sampled'
      | 'schedules'
      | 'seen'
      | 'explained'
      | 'missing'
      | 'waiting'
      | 'oneCpu'
      | 'unsupported'
      | 'serialMissing'
      | 'setupDiffers'
      | 'extra',
  ): number => sum(told.map(({ of }) => of[key]))
  const counts = (key: 'unsupportedOps' | 'bad' | 'needs' | 'rules'): Record<string, number> =>
    added(told.map(({ of }) => of[key]))
  return {
    files: [...new Set(byPlace(told.map(({ of, places }) => [of.files, places.files])))],
    scenarios: total('scenarios'),
    schedules: total('schedules'),
    seen: total('seen'),
    explained: total('explained'),
    missing: total('missing'),
    waiting: total('waiting'),
    oneCpu: total('oneCpu'),
    unsupported: total('unsupported'),
    serialMissing: total('serialMissing'),
    setupDiffers: total('setupDiffers'),
    extra: total('extra'),
    complete: total('complete'),
    bounded: total('bounded'),
    sampled: total('sampled'),
    unsupportedOps: counts('unsupportedOps'),
    bad: counts('bad'),
    needs: counts('needs'),
    rules: counts('rules'),
    mismatches: byPlace(told.map(({ of, places }) => [of.mismatches, places.mismatches])).slice(0, keep),
  }
}

/** Parts of a comparison as one: what is told is in the order of the scenarios. */
export function joinedConform(parts: readonly ConformPart[], keep: number): ConformResult {
  const total = (
    key: 'scenarios' | 'scenariosMatched' | 'operations' | 'matched' | 'mismatched' | 'explained' | 'unsupported',
  ): number => sum(parts.map(({ result }) => result[key]))
  return {
    files: [...new Set(byPlace(parts.map(({ result, places }) => [result.files, places.files])))],
    scenarios: total('scenarios'),
    scenariosMatched: total('scenariosMatched'),
    operations: total('operations'),
    matched: total('matched'),
    mismatched: total('mismatched'),
    explained: total('explained'),
    explainedBy: added(parts.map(({ result }) => result.explainedBy)),
    unsupported: total('unsupported'),
    unsupportedOps: added(parts.map(({ result }) => result.unsupportedOps)),
    dirty: byPlace(parts.map(({ result, places }) => [result.dirty, places.dirty])),
    mismatches: byPlace(parts.map(({ result, places }) => [result.mismatches, places.mismatches])).slice(0, keep),
    stoppedBy: parts.some(({ result }) => result.stoppedBy === 'abort') ? 'abort' : 'end',
    outcomes: joinedOutcomes(parts, keep),
  }
}
