import type { ShardProgress, JsonObject, JsonValue, Shard, ShardFinding } from './types.ts'

export interface RunContext {
  readonly signal: AbortSignal | undefined
  readonly progressIntervalMs: number
  readonly recordings: readonly string[]
  /** The seconds are told by the call. */
  onProgress: ((progress: Omit<ShardProgress, 'seconds'>) => void) | undefined
}

export interface RanPart {
  readonly part: JsonObject
  readonly done: number
  readonly stoppedBy: 'end' | 'abort'
  readonly findings: readonly ShardFinding[]
}

export interface OnePart {
  readonly shard: Shard
  readonly part: JsonObject
}

/** How one command is run in parts and joined. */
export interface Sharded {
  /** Checks what the command's API takes, and says what is left out. Throws as that does. */
  complete(options: object): Promise<JsonObject>
  /** Checks options of a foreign request; throws what says where. */
  readOptions(options: JsonValue): void
  /** Own ones travel. */
  names(options: JsonObject): { schemes: readonly string[]; layouts: readonly string[] }
  useful(options: JsonObject): number
  run(options: JsonObject, shard: Shard, context: RunContext): Promise<RanPart>
  /** Checks each field of a foreign part; throws what says where. */
  readPart(part: JsonValue): void
  /** What a part holds that cannot be that shard's. Undefined: nothing. */
  lie(options: JsonObject, shard: Shard, part: JsonObject): string | undefined
  /** What the command itself prints as JSON; parts in the order of their shards. */
  join(options: JsonObject, parts: readonly OnePart[]): object
}

/** The shortest token of each fault. */
export function joinedFindings(findings: Iterable<ShardFinding>): ShardFinding[] {
  const best = new Map<string, ShardFinding>()
  for (const finding of findings) {
    const known = best.get(finding.signature)
    const isBetter =
      known === undefined ||
      (finding.token !== null && (known.token === null || finding.token.length < known.token.length))
    if (isBetter) best.set(finding.signature, finding)
  }
  return [...best.values()]
}
