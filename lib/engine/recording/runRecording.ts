import { runOps, type ScenarioSettings } from '../scenario/run.ts'
import type { ConformRun } from './conform.ts'
import type { RecordedResult, Recording } from './types.ts'

/** Recordings whose kernel had huge pages on request say so by their operations. */
const asksForHugePages = ({ ops }: Recording): boolean =>
  ops.some(({ op, advice }) => op === 'madvise' && advice === 'hugepage')

/** The rules of the kernel that it was recorded on: where it names none, v6.12, as the default layout has. */
const rulesOf = ({ kernel }: Recording): { rules?: string } => (kernel === undefined ? {} : { rules: `v${kernel}` })

/**
 * Executes a recorded scenario on a fresh machine.
 *
 * @throws PageboxError as {@link runOps}.
 */
export function runRecording(recording: Recording, settings: ScenarioSettings): ConformRun {
  const hugePages = settings.hugePages ?? asksForHugePages(recording)
  const { results, unsupported, effects, audit } = runOps(
    recording.ops,
    { ...rulesOf(recording), ...settings, hugePages },
    recording.results,
  )
  return {
    // An operation that does not exist has no result; it is counted as unsupported.
    results: results.map((result): RecordedResult => result ?? {}),
    unsupported,
    effects,
    audit,
  }
}
