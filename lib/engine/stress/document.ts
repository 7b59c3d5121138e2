import type { StressOutcome, StressPlan } from './stress.ts'

/** What is known of a run beside its result. */
export interface StressFacts {
  readonly name: string
  readonly plan: StressPlan
  readonly warnings: readonly string[]
  /** All of it was run: nobody stopped it. */
  readonly complete: boolean
  /** The command that runs the slice again that failed; '' if none did. */
  readonly repeat: string
}

/** What `stress --json` prints. */
export const stressJson = (
  { name, plan, warnings, complete, repeat }: StressFacts,
  { total, failed }: Pick<StressOutcome, 'total' | 'failed'>,
) => ({
  scenario: name,
  settings: { ...plan, seconds: Number.isFinite(plan.seconds) ? plan.seconds : null },
  complete,
  warnings,
  seconds: total.seconds,
  slices: total.slices,
  useful: total.useful,
  ops: total.byOp,
  reached: total.reached,
  audit: {
    clean: total.dirty === undefined,
    pages: total.pagesAudited,
    rowsTotal: total.dirty?.rowsTotal ?? 0,
    rows: total.dirty?.rows ?? [],
  },
  failed: failed === undefined ? null : { ...failed, repeat },
})
