import { shardFault } from './fault.ts'
import type { JsonObject, JsonValue } from './types.ts'

/*
 * Results as JSON and back: a bigint is { "$big": "-5" }, what is undefined is left out.
 */

const mostDepth = 100
const isBig = (value: object): value is { $big: string } =>
  Object.keys(value).length === 1 &&
  Object.hasOwn(value, '$big') &&
  typeof (value as { $big: unknown }).$big === 'string'

export function packed(value: unknown): JsonValue {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? { $big: `${each}` } : each)) ?? 'null',
  ) as JsonValue
}
export const packedObject = (value: object): JsonObject => packed(value) as JsonObject

/** @throws PageboxError `ERR_PAGEBOX_SHARD` for what is nested too deep, and for a number that is none */
export function unpacked(value: JsonValue, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > mostDepth)
    throw shardFault('document', value, 'it is nested too deep', `at most ${mostDepth} levels are read`)
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((each) => unpacked(each, depth + 1))
  if (isBig(value)) {
    if (!/^-?\d{1,40}$/.test(value.$big))
      throw shardFault('document', value.$big, 'a number is none', 'up to 40 decimal digits are read')
    return BigInt(value.$big)
  }
  const entries = Object.entries(value).filter(([key]) => key !== '__proto__')
  return Object.fromEntries(entries.map(([key, each]) => [key, unpacked(each as JsonValue, depth + 1)]))
}

/** Plain data in one order of keys: of the same data is the same text. */
export const canonical = (value: JsonValue): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
