import { array, options as checkedOptions, string } from '../base/args.ts'
import { abortedError, longCall, longCallKeys, throwIfAborted } from '../engine/poll.ts'
import { withDefinitions } from './definitions.ts'
import { checkHere, readShardRequest, shardedOf } from './request.ts'
import { checkShard } from './shard.ts'
import type { RunShardOptions, Shard, ShardDocument, ShardProgress, ShardRequest } from './types.ts'

/**
 * One part of a long command.
 *
 * An aborted call resolves with what it has and `stoppedBy: 'abort'`; with nothing it rejects with
 * `ERR_PAGEBOX_ABORTED`.
 *
 * @throws PageboxError `ERR_PAGEBOX_SHARD` for a request that is none, was altered, or is of another version or of
 * other tables (both are named); and what the command throws
 */
export async function runShard(value: ShardRequest, which: Shard, given: RunShardOptions = {}): Promise<ShardDocument> {
  const read = checkedOptions(given, 'options', ['recordings', ...longCallKeys] as const)
  const call = longCall<ShardProgress>('runShard', read)
  const recordings = read.recordings === undefined ? [] : array(read.recordings, 'options.recordings', string)
  const request = readShardRequest(value)
  const shard = checkShard(which)
  checkHere(request)
  throwIfAborted(call)
  const begun = performance.now()
  const { onProgress } = call
  const ran = await withDefinitions(request, () =>
    shardedOf(request.command).run(request.options, shard, {
      signal: call.signal,
      progressIntervalMs: call.progressIntervalMs,
      recordings,
      onProgress:
        onProgress === undefined
          ? undefined
          : (progress) => onProgress({ ...progress, seconds: (performance.now() - begun) / 1000 }),
    }),
  )
  if (ran.stoppedBy === 'abort' && ran.done === 0) throw abortedError(call.name, call.signal)
  return {
    kind: 'pagebox-shard',
    documentVersion: 1,
    request,
    shard,
    stoppedBy: ran.stoppedBy,
    done: ran.done,
    seconds: (performance.now() - begun) / 1000,
    findings: ran.findings,
    part: ran.part,
  }
}
