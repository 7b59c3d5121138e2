import { badArgument, string } from '../base/args.ts'
import { deepFreeze } from '../base/freeze.ts'
import { list } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import type { NativeScheme } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { tables } from '../native/tables.ts'
import { bitOf, definitionOf, isNarrow, readScheme } from './defineScheme.ts'
import type { AtLimit, Scheme, SchemeDefinition } from './scheme.ts'
import { countBitsOf, whereOf } from './where.ts'

/** A scheme with its constants as the addon takes them. */
interface Entry {
  readonly scheme: Scheme
  readonly constants: NativeScheme
}

let registry: Map<string, Entry> | undefined

/** From this count on, nothing but the width of the arithmetic is the bound. */
const unbounded = 1n << 63n

const atLimitOf = (constants: NativeScheme): AtLimit =>
  constants.protocol === 'packed-word' || isNarrow(constants) ? constants.atLimit : 'cross'

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
    field: constants.countField === '' ? null : constants.countField,
    where: whereOf(constants),
    countBits: countBitsOf(constants),
    atLimit: atLimitOf(constants),
    states: constants.states.map((state) => ({ ...state, bit: bitOf(state.bit) })),
    exact: answer === 'exact',
    answer,
    maxPins,
    falsePositives,
    locks,
    refsPerPin,
    types,
    visibleEffects: effects,
    quirks,
    definition: definitionOf(constants),
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
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'definition.name', read.name, 'a name that is not taken')
    const problems = native().checkScheme(read)
    if (problems.length > 0) {
      const said = problems.map(({ field, what }) => `${field}: ${what}`).join('; ')
      throw new PageboxError('ERR_PAGEBOX_SCHEME_INVALID', `scheme '${read.name}' is invalid: ${said}`, {
        argument: 'definition',
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

/** Takes back a definition, for who has defined several and must have all or none. */
export function forgetScheme(name: string): void {
  if (all().get(name)?.scheme.builtin === false) all().delete(name)
}

/** The scheme that an argument names, by name or as the object itself. */
export function schemeOf(value: unknown, argument: string): Scheme {
  const allowed = `a scheme or its name: ${list(schemes.names)}`
  if (typeof value === 'string') {
    const found = all().get(value)
    if (found === undefined) throw badArgument('ERR_PAGEBOX_SCHEME_UNKNOWN', argument, value, allowed, schemes.names)
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
