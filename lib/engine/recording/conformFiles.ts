import { setImmediate } from 'node:timers/promises'
import { now } from '../../base/primordials.ts'
import { integer, positive } from '../../base/args.ts'
import { abortedError, longCall, type LongCallOptions, type Progress, throwIfAborted, wasAborted } from '../poll.ts'
import type { ScenarioSettings } from '../scenario/run.ts'
import { type ConformPlaces, type ConformReport, type ConformRun, ConformTally, type Mismatch } from './conform.ts'
import { outcomesOf, type ScenarioOutcomes } from './outcomes.ts'
import { OutcomesTally, type OutcomesReport } from './outcomesReport.ts'
import { readLines } from './read.ts'
import { runRecording } from './runRecording.ts'
import { type ConcurrentRecording, type ConformLevel, isConcurrent, type Recording } from './types.ts'

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
  /** Of concurrent recordings: schedules of a scenario that is not complete before; 10 000. */
  samples?: number
  /** Of each of the up to six explorations of a scenario, at most so long; 2. What is not complete by then is told. */
  secondsEach?: number
  /** One of several parts: scenarios are dealt in turn, and counted over all files. */
  part?: { readonly index: number; readonly of: number }
  /** Called with each scenario of a concurrent recording. */
  onOutcomes?: (recording: ConcurrentRecording, found: ScenarioOutcomes) => void | Promise<void>
  /** Called with each scenario, what it did, and where that differs. */
  onScenario?: (recording: Recording, ran: ConformRun, found: readonly Mismatch[]) => void | Promise<void>
}

const defaultSamples = 10_000

const nameOf = (line: Recording | ConcurrentRecording): string => (isConcurrent(line) ? line.id : line.name)

/** What was compared, and whether that was all. */
export interface ConformResult extends ConformReport {
  readonly stoppedBy: 'end' | 'abort'
  /** Of concurrent recordings; null: there were none. */
  readonly outcomes: OutcomesReport | null
}

/** With what joins it to other parts. */
export interface ConformPart {
  readonly result: ConformResult
  readonly places: ConformPlaces & { readonly outcomes: Pick<ConformPlaces, 'files' | 'mismatches'> }
}

/**
 * Executes the scenarios of recordings and compares every result. Between two scenarios the event loop
 * runs. An abort resolves with what was compared; before the first scenario it rejects.
 *
 * @throws PageboxError `ERR_PAGEBOX_RECORDING` for a file that cannot be read, `ERR_PAGEBOX_ABORTED`, and
 * the errors of the settings.
 */
export async function conformFiles(files: readonly string[], options: ConformOptions = {}): Promise<ConformResult> {
  return (await conformPart(files, options)).result
}

/** The same, and where what it tells comes from. */
export async function conformPart(files: readonly string[], options: ConformOptions = {}): Promise<ConformPart> {
  const {
    level = 2,
    only,
    keep = 1000,
    samples,
    secondsEach = 2,
    part,
    onScenario,
    onOutcomes,
    signal,
    ...rest
  } = options
  const { onProgress, progressIntervalMs, ...settings } = rest
  const most = samples === undefined ? defaultSamples : integer(samples, 'options.samples', 4, Number.MAX_SAFE_INTEGER)
  const call = longCall<ConformProgress>('conform', { signal, onProgress, progressIntervalMs })
  throwIfAborted(call)
  const tally = new ConformTally(level, keep)
  const outcomes = new OutcomesTally(keep)
  const begun = now()
  let told = begun
  let done = 0
  let next = 0
  let aborted = false
  for (const file of files) {
    for await (const recording of readLines(file, call.signal)) {
      aborted = wasAborted(call.signal)
      if (aborted) break
      if (only !== undefined && !nameOf(recording).includes(only)) continue
      const at = next++
      if (part !== undefined && at % part.of !== part.index - 1) continue
      if (isConcurrent(recording)) {
        const found = await exploredOf(file, recording, {
          ...settings,
          samples: most,
          secondsEach: positive(secondsEach, 'options.secondsEach', 3600),
          signal: call.signal,
        })
        if (found === null) continue
        outcomes.add(file, found, at)
        await onOutcomes?.(recording, found)
      } else {
        const ran = runRecording(recording, settings)
        // Not among the arguments: they are evaluated only if somebody listens.
        const found = tally.add(file, recording, ran, at)
        await onScenario?.(recording, ran, found)
      }
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
  const result: ConformResult = { ...tally.report(), stoppedBy: aborted ? 'abort' : 'end', outcomes: outcomes.report() }
  return { result, places: { ...tally.places, outcomes: outcomes.places } }
}

/** Null: it was aborted in the middle, and says nothing of the scenario. */
async function exploredOf(
  file: string,
  recording: ConcurrentRecording,
  settings: Parameters<typeof outcomesOf>[2],
): Promise<ScenarioOutcomes | null> {
  try {
    const found = await outcomesOf(file, recording, settings)
    return wasAborted(settings.signal) && found.mismatches.length > 0 ? null : found
  } catch (error) {
    if (wasAborted(settings.signal)) return null
    throw error
  }
}
