import { resolve } from 'node:path'
import type { Context } from '../commands/context.ts'
import { exitOfAbort } from '../exit.ts'
import { type QueueOptions, teller, withQueue } from './options.ts'
import { ownRunner } from './runner.ts'

export interface WorkCommandOptions extends QueueOptions {
  cores?: number
  untilIdle?: boolean
  recordings?: string[]
}

/** A worker, until a signal. */
export async function fleetWork(options: WorkCommandOptions, { io, exit }: Context): Promise<void> {
  const { availableParallelism } = await import('node:os')
  const { FleetWorker } = await import('../../fleet/worker.ts')
  const { shardWork } = await import('../../fleet/shardWork.ts')
  const say = teller(io)
  const { cores = availableParallelism(), untilIdle = false, recordings = [] } = options
  await withQueue(options, io, say, async (store) => {
    const runner = ownRunner(recordings.map((file) => resolve(file)))
    const worker = new FleetWorker({ store, work: shardWork, cores, runner, signal: io.signal, say, untilIdle })
    say(`worker ${worker.id}: ${cores} core${cores === 1 ? '' : 's'}, queue ${store.connection.shown}`)
    const done = await worker.run()
    say(`worker ${worker.id}: ${done.toLocaleString('en')} shards done`)
  })
  if (io.signal.aborted) exit(exitOfAbort(io.signal))
}
