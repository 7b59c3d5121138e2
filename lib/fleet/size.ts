import type { Runner } from './work.ts'

/** A shard costs its worker a few milliseconds of queue; a worker that dies costs at most this, and its lock. */
export const usualShardSeconds = 10

export interface Sizing {
  /** Shards of the command, if they are as small as they can be. */
  readonly useful: number
  readonly shardSeconds: number
}

/** So few are not worth measuring. */
const fewShards = 64
/** A shard that takes as long as this says how long others take. */
const enoughSeconds = 0.5
/** Of one attempt to the next. */
const growth = 8

/** In how many shards a command is cut, where the first of `of` takes `seconds`. */
export function shardsFor(seconds: number, of: number, { useful, shardSeconds }: Sizing): number {
  return Math.min(useful, Math.max(1, Math.ceil((seconds * of) / shardSeconds)))
}

/** Tries a shard here, a larger one each time, until its length says how many there should be. */
export async function measureShards(
  runner: Runner,
  request: unknown,
  sizing: Sizing,
  signal: AbortSignal,
): Promise<number> {
  if (sizing.useful <= fewShards) return sizing.useful
  let isWarm = false
  for (let of = sizing.useful; ; of = Math.max(1, Math.floor(of / growth))) {
    // The first one loads the addon.
    if (!isWarm) await runner.run(request, { index: 1, of }, signal)
    isWarm = true
    const begun = performance.now()
    await runner.run(request, { index: 1, of }, signal)
    const seconds = (performance.now() - begun) / 1000
    if (seconds >= enoughSeconds || of === 1) return shardsFor(seconds, of, sizing)
  }
}
