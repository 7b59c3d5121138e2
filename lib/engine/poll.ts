import { badArgument } from '../base/args.ts'
import { isAborted, onAbort } from '../base/primordials.ts'

/** A run in native threads: JS asks how far it is, it never calls into JS. */
export interface Polled<Result> {
  /** True when the result can be had. */
  isDone(): boolean
  stop(): void
  /** Joins the threads. Called once. */
  result(): Result
}

/** The shortest and the longest time between two questions, in milliseconds. */
const shortestMs = 1
const longestMs = 20

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

/**
 * Waits for a run by asking, soon at first and every 20 ms later. No thread-safe function is needed,
 * so nothing of the run can outlive this environment. What `tell` throws stops the run and rejects.
 */
export async function poll<Result>(
  run: Polled<Result>,
  signal: AbortSignal | undefined,
  tell: (() => void) | undefined,
): Promise<Result> {
  const stop = (): void => run.stop()
  const forget = signal === undefined ? undefined : onAbort(signal, stop)
  if (signal !== undefined && isAborted(signal)) stop()
  try {
    let waitMs = shortestMs
    while (!run.isDone()) {
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      waitMs = Math.min(waitMs * 2, longestMs)
      tell?.()
    }
  } catch (error) {
    run.stop()
    run.result()
    throw error
  } finally {
    forget?.()
  }
  return run.result()
}
