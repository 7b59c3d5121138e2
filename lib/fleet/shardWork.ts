import { PageboxError } from '../errors.ts'
import { addonBuild } from '../native/buildId.ts'
import { mergeShards, readShardDocument, readShardRequest, shardRequest } from '../shards/shards.ts'
import type { ShardDocument, ShardFinding, ShardRequest } from '../shards/types.ts'
import type { Identity, Work, WorkFinding } from './work.ts'

/** A document without its request, which is the same for all of a run: its hash stands there. */
export const withoutRequest = ({ request, ...document }: ShardDocument): unknown => ({
  ...document,
  request: request.hash,
})

function withRequest(data: unknown, request: unknown): unknown {
  const hash = (request as Partial<ShardRequest> | null)?.hash
  if (typeof data !== 'object' || data === null || !('request' in data)) return data
  if (typeof data.request !== 'string') return data
  if (data.request === hash) return { ...data, request }
  throw new PageboxError('ERR_PAGEBOX_SHARD', `it is of another command (${data.request.slice(0, 64)}, not ${hash})`)
}

const findingOf = ({ signature, text, token }: ShardFinding): WorkFinding => ({
  signature,
  text,
  repeat: token === null ? undefined : `pagebox replay ${token}`,
})

/** Of this process: what must be the same wherever shards of one run are done. */
export async function identityHere(): Promise<Identity> {
  const { pagebox, tables } = await shardRequest('zoo', {})
  return { pagebox, tables: tables.slice(0, 16), addon: addonBuild() }
}

/** The long commands of pagebox. */
export const shardWork: Work = {
  identity: identityHere,
  readRequest(data) {
    const request = readShardRequest(data)
    return { hash: request.hash, data: request }
  },
  readDocument(data, request) {
    const document = readShardDocument(withRequest(data, request))
    if (document.stoppedBy !== 'end')
      throw new PageboxError('ERR_PAGEBOX_SHARD', 'it was stopped before its end, and is not the whole shard')
    return { shard: document.shard, hash: document.request.hash, data: document }
  },
  findings: ({ data }) => (data as ShardDocument).findings.map(findingOf),
  merge(documents, isWhole) {
    if (documents.length === 0) return { findings: [], document: null, seconds: 0, done: 0 }
    const all = documents.map(({ data }) => data as ShardDocument)
    const merged = mergeShards(all, { allowMissing: !isWhole })
    const { document, seconds, done } = merged
    return { findings: merged.findings.map(findingOf), document, seconds, done }
  },
  repeat: (command, index, of) => `${command} --shard ${index}/${of}`,
}
