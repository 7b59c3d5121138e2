// What the processes of a worker run: the commands of pagebox that are installed here, and nothing that a queue brings.
import { readShardRequest, runShard } from '../shards/shards.ts'
import { withoutRequest } from './shardWork.ts'

/** Of `conform`: files that the worker's owner has, one a line. */
const recordings = (process.env.PAGEBOX_FLEET_RECORDINGS ?? '').split('\n').filter((file) => file !== '')

export async function runShardData(request: unknown, shard: { index: number; of: number }): Promise<unknown> {
  const options = recordings.length === 0 ? {} : { recordings }
  return withoutRequest(await runShard(readShardRequest(request), shard, options))
}
