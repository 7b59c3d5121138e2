// A process of a worker: it does one shard after another, so that a signal in native code ends it and not the worker.
import type { ShardModule, ToChild, ToParent } from './childTypes.ts'

const answer = (message: ToParent): void => void process.send?.(message)

/** One line, as long as a message may be. */
const said = (error: unknown): string =>
  (error instanceof Error
    ? `${error.message}${'code' in error ? ` [${String(error.code)}]` : ''}`
    : String(error)
  ).slice(0, 1500)

// The worker is gone, by a kill -9 too: nobody would take the result.
process.on('disconnect', () => process.exit(0))
// Both come to the whole group of a terminal; the worker decides.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

const { runShardData } = (await import(process.argv[2] as string)) as ShardModule
process.on('message', ({ number, request, shard }: ToChild) => {
  void Promise.resolve()
    .then(() => runShardData(request, shard))
    .then(
      (document) => answer({ number, document }),
      (error: unknown) => answer({ number, failed: said(error) }),
    )
})
answer({ ready: true })
