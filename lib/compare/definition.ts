import { tables } from '../native/tables.ts'
import { constantsOf } from '../pins/schemes.ts'
import type { Scheme } from '../pins/scheme.ts'

/** Constants that follow from the others, and one that has another name where a scheme is declared. */
const derived = new Set(['maxPins', 'answer', 'locks', 'quirks', 'effects'])

const noFlag = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'word' in value && (value as { word: number }).word < 0

const lowestFree = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'bit' in value && (value as { bit: number }).bit === -2
    ? { ...value, bit: 'lowest-free' }
    : value

/** A scheme as `schemes.define()` would take it again: what was declared, without what is left at its default. */
export function definitionOf(scheme: Scheme): Record<string, unknown> | undefined {
  const constants = constantsOf(scheme)
  if (constants === undefined) return undefined
  const said = Object.entries(constants)
    .filter(([key, value]) => !derived.has(key) && !noFlag(value) && value !== '' && value !== 0)
    .filter(([key, value]) => key !== 'types' || (value as unknown[]).length < tables().pageTypes.length)
    .map(([key, value]) => [key, Array.isArray(value) ? [...value] : lowestFree(value)])
  return Object.fromEntries(said)
}
