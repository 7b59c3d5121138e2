/** Who does shards, or asks for them: what must be the same on both sides, by name. */
export type Identity = Readonly<Record<string, string>>

/** A long command as data. */
export interface WorkRequest {
  /** Of everything that the command is. */
  readonly hash: string
  readonly data: unknown
}

/** What one shard found, in the words of a command that repeats it. */
export interface WorkFinding {
  /** The same fault has the same one. */
  readonly signature: string
  readonly text: string
  /** A token or a command that shows it again. */
  readonly repeat: string | undefined
}

/** What one shard gave: data that {@link Work.merge} takes. */
export interface WorkDocument {
  readonly shard: { readonly index: number; readonly of: number }
  readonly hash: string
  readonly data: unknown
}

/** All that there is of a run, as one. */
export interface WorkMerged {
  readonly findings: readonly WorkFinding[]
  /** What the command itself prints as `--json`; null: there is nothing yet. */
  readonly document: unknown
  /** Of all shards together. */
  readonly seconds: number
  /** What was run, in the command's own unit. */
  readonly done: number
}

/** What a fleet asks of those who cut commands into shards; the real one is in shardWork.ts, tests have small ones. */
export interface Work {
  identity(): Promise<Identity>
  /** Checks what a queue says that a command is: own data, never code. Throws a `PageboxError`. */
  readRequest(data: unknown): WorkRequest
  /** Checks what a process or a queue says that a shard of this request gave. Throws a `PageboxError`. */
  readDocument(data: unknown, request: unknown): WorkDocument
  findings(document: WorkDocument): readonly WorkFinding[]
  /** Joins what is there; `isWhole`: nothing may be missing. */
  merge(documents: readonly WorkDocument[], isWhole: boolean): WorkMerged
  /** The command line that does one shard of a command again. */
  repeat(command: string, index: number, of: number): string
}

/** Runs shards in a process of its own. */
export interface Runner {
  /** `index` counts from 1. Gives the data of a document, or rejects with what ended it. */
  run(request: unknown, shard: { index: number; of: number }, signal: AbortSignal): Promise<unknown>
  close(): void
}

/** What differs between two sides, as a sentence; undefined: nothing. */
export function differenceOf(run: Identity, here: Identity): string | undefined {
  const names = [...new Set([...Object.keys(run), ...Object.keys(here)])]
  const said = names
    .filter((name) => run[name] !== here[name])
    .map((name) => `${name} ${run[name] ?? '(none)'} there, ${name} ${here[name] ?? '(none)'} here`)
  return said.length === 0 ? undefined : said.join('; ')
}
