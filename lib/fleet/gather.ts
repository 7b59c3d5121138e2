import { PageboxError } from '../errors.ts'
import type { ResultRecord, RunHeader } from './records.ts'
import type { Store } from './store.ts'
import type { Work, WorkDocument } from './work.ts'

/** A result that is none of this run's. */
export interface Lie {
  /** The name that it stands under. */
  readonly name: string
  /** Undefined: there is no such shard. */
  readonly shard: number | undefined
  readonly worker: string | undefined
  readonly why: string
}

function whyNot(work: Work, header: RunHeader, shard: number, { document }: ResultRecord): WorkDocument | string {
  let read: WorkDocument
  try {
    read = work.readDocument(document, header.request)
  } catch (error) {
    if (!(error instanceof PageboxError)) throw error
    return error.message
  }
  const { shard: said, hash } = read
  if (hash !== header.hash) return `it is of another command (${hash}, this run has ${header.hash})`
  if (said.index !== shard || said.of !== header.of)
    return `it says that it is shard ${said.index}/${said.of}, and stands for ${shard}/${header.of}`
  return read
}

/** All results of a run by their numbers, each held against what it stands for. */
export async function gather(
  store: Store,
  work: Work,
  header: RunHeader,
): Promise<{ documents: WorkDocument[]; lies: Lie[] }> {
  const found = new Map<number, WorkDocument>()
  const lies: Lie[] = []
  for await (const { shard: name, record } of store.results(header.id)) {
    const shard = /^[1-9]\d{0,6}$/.test(name) ? Number(name) : 0
    if (shard < 1 || shard > header.of) {
      lies.push({ name, shard: undefined, worker: undefined, why: `there is no shard ${name} of ${header.of}` })
      continue
    }
    // A scan may give one twice.
    if (found.has(shard)) continue
    const read = record instanceof PageboxError ? record.message : whyNot(work, header, shard, record)
    if (typeof read !== 'string') found.set(shard, read)
    else if (!lies.some((lie) => lie.shard === shard))
      lies.push({ name, shard, worker: record instanceof PageboxError ? undefined : record.worker, why: read })
  }
  const documents = [...found].sort(([a], [b]) => a - b).map(([, document]) => document)
  return { documents, lies }
}
