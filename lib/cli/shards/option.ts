import type { Command } from 'commander'
import { UsageError } from '../failure.ts'
import { shard as parse } from '../parse.ts'
import type { Shard } from '../../shards/types.ts'

/** Options of every command that can be shared. */
export interface ShardOptions {
  shard?: Shard
}

export const addShardOption = (command: Command): Command =>
  command.option('--shard <i/n>', 'one of n parts, to be joined by pagebox merge: 3/7', parse)

/** What only the whole has. */
export function refuseWith({ shard }: ShardOptions, options: object, names: readonly string[]): void {
  if (shard === undefined) return
  const given = names.find((name) => (options as Record<string, unknown>)[name] !== undefined)
  if (given !== undefined)
    throw new UsageError(`--${given} is of the whole, and --shard runs a part of it; pagebox merge joins the parts`)
}
