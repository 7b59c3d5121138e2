import type { StressDocument } from '../../report/stress.ts'
import { rowText } from '../../engine/auditRow.ts'
import type { StressOutcome, StressPlan } from '../../engine/stress/stress.ts'

/** What the page of a run is drawn from. */
export function stressDocument(
  name: string,
  plan: StressPlan,
  { total, series, failed }: StressOutcome,
  command: string,
): StressDocument {
  const row = total.dirty?.rows[0]
  const useful = total.useful === null ? '' : `, ${(100 * total.useful).toFixed(1)} % of them of use`
  const did = `${total.ops.toLocaleString('en')} operations in ${total.seconds.toFixed(1)} s${useful}.`
  const verdict =
    failed === undefined
      ? `Every audit was clean: ${did}`
      : `Not clean, in the slice of seed ${failed.seed}${row === undefined ? '' : `: ${rowText(row)}`}. ${did}`
  let before = 0
  const stretches = series.points.map((point) => {
    const length = point.seconds - before
    before = point.seconds
    return {
      seconds: point.seconds,
      length: Math.max(length, 1e-9),
      residentBytes: point.residentBytes,
      ops: point.total.byOp,
    }
  })
  return {
    title: name,
    command,
    verdict,
    clean: failed === undefined,
    facts: [
      ['scheme', plan.box.scheme === undefined ? '' : String(plan.box.scheme)],
      ['layout', plan.box.layout === undefined ? '' : String(plan.box.layout)],
      ['threads', String(plan.threads)],
      ['seed', String(plan.seed)],
      ['slices', String(total.slices)],
    ],
    stretches,
    total: total.byOp,
    reached: total.reached,
  }
}
