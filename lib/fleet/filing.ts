import { PageboxError } from '../errors.ts'
import { newId, queueFormat } from './names.ts'
import { mostShards, type RunHeader } from './records.ts'
import type { Store } from './store.ts'
import type { Work } from './work.ts'

export interface Filing {
  /** As it was typed, to print. */
  readonly command: string
  readonly request: unknown
  readonly of: number
  readonly limitSeconds?: number
  readonly tries?: number
}

export const usualLimitSeconds = 600
/** A crash on one machine may be the machine's. */
export const usualTries = 2

/** A new run, whose shards are not yet in the queue. Gives its header. */
export async function newRun(store: Store, work: Work, filing: Filing): Promise<RunHeader> {
  const { command, of, limitSeconds = usualLimitSeconds, tries = usualTries } = filing
  if (!Number.isInteger(of) || of < 1 || of > mostShards)
    throw new PageboxError('ERR_PAGEBOX_ARG_RANGE', `a run has 1 to ${mostShards} shards`, {
      argument: 'shards',
      given: String(of),
      allowed: `1 to ${mostShards}`,
    })
  const { hash, data: request } = work.readRequest(filing.request)
  const by = { ...(await work.identity()) }
  const header = { format: queueFormat, id: newId(), command, request, hash, of, by, limitSeconds, tries } as const
  await store.connection.patience.insist(() => store.create(header))
  return header
}

/** Shards of one message: the server does nothing else meanwhile. */
const atOnce = 1000
/** While the server takes one, the next is made. */
const together = 2

/** Puts in what has neither a result nor waits already, in the order of its numbers. */
export async function fileMissing(
  store: Store,
  { id, of }: RunHeader,
  signal: AbortSignal,
  onFiled: (filed: number, of: number) => void = () => {},
): Promise<void> {
  const { insist } = store.connection.patience
  const missing = await insist(() => store.missing(id, of), signal)
  for (let at = 0; at < missing.length; at += atOnce * together) {
    const parts = Array.from({ length: together }, (_, i) => missing.slice(at + i * atOnce, at + (i + 1) * atOnce))
    await Promise.all(parts.map((part) => part.length > 0 && insist(() => store.file(id, part), signal)))
    onFiled(of - missing.length + Math.min(missing.length, at + atOnce * together), of)
  }
  const filing = (await insist(() => store.state(id), signal)) === 'filing'
  if (filing) await insist(() => store.setState(id, 'running'), signal)
}
