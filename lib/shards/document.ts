import { z } from 'zod'
import { string } from '../base/args.ts'
import { shardFault } from './fault.ts'
import { issueText, readShardRequest, shardedOf } from './request.ts'
import { checkShard } from './shard.ts'
import { count, seconds } from './shapes/common.ts'
import type { JsonObject, ShardDocument } from './types.ts'

const text = z.string().max(100_000)

/** The part and the request are checked by themselves. */
export const documentShape = z.strictObject({
  kind: z.literal('pagebox-shard'),
  documentVersion: z.literal(1),
  request: z.unknown(),
  shard: z.strictObject({ index: count, of: count }),
  stoppedBy: z.enum(['end', 'abort']),
  done: count,
  seconds,
  findings: z
    .array(z.strictObject({ signature: text, text, token: z.string().max(4_000_000).nullable() }))
    .max(100_000),
  part: z.record(z.string(), z.json()),
})

/**
 * Checks every field of a foreign document, and whether its part can be that shard's.
 *
 * @throws PageboxError `ERR_PAGEBOX_SHARD`
 */
export function readShardDocument(value: unknown, name = 'document'): ShardDocument {
  string(name, 'name')
  const fault = (what: string): Error =>
    shardFault(name, value, what, 'a document as a command with --shard I/N --json prints it is allowed')
  const parsed = documentShape.safeParse(value)
  if (!parsed.success) throw fault(issueText(parsed.error))
  const request = readShardRequest(parsed.data.request, `${name}: request`)
  const document = { ...parsed.data, request, shard: checkShard(parsed.data.shard) } as ShardDocument
  const sharded = shardedOf(request.command)
  let lie: string | undefined
  try {
    sharded.readPart(document.part)
    lie = sharded.lie(request.options, document.shard, document.part as JsonObject)
  } catch (error) {
    throw fault(`part: ${issueText(error)}`)
  }
  if (lie !== undefined) {
    const { index, of } = document.shard
    throw fault(`it cannot be shard ${index}/${of}: ${lie}`)
  }
  return document
}
