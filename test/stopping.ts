import type { LongCallOptions, Progress } from 'pagebox'

/**
 * Options of a long call that end it when it has told `times` how far it is and has done something. A deadline
 * instead would, on a machine that is busy, come before there is a result.
 */
export function stoppedOnceBegun(
  times = 1,
): Required<Pick<LongCallOptions, 'signal' | 'progressIntervalMs'>> & { onProgress(told: Progress): void } {
  const abort = new AbortController()
  let told = 0
  return {
    signal: abort.signal,
    progressIntervalMs: 1,
    onProgress: ({ done }) => {
      if (++told >= times && done > 0) abort.abort()
    },
  }
}
