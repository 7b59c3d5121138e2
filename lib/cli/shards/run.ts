import { runShard, shardRequest } from '../../index.ts'
import { joinShards } from '../../shards/merge.ts'
import type { Shard, ShardedCommand } from '../../shards/types.ts'
import type { Context } from '../commands/context.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { toJson } from '../json.ts'
import { foreign } from '../text/foreign.ts'
import { printText } from './print.ts'

/** Runs one part of a command and prints it: its document, or the same text as of the whole. */
export async function runPart(
  command: ShardedCommand,
  options: object,
  shard: Shard,
  { json, recordings = [] }: { json?: boolean | undefined; recordings?: readonly string[] },
  { io, exit }: Context,
): Promise<void> {
  const request = await shardRequest(command, options)
  if (io.take !== undefined) return io.take(request, recordings)
  const document = await runShard(request, shard, {
    signal: io.signal,
    recordings,
    onProgress: ({ done, total, what }) => {
      if (io.interactive)
        io.err(`\r\x1b[K${shard.index}/${shard.of}: ${done}${total === null ? '' : ` of ${total}`}  ${foreign(what)}`)
    },
  }).finally(() => {
    if (io.interactive) io.err('\r\x1b[K')
  })
  if (json === true) io.out(`${toJson(document)}\n`)
  else {
    io.out(`Part ${shard.index} of ${shard.of}; pagebox merge joins the --json documents of all.\n\n`)
    await printText(joinShards([document], { allowMissing: true }), io)
  }
  if (document.findings.length > 0) exit(exitCodes.finding)
  else if (io.signal.aborted) exit(exitOfAbort(io.signal))
}
