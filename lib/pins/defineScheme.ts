import { array, integer, line, newName, oneOf, options, or } from '../base/args.ts'
import { isArray } from '../base/primordials.ts'
import type { NativeScheme } from '../native/binding.ts'
import { tables } from '../native/tables.ts'
import type { PageType } from '../page/layout.ts'
import type { CountPlace, FlagPlace, PinEvent, Protocol, SchemeDefinition, StateDefinition } from './scheme.ts'

const at = 'definition'
const lowestFree = -2
const noFlag = { word: -1, bit: 0 }

/** A bit as the definition has it. */
export const bitOf = (bit: number): number | 'lowest-free' => (bit === lowestFree ? 'lowest-free' : bit)

const readBit = (value: unknown, where: string): number =>
  value === 'lowest-free' ? lowestFree : integer(value, where, 0, 63)

function readFlag(value: unknown, where: string): { word: number; bit: number } {
  if (value === undefined) return noFlag
  const given = options(value, where, ['word', 'bit'] as const)
  const word = integer(given.word, `${where}.word`, 0, 5)
  return { word, bit: readBit(given.bit, `${where}.bit`) }
}

/** One event or several. */
function readEvents(value: unknown, where: string): PinEvent[] {
  const event = (each: unknown, at: string) => oneOf(each, at, tables().pinEvents as PinEvent[])
  return isArray(value) ? [...new Set(array(value, where, event))] : [event(value, where)]
}

function readState(value: unknown, where: string, countWord: number): NativeScheme['states'][number] {
  const given = options(value, where, ['name', 'word', 'bit', 'set', 'clear'] as const)
  return {
    name: newName(given.name, `${where}.name`),
    word: given.word === undefined ? countWord : integer(given.word, `${where}.word`, 0, 5),
    bit: readBit(given.bit, `${where}.bit`),
    set: readEvents(given.set, `${where}.set`),
    clear: given.clear === undefined ? [] : readEvents(given.clear, `${where}.clear`),
  }
}

/** Every field of a definition. */
export const schemeKeys = [
  'name',
  'summary',
  'source',
  'protocol',
  'place',
  'countWord',
  'countShift',
  'countBits',
  'packedBits',
  'atLimit',
  'pinned',
  'wasLru',
  'states',
  'refsPerPin',
  'falsePositives',
  'visibleEffects',
  'types',
] as const

/** A definition with its types checked and its gaps filled; whether it makes sense C++ decides. */
export function readScheme(definition: SchemeDefinition): object {
  const given = options(definition, at, schemeKeys)
  const text = (value: unknown, key: string): string => (value === undefined ? '' : line(value, `${at}.${key}`))
  const number = (value: unknown, key: string, max: number, fallback: number): number =>
    value === undefined ? fallback : integer(value, `${at}.${key}`, 0, max)
  const place = or(given.place, 'word')
  const countWord = number(given.countWord, 'countWord', 5, 0)
  return {
    name: newName(given.name, `${at}.name`),
    summary: text(given.summary, 'summary'),
    source: text(given.source, 'source'),
    protocol: oneOf(given.protocol, `${at}.protocol`, tables().protocols as Protocol[]),
    place: oneOf(place, `${at}.place`, tables().countPlaces as CountPlace[]),
    countWord,
    countShift: given.countShift === 'lowest-free' ? lowestFree : number(given.countShift, 'countShift', 63, 0),
    countBits: number(given.countBits, 'countBits', 64, place === 'word' ? 32 : 0),
    packedBits: number(given.packedBits, 'packedBits', 64, 0),
    atLimit: oneOf(or(given.atLimit, 'refuse'), `${at}.atLimit`, tables().atLimits),
    pinned: readFlag(given.pinned, `${at}.pinned`),
    wasLru: readFlag(given.wasLru, `${at}.wasLru`),
    states:
      given.states === undefined
        ? []
        : array(given.states, `${at}.states`, (value, where) => readState(value, where, countWord)),
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

const flagOf = ({ word, bit }: { word: number; bit: number }): FlagPlace => ({ word, bit: bitOf(bit) })

/** What readScheme() takes the scheme from: its constants without what follows from the others. */
export function definitionOf(constants: NativeScheme): SchemeDefinition {
  const { name, summary, source, protocol, place, packedBits, atLimit, pinned, wasLru, states, types } = constants
  const packed = protocol === 'packed-word'
  const all = tables().pageTypes
  const definition: SchemeDefinition = { name, protocol }
  if (summary !== '') definition.summary = summary
  if (source !== '') definition.source = source
  definition.place = place
  if (place === 'word') {
    definition.countWord = constants.countWord
    definition.countShift = bitOf(constants.countShift)
    definition.countBits = constants.countBits
  }
  if (packed && packedBits !== 0) definition.packedBits = packedBits as 32 | 64
  if (packed) definition.atLimit = atLimit
  if (pinned.word >= 0) definition.pinned = flagOf(pinned)
  if (wasLru.word >= 0) definition.wasLru = flagOf(wasLru)
  if (states.length > 0)
    definition.states = states.map((state): StateDefinition => ({ ...state, bit: bitOf(state.bit) }))
  definition.refsPerPin = constants.refsPerPin
  definition.visibleEffects = constants.effects
  if (types.length < all.length) definition.types = types
  return definition
}
