/** What a module of a worker's owner exports; no queue can name one. */
export interface ShardModule {
  runShardData(request: unknown, shard: { index: number; of: number }): Promise<unknown>
}

export interface ToChild {
  readonly number: number
  readonly request: unknown
  readonly shard: { readonly index: number; readonly of: number }
}

export type ToParent =
  | { readonly ready: true }
  | { readonly number: number; readonly document: unknown }
  | { readonly number: number; readonly failed: string }
