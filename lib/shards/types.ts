import type { LongCallOptions, Progress } from '../engine/poll.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** One part of a long command. All parts together are the whole, exactly. */
export interface Shard {
  /** From 1. */
  readonly index: number
  /** 1 to {@link mostShards}. */
  readonly of: number
}

/** The commands that can be shared among machines. */
export const shardedCommands = ['explore', 'stress', 'zoo', 'conform', 'compare'] as const
export type ShardedCommand = (typeof shardedCommands)[number]

/** So many parts at most, of any command. */
export const mostShards = 1_000_000

/**
 * A long command as data: everything that it needs travels in it (schemes, layouts and scenarios as they
 * were declared), no paths and no code. It is the same for all of its shards, and can be kept as JSON.
 */
export interface ShardRequest {
  readonly kind: 'pagebox-shard-request'
  readonly command: ShardedCommand
  /** Version of pagebox. */
  readonly pagebox: string
  /** Of what the addon has: its tables of operations, rules, quirks, schemes, layouts and strategies. */
  readonly tables: string
  /** Checked and complete; what was left out is what it is otherwise. */
  readonly options: JsonObject
  /** Own schemes and layouts that the options name, as they were declared. */
  readonly definitions: { readonly schemes: readonly JsonObject[]; readonly layouts: readonly JsonObject[] }
  /** SHA-256 of all the others, as hexadecimal text. */
  readonly hash: string
}

/** Something that did not come out clean. Of one signature is the same fault. */
export interface ShardFinding {
  readonly signature: string
  /** A line for people. */
  readonly text: string
  /** What repeats it (`pagebox replay TOKEN`); null: the document says how. */
  readonly token: string | null
}

/** How far a shard is. `done` and `total` count what its command counts. */
export interface ShardProgress extends Progress {
  /** What is being done, for people. */
  readonly what: string
}

export interface RunShardOptions extends LongCallOptions<ShardProgress> {
  /** Of `conform`: where the recordings are here, files in any order; each is known by its SHA-256. */
  recordings?: readonly string[]
}

/** What one shard found, as data: small, and all that a merge needs. */
export interface ShardDocument {
  readonly kind: 'pagebox-shard'
  readonly documentVersion: 1
  readonly request: ShardRequest
  readonly shard: Shard
  /** `'abort'`: it was stopped, and this is what it had. */
  readonly stoppedBy: 'end' | 'abort'
  /** What was run: schedules, slices, entries, scenarios, measurements. */
  readonly done: number
  readonly seconds: number
  readonly findings: readonly ShardFinding[]
  /** Of the command; {@link readShardDocument} checks every field of it. */
  readonly part: JsonObject
}

/** All shards as one. */
export interface MergedDocument {
  readonly command: ShardedCommand
  readonly request: ShardRequest
  readonly of: number
  /** Indices of the shards that are not in it; only where they were allowed to be missing. */
  readonly missing: readonly number[]
  /** Everything was there and none was stopped. */
  readonly whole: boolean
  readonly seconds: number
  readonly done: number
  /** The same fault once, with the shortest token. */
  readonly findings: readonly ShardFinding[]
  /** What the command itself prints as `--json`. */
  readonly document: JsonObject
}

export interface MergeOptions {
  /** Who each document is, for messages: `'a.json'`; in the order of the documents. */
  names?: readonly string[]
  /** Of a run that goes on: what is there so far. False. */
  allowMissing?: boolean
}
