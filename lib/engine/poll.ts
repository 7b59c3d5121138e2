import { badArgument, callback, integer } from '../base/args.ts'
import { abortReason, isAborted, now, onAbort } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'

/** How far a long call is; the same of all of them, with more that only some have. */
export interface Progress {
  /** Since the call. */
  readonly seconds: number
  /** Operations, schedules or steps so far, whatever the call counts. */
  readonly done: number
  /** How many it will be; null: something else ends it. */
  readonly total: number | null
}

/** What every long call takes. */
export interface LongCallOptions<Told extends Progress = Progress> {
  /**
   * Ends the call early: it resolves with what it has and `stoppedBy: 'abort'`. A call that has nothing
   * to give rejects with `ERR_PAGEBOX_ABORTED`; one whose signal is aborted already begins nothing.
   */
  signal?: AbortSignal
  /** What it throws ends the call, which rejects with it. */
  onProgress?: (progress: Told) => void
  /** Milliseconds between two calls of `onProgress`; 100 by default. */
  progressIntervalMs?: number
}

export const longCallKeys = ['signal', 'onProgress', 'progressIntervalMs'] as const

/** The options of a long call, checked. */
export interface LongCall<Told extends Progress> {
  readonly name: string
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: Told) => void) | undefined
  readonly progressIntervalMs: number
}

/** The signal that an option holds, checked. */
export function signalOf(value: unknown, argument: string): AbortSignal | undefined {
  if (value === undefined) return undefined
  try {
    isAborted(value as AbortSignal)
    return value as AbortSignal
  } catch {
    throw badArgument('ERR_PAGEBOX_ARG_TYPE', argument, value, 'an AbortSignal')
  }
}

export function longCall<Told extends Progress>(
  name: string,
  given: { readonly [Key in (typeof longCallKeys)[number]]: unknown },
): LongCall<Told> {
  return {
    name,
    signal: signalOf(given.signal, 'options.signal'),
    onProgress:
      given.onProgress === undefined
        ? undefined
        : callback<(progress: Told) => void>(given.onProgress, 'options.onProgress'),
    progressIntervalMs:
      given.progressIntervalMs === undefined
        ? 100
        : integer(given.progressIntervalMs, 'options.progressIntervalMs', 1, 3_600_000),
  }
}

/** The error of a call that was aborted and has nothing to give. */
export function abortedError(call: string, signal: AbortSignal | undefined): PageboxError {
  return new PageboxError('ERR_PAGEBOX_ABORTED', `${call}: aborted before there was a result`, {
    argument: 'options.signal',
    given: 'an aborted signal',
    allowed: 'a signal that aborts later, or none',
    cause: signal === undefined ? undefined : abortReason(signal),
  })
}

export const wasAborted = (signal: AbortSignal | undefined): boolean => signal !== undefined && isAborted(signal)

/** To be asked when the arguments are checked and nothing is begun. */
export function throwIfAborted({ name, signal }: Pick<LongCall<never>, 'name' | 'signal'>): void {
  if (wasAborted(signal)) throw abortedError(name, signal)
}

/** A run in native threads: JS asks how far it is, it never calls into JS. */
export interface Polled<Told extends Progress, Result> {
  progress(): Told
  /** True when the result can be had. */
  isDone(): boolean
  stop(): void
  /** Joins the threads. Called once. */
  result(): Result
}

/** The shortest and the longest time between two questions, in milliseconds. */
const shortestMs = 1
const longestMs = 20

/**
 * Waits for a run by asking, soon at first and every 20 ms later. No thread-safe function is needed,
 * so nothing of the run can outlive this environment. What `onProgress` throws stops the run and rejects.
 */
export async function poll<Told extends Progress, Result>(
  run: Polled<Told, Result>,
  { signal, onProgress, progressIntervalMs }: LongCall<Told>,
): Promise<Result> {
  const forget = signal === undefined ? undefined : onAbort(signal, () => run.stop())
  if (wasAborted(signal)) run.stop()
  let told = now()
  let failure: { error: unknown } | undefined
  for (let waitMs = shortestMs; !run.isDone(); waitMs = Math.min(waitMs * 2, longestMs)) {
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    if (failure !== undefined || onProgress === undefined || now() - told < progressIntervalMs) continue
    told = now()
    try {
      onProgress(run.progress())
    } catch (error) {
      // Its threads are waited for without holding up the event loop.
      failure = { error }
      run.stop()
    }
  }
  forget?.()
  const result = run.result()
  if (failure !== undefined) throw failure.error
  return result
}
