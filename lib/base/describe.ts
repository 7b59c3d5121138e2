import { isArray, typedArrayLength, typedArrayName } from './primordials.ts'
import { visible } from './unprintable.ts'

const longest = 40

/** A value in a few words, for a message. Runs no code of the value. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${visible(value.length > longest ? `${value.slice(0, longest)}…` : value)}'`
    case 'bigint':
      return `${value}n`
    case 'number':
      return Object.is(value, -0) ? '-0' : `${value}`
    case 'boolean':
    case 'undefined':
      return `${value}`
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    default:
      break
  }
  if (value === null) return 'null'
  const name = typedArrayName(value)
  if (name !== undefined) return `a ${name} of length ${typedArrayLength(value)}`
  return isArray(value) ? 'an array' : 'an object'
}

/** `'a', 'b' or 'c'` */
export function list(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`)
  if (quoted.length < 2) return quoted.join('')
  return `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`
}

/** `'1 page'`, `'2 pages'` */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`
