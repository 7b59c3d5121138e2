/**
 * pagebox in vitest: fixtures that make and audit boxes, matchers that show the descriptor's words.
 *
 * ```ts
 * import { expect, test } from 'pagebox/vitest'
 *
 * test('a pin shows', ({ box }) => {
 *   box.pins.pin(42)
 *   expect(box.page(42)).toBePinned()
 *   box.pins.unpin(42)
 * })
 * ```
 *
 * @module
 */
import { expect } from 'vitest'
import type { Outcome } from '../engine/scenario/outcome.ts'
import type { ExplorationOptions } from './explorationMatchers.ts'
import type { LruKind } from '../page/lru.ts'
import type { MemoryDevice } from '../zone_device/memoryDevice.ts'
import { guardMatchers } from './guardMatcher.ts'
import * as raw from './matchers.ts'
import type { ExpectedFields } from './matchers.ts'

const matchers: typeof raw = guardMatchers({ ...raw })

expect.extend({ ...matchers })

/** The matchers that importing this module adds to vitest's `expect`. */
export interface PageboxMatchers<R = unknown> {
  /** The page may be pinned, as its scheme sees it; of a mapping, each page. */
  toBePinned(): R
  /** The scheme counts exactly this many pins. */
  toHavePins(pins: number): R
  /** The page is on an LRU list, or on the named one. */
  toBeOnLru(list?: LruKind): R
  /** The named fields of the descriptor hold these values. */
  toHoldFields(fields: ExpectedFields): R
  /** The audit is clean: of a box, or of that of an address space, a mapping or a device; or that a run returned. */
  toPassAudit(): R
  /** The whole range is mapped, present or not. */
  toBeMapped(): R
  /** Every page of the mapping is present. */
  toBePresent(): R
  /** Every page of the mapping is in swap. */
  toBeSwappedOut(): R
  /** Every page of the mapping is in memory of a device, or of this one. */
  toBeOnDevice(device?: MemoryDevice): R
  /** The first words of its pages; one word is that of the first page, the others count up. Reads them. */
  toHaveWords(words: readonly bigint[] | BigUint64Array | bigint): R
  /**
   * Of a scenario, `await`ed: every schedule that is explored comes out clean. A failure prints the shortest scenario,
   * its timeline, a token and the command that repeats it.
   */
  toSurviveExploration(options?: ExplorationOptions): Promise<R>
  /** Of a scenario, `await`ed: a schedule comes out so (`'deadlock'`), or breaks this invariant (`'pincount-exact'`). */
  toReach(outcome: Outcome | (string & {}), options?: ExplorationOptions): Promise<R>
  /** Of a scenario, `await`ed: none of those that are explored does. */
  toNeverReach(outcome: Outcome | (string & {}), options?: ExplorationOptions): Promise<R>
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: must repeat vitest's own declaration to merge with it
  interface Matchers<T = any> extends PageboxMatchers<T> {}
}

export { test, test as it } from './fixtures.ts'
export type { PageboxFixtures } from './fixtures.ts'
export type { MatcherResult } from './matcherResult.ts'
export type { ExplorationOptions } from './explorationMatchers.ts'
export type { ExpectedFields } from './matchers.ts'
export { matchers }
export { expect }
export { afterEach, beforeEach, describe } from 'vitest'
