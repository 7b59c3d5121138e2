// A shard that keeps one processor for a known amount of work.
import { createHash } from 'node:crypto'

const hashOf = (data) => createHash('sha256').update(JSON.stringify(data)).digest('hex')

export async function runShardData(request, shard) {
  let state = shard.index
  for (let round = 0; round < request.rounds; round++) state = (Math.imul(state, 1664525) + 1013904223) | 0
  return { hash: hashOf(request), shard, state, filler: 'x'.repeat(request.bytes) }
}
