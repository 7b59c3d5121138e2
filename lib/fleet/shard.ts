import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from 'bullmq'
import { PageboxError } from '../errors.ts'
import { ShardEnded } from './child.ts'
import { endingText } from './endings.ts'
import { keepLock } from './lock.ts'
import { jobName } from './names.ts'
import { type Ending, firstIssue, jobData, type RunHeader } from './records.ts'
import type { Store } from './store.ts'
import type { Runner, Work, WorkDocument } from './work.ts'
import { hasOthers } from './workers.ts'

export interface ShardDesk {
  readonly header: RunHeader
  readonly lockMs: number
}

export interface ShardTask {
  readonly store: Store
  readonly work: Work
  readonly runner: Runner
  readonly desk: ShardDesk
  readonly job: Job
  readonly token: string
  /** Of the worker. */
  readonly worker: string
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** Workers that may be lost with a shard: machines end for other reasons too. */
const mostLostWorkers = 10
/** For others to take what they have not tried yet. */
const othersFirstMs = 500

/** A shard that this worker's own process gives back must be the one that was asked for. */
function checked({ work, desk }: ShardTask, shard: number, data: unknown): WorkDocument {
  const { hash, of, request } = desk.header
  const document = work.readDocument(data, request)
  const { shard: said } = document
  if (document.hash !== hash || said.index !== shard || said.of !== of)
    throw new PageboxError('ERR_PAGEBOX_QUEUE', `it is of shard ${said.index}/${said.of} of ${document.hash}`)
  return document
}

/** Out of the queue. What fails here is done again by somebody, and counts once. */
const acknowledge = async ({ store, job, token, signal }: ShardTask): Promise<void> => {
  try {
    await store.connection.patience.insist(() => job.moveToCompleted(0, token, false), signal)
  } catch {
    // The lock was lost, or the run taken out of the queue.
  }
}

async function refuseJob({ store, job, token, desk, say }: ShardTask, why: string): Promise<void> {
  say(`run ${desk.header.id}: a foreign job '${job.name}' (${job.id}) is refused: ${why}`)
  const { UnrecoverableError } = store.connection.bullmq
  try {
    await store.connection.patience.insist(() =>
      job.moveToFailed(new UnrecoverableError(why.slice(0, 500)), token, false),
    )
  } catch {
    // As above.
  }
}

function shardOf({ job, desk }: ShardTask): number | string {
  if (job.name !== jobName) return `allowed are jobs named '${jobName}'`
  const read = jobData.safeParse(job.data)
  if (!read.success) return firstIssue(read.error)
  const { shard } = read.data
  return shard <= desk.header.of ? shard : `shard ${shard} of ${desk.header.of}`
}

/** Notes an end without a result; elsewhere, or aside where enough has ended in it. */
async function ended(task: ShardTask, shard: number, ending: Ending): Promise<void> {
  const { store, desk, worker, say, signal } = task
  const { id, tries, command, of } = desk.header
  const { insist } = store.connection.patience
  const all = await insist(() => store.noteLoss(id, shard, { worker, ending }), signal)
  say(`run ${id}, shard ${shard}/${of}: ${endingText(ending)}`)
  if (all.length >= tries || ending.kind === 'lost') {
    const repeat = task.work.repeat(command, shard, of)
    await insist(() => store.setAside(id, { shard, losses: all, repeat }), signal)
    say(`run ${id}, shard ${shard}/${of} is set aside; to repeat it: ${repeat}`)
  } else await insist(() => store.fileAgain(id, shard, all.length), signal)
  await acknowledge(task)
}

/** Whether it is somebody else's turn: this worker has tried, and others are there that have not. */
async function othersFirst(task: ShardTask, shard: number): Promise<boolean> {
  const { store, desk, worker } = task
  const { id } = desk.header
  const { insist } = store.connection.patience
  const before = await insist(() => store.losses(id, shard))
  const tried = new Set(before.map((each) => each.worker))
  if (!tried.has(worker)) return false
  tried.add(worker)
  if (!(await insist(() => hasOthers(store, id, tried)))) return false
  await insist(() => store.fileAgain(id, shard, before.length + 1 + Math.floor(Math.random() * 1e9)))
  await acknowledge(task)
  await sleep(othersFirstMs)
  return true
}

async function giveBack({ job, token }: ShardTask): Promise<void> {
  try {
    await Promise.race([job.moveToWait(token), sleep(1000, undefined, { ref: false })])
  } catch {
    // Its lock ends by itself. The run may be gone, too.
  }
}

/** The result, before the shard leaves the queue. */
async function keep(task: ShardTask, shard: number, document: WorkDocument): Promise<boolean> {
  const { store, work, desk, worker, signal } = task
  const { id } = desk.header
  const findings = work.findings(document).map(({ signature, text, repeat }) => ({
    shard,
    signature: signature.slice(0, 2000),
    text: text.slice(0, 8192),
    ...(repeat !== undefined && repeat.length <= 65_536 && { repeat }),
  }))
  const record = { worker, document: document.data }
  try {
    const isFirst = await store.connection.patience.insist(() => store.storeResult(id, shard, record, findings), signal)
    await acknowledge(task)
    return isFirst
  } catch (error) {
    if (!(error instanceof PageboxError)) throw error
    await ended(task, shard, { kind: 'error', message: error.message.slice(0, 2000) })
    return false
  }
}

/** Whether it is stored by this one. */
async function done(task: ShardTask): Promise<boolean> {
  const { store, runner, desk, job, signal } = task
  const { id, request, of } = desk.header
  const { insist } = store.connection.patience
  const shard = shardOf(task)
  if (typeof shard === 'string') {
    await refuseJob(task, shard)
    return false
  }
  if (await insist(() => store.isDecided(id, shard), signal)) {
    await acknowledge(task)
    return false
  }
  if (job.stalledCounter >= mostLostWorkers) {
    await ended(task, shard, { kind: 'lost', workers: job.stalledCounter })
    return false
  }
  if (await othersFirst(task, shard)) return false
  let document: WorkDocument
  try {
    document = checked(task, shard, await runner.run(request, { index: shard, of }, signal))
  } catch (error) {
    if (signal.aborted) throw error
    if (error instanceof ShardEnded) {
      if (error.log.trim() !== '') task.say(`run ${id}, shard ${shard}/${of} wrote: ${error.log.trim().slice(-1000)}`)
      await ended(task, shard, error.ending)
    } else await ended(task, shard, { kind: 'lies', message: (error as Error).message.slice(0, 2000) })
    return false
  }
  return keep(task, shard, document)
}

/** Does what was taken; true where its result is stored. Where it is stopped, the shard goes back. */
export async function doShard(task: ShardTask): Promise<boolean> {
  const stopKeeping = keepLock(task.job, task.token, task.desk.lockMs)
  try {
    return await done(task)
  } catch (error) {
    if (!task.signal.aborted) throw error
    await giveBack(task)
    return false
  } finally {
    stopKeeping()
  }
}
