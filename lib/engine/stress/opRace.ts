import type { AuditRow } from '../auditRow.ts'
import { livelockRow } from '../findingText.ts'
import type { RaceScenarioOptions, RaceScenarioResult, Scenario } from '../scenario/scenarioTypes.ts'
import type { RaceBox, RaceOptions, RaceResult } from '../raceTypes.ts'

type ScenarioRace = (scenario: Scenario, options: RaceScenarioOptions) => Promise<RaceScenarioResult>

const leakRow = (leaks: string): AuditRow => ({
  invariant: 'leak',
  place: { kind: 'nowhere' },
  pfn: -1,
  field: '',
  expected: 0n,
  found: 1n,
  explanation: leaks,
})

function auditOf({ clean, rows, leaks, livelocks, round }: RaceScenarioResult['audit']): RaceResult['audit'] {
  const all = [...livelocks.map(livelockRow), ...rows, ...(leaks === '' ? [] : [leakRow(leaks)])].map((row) => ({
    ...row,
    explanation: `in round ${round}: ${row.explanation}`,
  }))
  return { clean, rows: all, rowsTotal: all.length, pages: 0, unknown: [], assertClean() {} } as RaceResult['audit']
}

/** A race of a scenario in the shape of one of pins, so that slices and totals are the same. */
export function opRace(
  race: ScenarioRace,
  scenario: Scenario,
  machine: Pick<RaceScenarioOptions, 'scheme' | 'layout' | 'threads' | 'rules' | 'quirks'>,
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
