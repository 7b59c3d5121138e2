import type { Context } from '../commands/context.ts'
import { toJson } from '../json.ts'
import { foreign } from '../text/foreign.ts'
import { findingsText, runsText, workersText } from '../text/fleet.ts'
import { wrap } from '../text/table.ts'
import { statusDocument } from './document.ts'
import { type QueueOptions, teller, withQueue } from './options.ts'

export interface StatusOptions extends QueueOptions {
  json?: boolean
}

/** All runs and workers, or one run. */
export async function fleetStatus(id: string | undefined, options: StatusOptions, { io }: Context): Promise<void> {
  await withQueue(options, io, teller(io), async (store) => {
    const { allRuns, grouped, summaryOf } = await import('../../fleet/summary.ts')
    const { seenWorkers } = await import('../../fleet/workers.ts')
    const { insist } = store.connection.patience
    const runs = await insist(async () => (id === undefined ? allRuns(store) : [await summaryOf(store, id)]), io.signal)
    const workers = await insist(() => seenWorkers(store), io.signal)
    if (options.json === true) {
      io.out(`${toJson(statusDocument(runs, workers))}\n`)
      return
    }
    io.out(`${runsText(runs, io)}\n${workersText(workers, io)}`)
    for (const run of runs) {
      if ('why' in run) continue
      for (const [worker, why] of Object.entries(run.refusals))
        io.out(`\n${wrap(`${foreign(worker)} does not do ${run.header.id}: ${foreign(why)}`, io.columns)}\n`)
    }
    if (id === undefined) return
    const findings = grouped(await insist(() => store.findings(id), io.signal))
    if (findings.length > 0) io.out(`\n${findingsText(findings, io)}\n`)
  })
}

export interface CancelOptions extends QueueOptions {
  forget?: boolean
}

/** Takes what waits out of the queue; with `forget` the results too. */
export async function fleetCancel(id: string, options: CancelOptions, { io }: Context): Promise<void> {
  await withQueue(options, io, teller(io), async (store) => {
    const { insist } = store.connection.patience
    const { PageboxError } = await import('../../errors.ts')
    let state: string
    try {
      ;({ state } = await insist(() => store.run(id), io.signal))
    } catch (error) {
      // What is damaged can be forgotten, and nothing else.
      const isDamaged = error instanceof PageboxError && error.code === 'ERR_PAGEBOX_QUEUE'
      if (!isDamaged || options.forget !== true) throw error
      state = 'damaged'
    }
    if (state === 'filing' || state === 'running') await insist(() => store.setState(id, 'cancelled'), io.signal)
    if (options.forget !== true) await insist(() => store.obliterate(id), io.signal)
    else {
      await insist(() => store.forget(id), io.signal)
      io.out(`run ${id} is forgotten\n`)
      return
    }
    if (state === 'done') io.out(`run ${id} was done before; --forget takes its results out of the queue\n`)
    else io.out(`run ${id} is cancelled; what was done stays: pagebox fleet report ${id}\n`)
  })
}
