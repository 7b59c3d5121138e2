import { array, badArgument, integer, line, newName, oneOf, options, or } from '../base/args.ts'
import { isArray } from '../base/primordials.ts'
import type { NativeFlagPlace, NativeScheme } from '../native/binding.ts'
import { tables } from '../native/tables.ts'
import type { PageType } from '../page/layout.ts'
import type { CountPlace, FlagPlace, PinEvent, Protocol, SchemeDefinition, StateDefinition } from './scheme.ts'

const at = 'definition'
const lowestFree = -2
const noFlag = { word: -1, bit: 0, field: '' }
/** Places whose counts have 32 bits where nobody says. */
const wide: readonly CountPlace[] = ['word', 'counter', 'tail', 'side-table']
const longestField = 64

/** A bit as the definition has it. */
export const bitOf = (bit: number): number | 'lowest-free' => (bit === lowestFree ? 'lowest-free' : bit)

const readBit = (value: unknown, where: string): number =>
  value === 'lowest-free' ? lowestFree : integer(value, where, 0, 63)

/** A name as layouts have them; whether there is such a field each layout says for itself. */
function readField(value: unknown, where: string): string {
  const name = line(value, where)
  if (name === '' || name.length > longestField)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', where, name, `the name of a field, 1 to ${longestField} letters`)
  return name
}

/** Where a count is that names neither a word nor a field for its bits. */
interface CountWord {
  word: number
  field: string
}

/** The word or field of a bit: what is said, or that of the count. */
function readWord(given: { word?: unknown; field?: unknown }, where: string, count: CountWord | undefined) {
  if (given.field !== undefined) {
    if (given.word !== undefined)
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', where, given, 'a word or a field, not both of them')
    return { word: -1, field: readField(given.field, `${where}.field`) }
  }
  if (given.word === undefined && count !== undefined) return count
  return { word: integer(given.word, `${where}.word`, 0, 5), field: '' }
}

function readFlag(value: unknown, where: string, count: CountWord): NativeFlagPlace {
  if (value === undefined) return noFlag
  const given = options(value, where, ['word', 'field', 'bit'] as const)
  // Beside a count in a field the word is known as little as that of the count.
  const { word, field } = readWord(given, where, count.field === '' ? undefined : count)
  return { word, bit: readBit(given.bit, `${where}.bit`), field }
}

/** One event or several. */
function readEvents(value: unknown, where: string): PinEvent[] {
  const event = (each: unknown, at: string) => oneOf(each, at, tables().pinEvents as PinEvent[])
  return isArray(value) ? [...new Set(array(value, where, event))] : [event(value, where)]
}

function readState(value: unknown, where: string, count: CountWord): NativeScheme['states'][number] {
  const given = options(value, where, ['name', 'word', 'field', 'bit', 'set', 'clear'] as const)
  return {
    name: newName(given.name, `${where}.name`),
    ...readWord(given, where, count),
    bit: readBit(given.bit, `${where}.bit`),
    set: readEvents(given.set, `${where}.set`),
    clear: given.clear === undefined ? [] : readEvents(given.clear, `${where}.clear`),
  }
}

/** A place by its own name, or by that of a field. */
function readPlace(value: unknown): { place: CountPlace; countField: string } {
  if (typeof value !== 'object' || value === null)
    return { place: oneOf(value, `${at}.place`, tables().countPlaces as CountPlace[]), countField: '' }
  const given = options(value, `${at}.place`, ['field'] as const)
  return { place: 'word', countField: readField(given.field, `${at}.place.field`) }
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
  const { place, countField } = readPlace(or(given.place, 'word'))
  const countWord = number(given.countWord, 'countWord', 5, 0)
  if (countField !== '' && given.countWord !== undefined)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', `${at}.countWord`, given.countWord, 'nothing where a field is named')
  const count = countField === '' ? { word: countWord, field: '' } : { word: -1, field: countField }
  return {
    name: newName(given.name, `${at}.name`),
    summary: text(given.summary, 'summary'),
    source: text(given.source, 'source'),
    protocol: oneOf(given.protocol, `${at}.protocol`, tables().protocols as Protocol[]),
    place,
    countWord,
    countField,
    countShift: given.countShift === 'lowest-free' ? lowestFree : number(given.countShift, 'countShift', 63, 0),
    countBits: number(given.countBits, 'countBits', 64, wide.includes(place) ? 32 : 0),
    packedBits: number(given.packedBits, 'packedBits', 64, 0),
    atLimit: oneOf(or(given.atLimit, 'refuse'), `${at}.atLimit`, tables().atLimits),
    pinned: readFlag(given.pinned, `${at}.pinned`, count),
    wasLru: readFlag(given.wasLru, `${at}.wasLru`, count),
    states:
      given.states === undefined
        ? []
        : array(given.states, `${at}.states`, (value, where) => readState(value, where, count)),
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

/** Of a word that is named, or of a field. */
const isPlaced = ({ word, field }: CountWord): boolean => word >= 0 || field !== ''
const wordOf = ({ word, field }: CountWord): { word: number } | { field: string } =>
  field === '' ? { word } : { field }
const flagOf = (flag: NativeFlagPlace): FlagPlace => ({ ...wordOf(flag), bit: bitOf(flag.bit) })

/** Whether it is no whole count of 32 bits, or does something at its limit. */
export const isNarrow = ({ protocol, place, countBits, countShift, atLimit }: NativeScheme): boolean =>
  protocol !== 'packed-word' &&
  wide.includes(place) &&
  (countBits !== 32 || countShift !== 0 || atLimit !== 'refuse')

/** What readScheme() takes the scheme from: its constants without what follows from the others. */
export function definitionOf(constants: NativeScheme): SchemeDefinition {
  const { name, summary, source, protocol, place, packedBits, atLimit, pinned, wasLru, states, types } = constants
  const packed = protocol === 'packed-word'
  const all = tables().pageTypes
  const definition: SchemeDefinition = { name, protocol }
  if (summary !== '') definition.summary = summary
  if (source !== '') definition.source = source
  definition.place = constants.countField === '' ? place : { field: constants.countField }
  if (place === 'word') {
    if (constants.countField === '') definition.countWord = constants.countWord
    definition.countShift = bitOf(constants.countShift)
    definition.countBits = constants.countBits
  } else if (isNarrow(constants)) {
    definition.countShift = constants.countShift
    definition.countBits = constants.countBits
  }
  if (packed && packedBits !== 0) definition.packedBits = packedBits as 32 | 64
  if (packed || isNarrow(constants)) definition.atLimit = atLimit
  if (isPlaced(pinned)) definition.pinned = flagOf(pinned)
  if (isPlaced(wasLru)) definition.wasLru = flagOf(wasLru)
  if (states.length > 0)
    definition.states = states.map(
      ({ name, set, clear, ...flag }): StateDefinition => ({
        name,
        ...wordOf(flag),
        bit: bitOf(flag.bit),
        set,
        clear,
      }),
    )
  definition.refsPerPin = constants.refsPerPin
  definition.visibleEffects = constants.effects
  if (types.length < all.length) definition.types = types
  return definition
}
