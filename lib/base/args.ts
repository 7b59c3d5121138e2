import { type ErrorCode, PageboxError } from '../errors.ts'
import { describe, list } from './describe.ts'
import { didYouMean } from './nearest.ts'
import {
  type ArrayKind,
  hasLostMemory,
  isArray,
  isInteger,
  keysOf,
  plainView,
  typedArrayLength,
  typedArrayName,
} from './primordials.ts'

/**
 * The error for a bad argument: names it, says what was given and what is allowed, and offers the
 * nearest of `names`.
 */
export function badArgument(
  code: ErrorCode,
  argument: string,
  value: unknown,
  allowed: string,
  names: readonly string[] = [],
): PageboxError {
  const given = describe(value)
  const message = `${argument} must be ${allowed}; got ${given}${didYouMean(names, value)}`
  return new PageboxError(code, message, { argument, given, allowed })
}

const badType = (argument: string, value: unknown, allowed: string): PageboxError =>
  badArgument('ERR_PAGEBOX_ARG_TYPE', argument, value, allowed)
const badRange = (argument: string, value: unknown, allowed: string): PageboxError =>
  badArgument('ERR_PAGEBOX_ARG_RANGE', argument, value, allowed)

/** An integer in [min, max]. */
export function integer(value: unknown, argument: string, min: number, max: number): number {
  const allowed = `an integer from ${min} to ${max}`
  if (typeof value !== 'number') throw badType(argument, value, allowed)
  if (!isInteger(value) || value < min || value > max) throw badRange(argument, value, allowed)
  return value + 0 // -0 becomes 0
}

/** An option, or what it is when it was left out; null is no way to leave it out. */
export const or = (value: unknown, otherwise: unknown): unknown => (value === undefined ? otherwise : value)

/** A finite number in (0, max]. */
export function positive(value: unknown, argument: string, max: number): number {
  const allowed = `a number above 0 and up to ${max}`
  if (typeof value !== 'number') throw badType(argument, value, allowed)
  if (!(value > 0 && value <= max)) throw badRange(argument, value, allowed)
  return value
}

/** An unsigned 64-bit number, as a bigint or a safe integer. */
export function unsigned64(value: unknown, argument: string): bigint {
  const allowed = 'an integer from 0 to 2^64-1'
  if (typeof value === 'bigint') {
    if (value < 0n || value >= 1n << 64n) throw badRange(argument, value, allowed)
    return value
  }
  if (typeof value !== 'number') throw badType(argument, value, allowed)
  if (!Number.isSafeInteger(value) || value < 0) throw badRange(argument, value, `${allowed} (a bigint from 2^53 on)`)
  return BigInt(value)
}

export function boolean(value: unknown, argument: string): boolean {
  if (typeof value !== 'boolean') throw badType(argument, value, 'true or false')
  return value
}

export function string(value: unknown, argument: string, allowed = 'a string'): string {
  if (typeof value !== 'string') throw badType(argument, value, allowed)
  return value
}

const longestLine = 500

/** One line of text that a terminal and a page can show as it is. */
export function line(value: unknown, argument: string): string {
  const allowed = `a line of at most ${longestLine} characters, none of them a control character`
  const text = string(value, argument, allowed)
  if (text.length > longestLine || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) throw badRange(argument, value, allowed)
  return text
}

/** A name that a message can hold and a report can use: `'my-scheme'`. */
export function newName(value: unknown, argument: string): string {
  const allowed = 'a name of 1 to 64 characters: a letter, then letters, digits, dots and dashes'
  const name = string(value, argument, allowed)
  if (!/^[a-zA-Z][\w.-]{0,63}$/.test(name)) throw badRange(argument, value, allowed)
  return name
}

export function oneOf<Name extends string>(
  value: unknown,
  argument: string,
  names: readonly Name[],
  code: ErrorCode = 'ERR_PAGEBOX_ARG_RANGE',
): Name {
  const allowed = list(names)
  if (typeof value !== 'string') throw badType(argument, value, allowed)
  const found = names.find((name) => name === value)
  if (found === undefined) throw badArgument(code, argument, value, allowed, names)
  return found
}

export function callback<Fn>(value: unknown, argument: string): Fn {
  if (typeof value !== 'function') throw badType(argument, value, 'a function')
  return value as Fn
}

const longestList = 4096

/** A copy of an array, each element read once. */
export function array<Item>(
  value: unknown,
  argument: string,
  item: (value: unknown, argument: string) => Item,
): Item[] {
  if (!isArray(value)) throw badType(argument, value, 'an array')
  const length = read(value, 'length', argument)
  // A proxy of an array may say anything.
  if (typeof length !== 'number' || !isInteger(length) || length < 0) throw badType(argument, value, 'an array')
  if (length > longestList) throw badRange(argument, value, `an array of at most ${longestList} elements`)
  const copy: Item[] = []
  for (let i = 0; i < length; i++) copy[i] = item(read(value, i, argument), `${argument}[${i}]`)
  return copy
}

/**
 * A typed array of one kind that still has its memory: a plain view of it, whose length is the buffer's
 * and not what a subclass says. Options are read before this is called, since a getter among them can
 * take the memory away.
 */
export function typedArray<Kind extends ArrayKind>(
  value: unknown,
  argument: string,
  kind: Kind,
  length?: number,
): InstanceType<(typeof globalThis)[Kind]> {
  const allowed = length === undefined ? `a ${kind}` : `a ${kind} of length ${length}`
  if (typeof value !== 'object' || value === null || typedArrayName(value) !== kind)
    throw badType(argument, value, allowed)
  if (hasLostMemory(value))
    throw badArgument('ERR_PAGEBOX_BUFFER_DETACHED', argument, value, `${allowed} with its memory`)
  if (length !== undefined && typedArrayLength(value) !== length) throw badRange(argument, value, allowed)
  return plainView(value, kind)
}

function read(from: object, key: PropertyKey, argument: string): unknown {
  try {
    return (from as Record<PropertyKey, unknown>)[key]
  } catch (cause) {
    throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${argument}.${String(key)} could not be read`, {
      argument,
      given: 'a property that throws',
      allowed: 'a plain value',
      cause,
    })
  }
}

/** What an options object holds, each known property read once and none that is unknown. */
export type Read<Known extends string> = { readonly [Key in Known]: unknown }

/**
 * Reads the options that exist: own properties alone, since what someone else has put on
 * `Object.prototype` is no option of this call.
 */
export function options<Known extends string>(value: unknown, argument: string, known: readonly Known[]): Read<Known> {
  const copy = Object.create(null) as Record<Known, unknown>
  if (value === undefined) return copy
  if (typeof value !== 'object' || value === null || isArray(value) || typedArrayName(value) !== undefined)
    throw badType(argument, value, 'an object')
  let keys: PropertyKey[]
  try {
    keys = keysOf(value)
  } catch (cause) {
    throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${argument} could not be read`, {
      argument,
      given: 'an object that throws',
      allowed: 'a plain object',
      cause,
    })
  }
  for (const key of keys) {
    const name = known.find((each) => each === key)
    if (name !== undefined) copy[name] = read(value, name, argument)
    else if (typeof key === 'string')
      throw new PageboxError(
        'ERR_PAGEBOX_OPTION_UNKNOWN',
        `${argument} has no property ${describe(key)}; it has ${list(known)}${didYouMean(known, key)}`,
        {
          argument: `${argument}.${key}`,
          given: describe(key),
          allowed: list(known),
        },
      )
  }
  return copy
}
