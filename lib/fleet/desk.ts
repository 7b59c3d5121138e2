import type { Job, Worker } from 'bullmq'
import { PageboxError } from '../errors.ts'
import { bullPrefix } from './names.ts'
import type { RunHeader } from './records.ts'
import type { Store } from './store.ts'
import { differenceOf, type Identity, type Work } from './work.ts'

/** A run that this worker does, or why it does not. */
export type Desk =
  | { readonly kind: 'open'; readonly header: RunHeader; readonly bull: Worker; close(): Promise<void> }
  | { readonly kind: 'refused'; readonly why: string }

export interface DeskOptions {
  readonly store: Store
  readonly work: Work
  readonly here: Identity
  readonly worker: string
  readonly lockMs: number
  readonly stalledMs: number
}

/** Lost workers do not fail a shard here: pagebox counts them itself, and sets it aside with a command. */
const neverFail = 1_000_000_000

function whyNot({ work, here }: DeskOptions, header: RunHeader): string | undefined {
  const difference = differenceOf(header.by, here)
  if (difference !== undefined) return `it is of another pagebox: ${difference}`
  try {
    const { hash } = work.readRequest(header.request)
    return hash === header.hash ? undefined : `its command has hash ${hash}, and says ${header.hash}`
  } catch (error) {
    if (!(error instanceof PageboxError)) throw error
    return `its command cannot be read: ${error.message}`
  }
}

/** Checks all that a run says of itself, and begins to take its shards. */
export async function openDesk(options: DeskOptions, id: string): Promise<Desk> {
  const { store, worker, lockMs, stalledMs } = options
  let header: RunHeader
  try {
    header = (await store.run(id)).header
  } catch (error) {
    if (!(error instanceof PageboxError)) throw error
    return { kind: 'refused', why: error.message }
  }
  const why = (await store.isRefused(id, worker)) ?? whyNot(options, header)
  if (why !== undefined) return { kind: 'refused', why }
  const bull = new store.connection.bullmq.Worker(id, null, {
    connection: store.connection.redis,
    prefix: bullPrefix,
    skipVersionCheck: true,
    autorun: false,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    maxStalledCount: neverFail,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 1000 },
  })
  // The connection tells of itself, and what fails is tried again.
  bull.on('error', () => {})
  void bull.startStalledCheckTimer()
  return { kind: 'open', header, bull, close: () => bull.close(true).catch(() => {}) }
}

/** The next shard, locked for `token`; undefined: none waits. */
export const takeFrom = (bull: Worker, token: string): Promise<Job | undefined> =>
  bull.getNextJob(token, { block: false }) as Promise<Job | undefined>
