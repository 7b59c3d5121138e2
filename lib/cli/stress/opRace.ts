import type { AuditPlace, AuditRow } from '../../engine/auditRow.ts'
import type {
  Livelock,
  RaceScenarioOptions,
  RaceScenarioResult,
  Scenario,
} from '../../engine/scenario/scenarioTypes.ts'
import type { RaceBox, RaceOptions, RaceResult } from '../../engine/raceTypes.ts'

type ScenarioRace = (scenario: Scenario, options: RaceScenarioOptions) => Promise<RaceScenarioResult>

/** An operation that gave up, as a row of the audit. */
function livelockRow({ op, waitsFor, page, expected = 0, found = 0, thread }: Livelock): AuditRow {
  const who = thread === null ? '' : `thread ${thread}: `
  const explanation = `${who}${op ?? 'the end of the round'} waited in vain for ${waitsFor}`
  const place: AuditPlace = page === null ? { kind: 'nowhere' } : { kind: 'page', pfn: page }
  return {
    invariant: 'livelock',
    place,
    pfn: page ?? -1,
    field: '',
    expected: BigInt(expected),
    found: BigInt(found),
    explanation,
  }
}

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
