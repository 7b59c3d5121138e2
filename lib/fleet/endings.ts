import type { Ending } from './records.ts'

/** What a run says of a shard that has no result. */
export function endingText(ending: Ending): string {
  switch (ending.kind) {
    case 'signal':
      return `ends the process (${ending.signal})`
    case 'exit':
      return `ends the process (exit code ${ending.code})`
    case 'endless':
      return `does not end within ${ending.seconds} seconds`
    case 'error':
      return `fails: ${ending.message}`
    case 'lost':
      return `ends the worker: ${ending.workers} of them were lost while they did it`
    case 'lies':
      return `gives results of something else: ${ending.message}`
  }
}

/** The same fault has the same one: numbers of shards and workers are not in it. */
export const endingSignature = (ending: Ending): string =>
  ending.kind === 'lost' ? 'ends the worker' : endingText(ending)
