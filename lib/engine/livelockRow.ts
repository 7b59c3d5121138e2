import type { AuditPlace, AuditRow } from './auditRow.ts'
import type { Livelock } from './scenario/scenarioTypes.ts'

/** An operation that gave up, as a row of the audit. */
export function livelockRow({ op, waitsFor, page, expected = 0, found = 0, thread }: Livelock): AuditRow {
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
