import type { Command } from 'commander'
import { type ShardRequest, shardedCommands } from '../../shards/types.ts'
import { UsageError } from '../failure.ts'
import type { Context } from '../commands/context.ts'
import type { Io } from '../io.ts'

/** All commands, made once more: they are given from above. */
export type MakeProgram = (context: Context) => Command

export interface Asked {
  readonly request: ShardRequest
  /** Files of this machine; those of the workers are their owners'. */
  readonly recordings: readonly string[]
}

/** A command line as data: what it would run with `--shard`. Throws as the command itself. */
export async function requestOf(args: readonly string[], io: Io, make: MakeProgram): Promise<Asked> {
  const [name = '', ...options] = args
  if (!shardedCommands.some((each) => each === name))
    throw new UsageError(`${JSON.stringify(name)} cannot be shared; a fleet runs ${shardedCommands.join(', ')}`)
  if (options.some((each) => each === '--shard' || each.startsWith('--shard=')))
    throw new UsageError('--shard is for one machine; a fleet cuts by itself, in --shards N before the command')
  let taken: Asked | undefined
  const program = make({
    io: {
      ...io,
      out() {},
      take(request, recordings) {
        taken = { request, recordings }
      },
    },
    exit() {},
  })
  await program.parseAsync([name, '--shard', '1/1', ...options], { from: 'user' })
  if (taken === undefined) throw new UsageError(`this of ${name} has no shards: pagebox ${args.join(' ')}`)
  return taken
}
