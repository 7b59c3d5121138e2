import type { NativeFailure } from '../native/binding.ts'
import type { NativeExplore, NativeExploreResult, NativeRace, NativeRaceResult } from '../native/engineBinding.ts'
import { closedError, created, errnoName, isBusy, isFailure } from '../native/status.ts'
import { abortedError, type LongCall, poll, wasAborted } from './poll.ts'
import type { RaceProgress } from './raceTypes.ts'
import type { ExploreProgress } from './scenario/scenarioTypes.ts'

/** What the addon can say; a number below 0 stands for none. */
export const known = (value: number): number | null => (value < 0 ? null : value)

/** Operations after which a race ends; null: something else ends it. */
export const raceTotal = ({ ops }: { readonly ops: number }, threads: number): number | null =>
  ops === 0 ? null : ops * threads

/** Ended before it began: aborted, or its box was closed. */
function throwIfStopped({ status }: NativeFailure, { name, signal }: LongCall<never>): void {
  const stopped = errnoName(status) === 'ECANCELED'
  const waited = isBusy(status) || errnoName(status) === 'EBUSY'
  if ((stopped || waited) && wasAborted(signal)) throw abortedError(name, signal)
  if (stopped) throw closedError()
}

/** Waits for a race and takes its result. */
export async function pollRace<Result extends NativeRaceResult>(
  run: NativeRace<Result>,
  call: LongCall<RaceProgress>,
  total: number | null,
  argument: string,
  check: (found: Result | NativeFailure) => Result = (found) => created(found, argument),
): Promise<Result> {
  const progress = (): RaceProgress => {
    const { seconds, ops, rounds } = run.progress()
    return { seconds, done: ops, total, ops, rounds }
  }
  const found = await poll({ progress, isDone: () => run.progress().done, stop: run.stop, result: run.result }, call)
  if (isFailure(found)) throwIfStopped(found, call)
  const result = check(found)
  if (result.stoppedBy === 'abort' && result.rounds === 0) throw abortedError(call.name, call.signal)
  return result
}

/** Waits for an exploration and takes its result. */
export async function pollExplore(
  run: NativeExplore,
  call: LongCall<ExploreProgress>,
  total: number,
  check: (found: NativeExploreResult | NativeFailure) => NativeExploreResult,
): Promise<{ found: NativeExploreResult; aborted: boolean }> {
  const progress = (): ExploreProgress => {
    const { seconds, schedules, explored, estimate } = run.progress()
    return { seconds, done: schedules, total, explored: known(explored), estimate: known(estimate) }
  }
  const ended = await poll({ progress, isDone: () => run.progress().done, stop: run.stop, result: run.result }, call)
  if (isFailure(ended)) throwIfStopped(ended, call)
  const found = check(ended)
  const aborted = found.schedules < total && wasAborted(call.signal)
  if (aborted && found.schedules === 0) throw abortedError(call.name, call.signal)
  return { found, aborted }
}
