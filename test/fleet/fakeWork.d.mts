import type { Work, WorkDocument } from '../../lib/fleet/work.ts'

export interface FakeRequest {
  readonly kind: 'numbers'
  readonly numbers: number
  /** Of each shard. */
  readonly ms?: number
  /** Shards that end their process, throw, never end, or say that they are another one. */
  readonly kills?: readonly number[]
  readonly exits?: readonly number[]
  readonly throws?: readonly number[]
  readonly hangs?: readonly number[]
  readonly lies?: readonly number[]
}
export declare const work: Work
export declare function answerOf(request: FakeRequest, shard: { index: number; of: number }): Record<string, unknown>
export declare function mergedOf(documents: readonly WorkDocument[]): string
export declare function runShardData(request: FakeRequest, shard: { index: number; of: number }): Promise<unknown>
export declare function load(name: string): Promise<Record<string, unknown>>
