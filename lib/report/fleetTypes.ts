/** A run of a fleet, as `pagebox fleet report --json` prints it. */
export interface FleetDocument {
  readonly run: string
  readonly command: string
  readonly state: string
  readonly by: Readonly<Record<string, string>>
  readonly of: number
  readonly done: number
  readonly aside: readonly {
    readonly shard: number
    readonly repeat: string
    readonly endings: readonly { readonly worker: string; readonly text: string }[]
  }[]
  readonly active: number
  readonly waiting: number
  /** ISO 8601, by the clock of the queue's server. */
  readonly filed: string
  readonly seconds: number
  /** Of all workers together. */
  readonly workSeconds: number
  /** What was run, in the command's unit. */
  readonly ran: number
  readonly findings: readonly {
    readonly signature: string
    readonly text: string
    readonly repeat: string | null
    readonly shards: number
  }[]
  readonly refusals: Readonly<Record<string, string>>
  readonly refusedResults: readonly string[]
  /** What the command itself prints with `--json`, of the shards that are there. */
  readonly document: unknown
}
