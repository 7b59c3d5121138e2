import { expect } from 'vitest'
import { type Probe, probe, type RoomOptions, room } from 'pagebox'

/** What table and memory agree on; a claim is not worth more than their agreement. */
export function agreed(options: RoomOptions): Probe & { readonly hit: readonly string[] } {
  const table = room(options)
  const memory = probe(options)
  expect(memory.cell, `${options.scheme} on ${options.pageType} of ${options.layout}`).toBe(table.cell)
  expect(memory.damaged).toEqual(table.collisions)
  return { ...memory, hit: [...new Set(memory.damaged.map(({ field }) => field))] }
}
