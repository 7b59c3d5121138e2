import { livelockRow } from '../../engine/findingText.ts'
import type { MmAuditRow } from '../../engine/scenario/run.ts'
import type { RaceScenarioOptions, RaceScenarioResult, Scenario } from '../../engine/scenario/scenarioTypes.ts'
import type { RaceBox, RaceOptions, RaceResult } from '../../engine/raceTypes.ts'

type ScenarioRace = (scenario: Scenario, options: RaceScenarioOptions) => Promise<RaceScenarioResult>

function auditOf({ clean, rows, leaks, livelocks, round }: RaceScenarioResult['audit']): RaceResult['audit'] {
  const of = (row: MmAuditRow) => ({
    invariant: row.invariant,
    pfn: row.where,
    field: `in round ${round}`,
    expected: BigInt(row.expected),
    found: BigInt(row.found),
    explanation: row.explanation,
  })
  const leak: MmAuditRow = { invariant: 'leak', where: 0, expected: 0, found: 1, explanation: leaks }
  const all = [...livelocks.map(livelockRow), ...rows, ...(leaks === '' ? [] : [leak])].map(of)
  return { clean, rows: all, rowsTotal: all.length, pages: 0, unknown: [], assertClean() {} } as RaceResult['audit']
}

/** A race of a scenario in the shape of one of pins, so that slices and totals are the same. */
export function opRace(
  race: ScenarioRace,
  scenario: Scenario,
  machine: Pick<RaceScenarioOptions, 'scheme' | 'layout' | 'threads'>,
): (box: RaceBox, options: RaceOptions) => Promise<RaceResult> {
  return async (_box, { seconds, seed, affinity, signal, onProgress }) => {
    const result = await race(scenario, {
      ...machine,
      ...(seconds !== undefined && { seconds }),
      ...(seed !== undefined && { seed }),
      ...(affinity !== undefined && { affinity }),
      ...(signal !== undefined && { signal }),
      ...(onProgress !== undefined && { onProgress }),
    })
    return { ...result, audit: auditOf(result.audit) } as unknown as RaceResult
  }
}
