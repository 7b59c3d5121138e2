import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { z } from 'zod'
import { PageboxError } from '../errors.ts'
import { queueFormat } from './names.ts'

// What stands in a queue. Others can write there: everything is checked, nothing is believed, and all of it is short.

export const mostShards = 1_000_000

const word = z.string().min(1).max(200)
const shard = z.int().min(1).max(mostShards)

export const runHeader = z.strictObject({
  format: z.literal(queueFormat),
  id: z.string().regex(/^[a-z0-9]{4,16}$/),
  /** As it was typed, to print. */
  command: z.string().min(1).max(8192),
  request: z.unknown(),
  hash: word,
  of: shard,
  by: z.record(z.string().max(40), word),
  /** Longer than this a shard does not end. */
  limitSeconds: z.number().min(0.01).max(86_400),
  /** Processes that may end in a shard before it is set aside. */
  tries: z.int().min(1).max(100),
})
export type RunHeader = z.infer<typeof runHeader>

export const runStates = ['filing', 'running', 'done', 'cancelled'] as const
export type RunState = (typeof runStates)[number]
export const runState = z.enum(runStates)

/** Numbers count from 1, as in `--shard`. */
export const jobData = z.strictObject({ shard })

/** Why there is no result. */
export const ending = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('signal'), signal: z.string().regex(/^SIG[A-Z0-9]{1,12}$/) }),
  z.strictObject({ kind: z.literal('exit'), code: z.int() }),
  z.strictObject({ kind: z.literal('endless'), seconds: z.number() }),
  z.strictObject({ kind: z.literal('error'), message: z.string().max(2000) }),
  z.strictObject({ kind: z.literal('lost'), workers: z.int() }),
  z.strictObject({ kind: z.literal('lies'), message: z.string().max(2000) }),
])
export type Ending = z.infer<typeof ending>

export const loss = z.strictObject({ worker: word, ending })
export const losses = z.array(loss).max(200)
export type Loss = z.infer<typeof loss>

export const asideRecord = z.strictObject({ shard, losses, repeat: z.string().max(8192) })
export type AsideRecord = z.infer<typeof asideRecord>

export const findingRecord = z.strictObject({
  shard,
  signature: z.string().max(2000),
  text: z.string().max(8192),
  repeat: z.string().max(65_536).optional(),
})
export type FindingRecord = z.infer<typeof findingRecord>

export const workerRecord = z.strictObject({
  id: word,
  host: z.string().max(255),
  pid: z.int().min(0),
  cores: z.int().min(1).max(4096),
  by: z.record(z.string().max(40), word),
  /** Shards that it does now: run and number. */
  doing: z.array(z.strictObject({ run: word, shard })).max(4096),
  done: z.int().min(0),
  /** Milliseconds of the queue's clock. */
  seen: z.number(),
})
export type WorkerRecord = z.infer<typeof workerRecord>

const resultRecord = z.strictObject({ worker: word, document: z.unknown() })
export type ResultRecord = z.infer<typeof resultRecord>

/** Packed; more is a log, which stays with the worker. */
export const mostResultBytes = 256 * 1024
const mostPlainBytes = 16 * 1024 * 1024

export const packResult = (record: ResultRecord): Buffer => deflateRawSync(Buffer.from(JSON.stringify(record)))

const damaged = (what: string, why: string): PageboxError =>
  new PageboxError('ERR_PAGEBOX_QUEUE', `${what} in the queue is damaged: ${why}`, { argument: what })

export const firstIssue = (error: z.ZodError): string => {
  const [issue] = error.issues
  return issue === undefined ? 'it is of no known shape' : `${issue.path.join('.') || 'it'}: ${issue.message}`
}

/** Throws `ERR_PAGEBOX_QUEUE` that names `what`. */
export function readRecord<Value>(schema: z.ZodType<Value>, text: string | null | undefined, what: string): Value {
  if (text === null || text === undefined) throw damaged(what, 'it is missing')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged(what, 'it is no JSON')
  }
  const read = schema.safeParse(value)
  if (!read.success) throw damaged(what, firstIssue(read.error))
  return read.data
}

export function unpackResult(packed: Buffer, what: string): ResultRecord {
  if (packed.length > mostResultBytes) throw damaged(what, `${packed.length} bytes are too many`)
  let text: string
  try {
    text = inflateRawSync(packed, { maxOutputLength: mostPlainBytes }).toString()
  } catch {
    throw damaged(what, 'it cannot be unpacked')
  }
  return readRecord(resultRecord, text, what)
}
