import { setImmediate } from 'node:timers/promises'
import { now } from '../../base/primordials.ts'
import { abortedError, longCall, type LongCallOptions, type Progress, throwIfAborted, wasAborted } from '../poll.ts'
import type { ScenarioSettings } from '../scenario/run.ts'
import { type ConformReport, type ConformRun, ConformTally, type Mismatch } from './conform.ts'
import { readRecordings } from './read.ts'
import { runRecording } from './runRecording.ts'
import type { ConformLevel, Recording } from './types.ts'

/** How far a comparison with recordings is. `done` counts scenarios; how many there are nobody knows. */
export interface ConformProgress extends Progress {
  readonly file: string
}

export interface ConformOptions extends ScenarioSettings, LongCallOptions<ConformProgress> {
  /** How closely results are compared; 2. */
  level?: ConformLevel
  /** Scenarios whose name contains this. */
  only?: string
  /** Mismatches that are kept whole; all are counted. 1000. */
  keep?: number
  /** Called with each scenario, what it did, and where that differs. */
  onScenario?: (recording: Recording, ran: ConformRun, found: readonly Mismatch[]) => void | Promise<void>
}

/** What was compared, and whether that was all. */
export interface ConformResult extends ConformReport {
  readonly stoppedBy: 'end' | 'abort'
}

/**
 * Executes the scenarios of recordings and compares every result. Between two scenarios the event loop
 * runs. An abort resolves with what was compared; before the first scenario it rejects.
 *
 * @throws PageboxError `ERR_PAGEBOX_RECORDING` for a file that cannot be read, `ERR_PAGEBOX_ABORTED`, and
 * the errors of the settings.
 */
export async function conformFiles(files: readonly string[], options: ConformOptions = {}): Promise<ConformResult> {
  const { level = 2, only, keep = 1000, onScenario, signal, onProgress, progressIntervalMs, ...settings } = options
  const call = longCall<ConformProgress>('conform', { signal, onProgress, progressIntervalMs })
  throwIfAborted(call)
  const tally = new ConformTally(level, keep)
  const begun = now()
  let told = begun
  let done = 0
  let aborted = false
  for (const file of files) {
    for await (const recording of readRecordings(file, call.signal)) {
      aborted = wasAborted(call.signal)
      if (aborted) break
      if (only !== undefined && !recording.name.includes(only)) continue
      const ran = runRecording(recording, settings)
      await onScenario?.(recording, ran, tally.add(file, recording, ran))
      done += 1
      if (now() - told >= call.progressIntervalMs) {
        told = now()
        call.onProgress?.({ seconds: (told - begun) / 1000, done, total: null, file })
      }
      await setImmediate()
    }
    // An abort ends the reader too, while it waits.
    aborted ||= wasAborted(call.signal)
    if (aborted) break
  }
  if (aborted && done === 0) throw abortedError(call.name, call.signal)
  return { ...tally.report(), stoppedBy: aborted ? 'abort' : 'end' }
}
