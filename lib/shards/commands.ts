import type { Sharded } from './command.ts'
import { compareShards } from './commands/compare.ts'
import { conformShards } from './commands/conform.ts'
import { exploreShards } from './commands/explore.ts'
import { stressShards } from './commands/stress.ts'
import { zooShards } from './commands/zoo.ts'
import type { ShardedCommand } from './types.ts'

export const commands: Readonly<Record<ShardedCommand, Sharded>> = {
  compare: compareShards,
  conform: conformShards,
  explore: exploreShards,
  stress: stressShards,
  zoo: zooShards,
}
