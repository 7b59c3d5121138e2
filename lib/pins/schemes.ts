import { array, badArgument, integer, newName, oneOf, options, or, string } from '../base/args.ts'
import { deepFreeze } from '../base/freeze.ts'
import { list } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import type { NativeScheme } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { tables } from '../native/tables.ts'
import type { PageType } from '../page/layout.ts'
import type { CountPlace, Protocol, Scheme, SchemeDefinition } from './scheme.ts'
import { countBitsOf, whereOf } from './where.ts'

/** A scheme with its constants as the addon takes them. */
interface Entry {
  readonly scheme: Scheme
  readonly constants: NativeScheme
}

let registry: Map<string, Entry> | undefined

/** From this count on, nothing but the width of the arithmetic is the bound. */
const unbounded = 1n << 63n

/** The public face of a scheme's constants. */
export function schemeFrom(constants: NativeScheme, builtin: boolean): Scheme {
  const { name, summary, source, protocol, place, answer, falsePositives, locks, refsPerPin, types, effects, quirks } =
    constants
  const maxPins = constants.maxPins >= unbounded ? null : constants.maxPins
  return deepFreeze({
    name,
    summary,
    source,
    builtin,
    protocol,
    place,
    where: whereOf(constants),
    countBits: countBitsOf(constants),
    exact: answer === 'exact',
    answer,
    maxPins,
    falsePositives,
    locks,
    refsPerPin,
    types,
    visibleEffects: effects,
    quirks,
  })
}

function all(): Map<string, Entry> {
  if (registry === undefined) {
    registry = new Map()
    for (const constants of tables().schemes)
      registry.set(constants.name, { scheme: schemeFrom(constants, true), constants })
  }
  return registry
}

const at = 'definition'
const lowestFree = -2
const noFlag = { word: -1, bit: 0 }

function readFlag(value: unknown, where: string): { word: number; bit: number } {
  if (value === undefined) return noFlag
  const given = options(value, where, ['word', 'bit'] as const)
  const word = integer(given.word, `${where}.word`, 0, 5)
  const bit = given.bit === 'lowest-free' ? lowestFree : integer(given.bit, `${where}.bit`, 0, 63)
  return { word, bit }
}

const known = [
  'name',
  'summary',
  'source',
  'protocol',
  'place',
  'countWord',
  'countShift',
  'countBits',
  'packedBits',
  'pinned',
  'wasLru',
  'refsPerPin',
  'falsePositives',
  'visibleEffects',
  'types',
] as const

function readScheme(definition: SchemeDefinition): object {
  const given = options(definition, at, known)
  const text = (value: unknown, key: string): string => (value === undefined ? '' : string(value, `${at}.${key}`))
  const number = (value: unknown, key: string, max: number, fallback: number): number =>
    value === undefined ? fallback : integer(value, `${at}.${key}`, 0, max)
  const place = or(given.place, 'word')
  return {
    name: newName(given.name, `${at}.name`),
    summary: text(given.summary, 'summary'),
    source: text(given.source, 'source'),
    protocol: oneOf(given.protocol, `${at}.protocol`, tables().protocols as Protocol[]),
    place: oneOf(place, `${at}.place`, tables().countPlaces as CountPlace[]),
    countWord: number(given.countWord, 'countWord', 5, 0),
    countShift: number(given.countShift, 'countShift', 63, 0),
    countBits: number(given.countBits, 'countBits', 64, place === 'word' ? 32 : 0),
    packedBits: number(given.packedBits, 'packedBits', 64, 0),
    pinned: readFlag(given.pinned, `${at}.pinned`),
    wasLru: readFlag(given.wasLru, `${at}.wasLru`),
    refsPerPin: given.refsPerPin === undefined ? 1 : integer(given.refsPerPin, `${at}.refsPerPin`, 1, 2 ** 30),
    falsePositives: text(given.falsePositives, 'falsePositives'),
    ...(given.visibleEffects !== undefined && {
      effects: array(given.visibleEffects, `${at}.visibleEffects`, (value, where) =>
        oneOf(value, where, tables().effects),
      ),
    }),
    types:
      given.types === undefined
        ? tables().pageTypes
        : array(given.types, `${at}.types`, (value, where): PageType => oneOf(value, where, tables().pageTypes)),
  }
}

/** The schemes that there are: the built-in ones, and those that were defined. */
export const schemes = Object.freeze({
  /** Names, built-in ones first. */
  get names(): string[] {
    return [...all().keys()]
  },

  has(name: string): boolean {
    return all().has(string(name, 'name'))
  },

  /** Throws `ERR_PAGEBOX_SCHEME_UNKNOWN`. */
  get(name: string): Scheme {
    return schemeOf(name, 'name')
  },

  list(): Scheme[] {
    return [...all().values()].map((entry) => entry.scheme)
  },

  [Symbol.iterator](): IterableIterator<Scheme> {
    return [...all().values()].map((entry) => entry.scheme).values()
  },

  /**
   * Declares a scheme: constants for one of the protocols, which then run at the speed of a built-in
   * one. Throws `ERR_PAGEBOX_SCHEME_INVALID` with everything that is wrong with it.
   */
  define(definition: SchemeDefinition): Scheme {
    const read = readScheme(definition) as NativeScheme
    if (all().has(read.name))
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', `${at}.name`, read.name, 'a name that is not taken')
    const problems = native().checkScheme(read)
    if (problems.length > 0) {
      const said = problems.map(({ field, what }) => `${field}: ${what}`).join('; ')
      throw new PageboxError('ERR_PAGEBOX_SCHEME_INVALID', `scheme '${read.name}' is invalid: ${said}`, {
        argument: at,
        given: said,
        allowed: 'a scheme that passes every check',
      })
    }
    const constants = deepFreeze(native().schemeFacts(read))
    const scheme = schemeFrom(constants, false)
    all().set(scheme.name, { scheme, constants })
    return scheme
  },
})

/** The scheme that an argument names, by name or as the object itself. */
export function schemeOf(value: unknown, argument: string): Scheme {
  const allowed = `a scheme or its name: ${list(schemes.names)}`
  if (typeof value === 'string') {
    const found = all().get(value)
    if (found === undefined) throw badArgument('ERR_PAGEBOX_SCHEME_UNKNOWN', argument, value, allowed)
    return found.scheme
  }
  for (const { scheme } of all().values()) if (scheme === value) return scheme
  throw badArgument('ERR_PAGEBOX_ARG_TYPE', argument, value, allowed)
}

/** As the addon takes it: built-in ones by name, defined ones as their constants. */
export function schemeRef(scheme: Scheme): string | object {
  return scheme.builtin ? scheme.name : (all().get(scheme.name)?.constants ?? scheme.name)
}

/** The constants of a scheme, for who reads its words. */
export const constantsOf = (scheme: Scheme): NativeScheme | undefined => all().get(scheme.name)?.constants
