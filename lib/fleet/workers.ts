import { keys } from './names.ts'
import { readRecord, type WorkerRecord, workerRecord } from './records.ts'
import type { Store } from './store.ts'

/** A worker that was not heard of for longer is no longer there; by the clock of the queue. */
export const silentMs = 15_000
/** Such a one is no longer listed. */
const forgottenMs = 10 * 60_000

export async function tellOfWorker(store: Store, record: Omit<WorkerRecord, 'seen'>): Promise<void> {
  const seen = await store.now()
  await store.connection.redis.hset(keys.workers, record.id, JSON.stringify({ ...record, seen }))
}

export async function workerGone(store: Store, id: string): Promise<void> {
  await store.connection.redis.hdel(keys.workers, id)
}

export interface SeenWorker extends WorkerRecord {
  readonly isThere: boolean
}

/** Those that were heard of, whoever wrote them; what cannot be read is no worker. */
export async function seenWorkers(store: Store): Promise<SeenWorker[]> {
  const [found, now] = await Promise.all([store.connection.redis.hgetall(keys.workers), store.now()])
  const seen: SeenWorker[] = []
  for (const [id, text] of Object.entries(found)) {
    let record: WorkerRecord
    try {
      record = readRecord(workerRecord, text, 'a worker')
    } catch {
      continue
    }
    const age = now - record.seen
    if (record.id !== id || age > forgottenMs) await workerGone(store, id)
    else seen.push({ ...record, isThere: age <= silentMs })
  }
  return seen.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Whether somebody else could do a shard of this run now. */
export async function hasOthers(store: Store, run: string, except: ReadonlySet<string>): Promise<boolean> {
  const [workers, refused] = await Promise.all([seenWorkers(store), store.refusals(run)])
  return workers.some(({ id, isThere }) => isThere && !except.has(id) && refused[id] === undefined)
}
