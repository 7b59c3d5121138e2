import { badArgument, integer, line } from '../base/args.ts'
import { isArray } from '../base/primordials.ts'
import { about, listOf, oneNameOf, optional, ownName, record, type Shape, textLine, whole } from '../base/shape.ts'
import type { NativeFlagPlace, NativeScheme } from '../native/binding.ts'
import { tables } from '../native/tables.ts'
import type { CountPlace, FlagPlace, PinEvent, Protocol, SchemeDefinition, StateDefinition } from './scheme.ts'

const at = 'definition'
const lowestFree = -2
const noFlag = { word: -1, bit: 0, field: '' }
/** Places whose counts have 32 bits where nobody says. */
const wide: readonly CountPlace[] = ['word', 'counter', 'tail', 'side-table']
const longestField = 64

/** A bit as the definition has it. */
export const bitOf = (bit: number): number | 'lowest-free' => (bit === lowestFree ? 'lowest-free' : bit)

/** Bits of a word, or the lowest that the layout leaves over. */
const bit: Shape<number> = {
  read: (value, where) => (value === 'lowest-free' ? lowestFree : integer(value, where, 0, 63)),
  schema: () => ({ anyOf: [{ const: 'lowest-free' }, whole(0, 63).schema()] }),
}

/** A name as layouts have them; whether there is such a field each layout says for itself. */
const fieldName: Shape<string> = {
  read: (value, where) => {
    const name = line(value, where)
    if (name === '' || name.length > longestField)
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', where, name, `the name of a field, 1 to ${longestField} letters`)
    return name
  },
  schema: () => ({ ...textLine.schema(), minLength: 1, maxLength: longestField }),
}

/** Where a count is that names neither a word nor a field for its bits. */
interface CountWord {
  word: number
  field: string
}

const wordOrField = { word: optional(whole(0, 5)), field: optional(fieldName) }

/** The word or field of a bit: what is said, or that of the count. */
function wordIn(
  { word, field }: { word: number | undefined; field: string | undefined },
  where: string,
  count: CountWord,
) {
  if (word !== undefined && field !== undefined)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', where, { word, field }, 'a word or a field, not both of them')
  if (field !== undefined) return { word: -1, field }
  return word === undefined ? count : { word, field: '' }
}

const flagPlace = record({ ...wordOrField, bit })

function flagIn(
  given: ReturnType<typeof flagPlace.read> | undefined,
  where: string,
  count: CountWord,
): NativeFlagPlace {
  if (given === undefined) return noFlag
  // Beside a count in a word a flag says its own: it may be another one.
  if (given.field === undefined && count.field === '') whole(0, 5).read(given.word, `${where}.word`)
  return { ...wordIn(given, where, count), bit: given.bit }
}

const event = oneNameOf(() => tables().pinEvents as PinEvent[])
/** One event or several. */
const events: Shape<PinEvent[]> = {
  read: (value, where) =>
    isArray(value) ? [...new Set(listOf(event).read(value, where))] : [event.read(value, where)],
  schema: () => ({ anyOf: [event.schema(), listOf(event).schema()] }),
}

const state = record({ name: ownName, ...wordOrField, bit, set: events, clear: optional(events) })

const places = oneNameOf(() => tables().countPlaces as CountPlace[])
const ofField = record({ field: fieldName })
/** A place by its own name, or by that of a field. */
const place: Shape<{ place: CountPlace; countField: string }> = {
  read: (value, where) =>
    typeof value === 'object' && value !== null
      ? { place: 'word', countField: ofField.read(value, where).field }
      : { place: places.read(value, where), countField: '' },
  schema: () => ({ anyOf: [places.schema(), ofField.schema()] }),
}

/** What a definition says. */
export const schemeShape = record({
  name: about('1 to 40 of a-z, 0-9 and -, not taken', ownName),
  summary: about('one line', optional(textLine, '')),
  source: about('who proposed it, one line', optional(textLine, '')),
  protocol: about(
    'how the count changes',
    oneNameOf(() => tables().protocols as Protocol[]),
  ),
  place: about('where the count is: a kind of place, or a field of the layout by its name', optional(place)),
  countWord: about('word of the count: 1 to 5, of packed-word also 0, which is flags', optional(whole(0, 5))),
  countShift: about('lowest bit of the count in its place', optional(bit, 0)),
  countBits: about('width of the count', optional(whole(0, 64))),
  packedBits: about('how much of the word packed-word swaps, 32 or 64', optional(whole(0, 64), 0)),
  atLimit: about(
    'what the pin does that the count has no room for',
    optional(
      oneNameOf(() => tables().atLimits),
      'refuse',
    ),
  ),
  pinned: about('a flag that is set while the page is pinned', optional(flagPlace)),
  wasLru: about('a flag for the page that goes back to its LRU; the first pin isolates', optional(flagPlace)),
  states: about('up to eight named bits of packed-word', optional(listOf(state))),
  refsPerPin: about('references that each pin holds', optional(whole(1, 2 ** 30), 1)),
  falsePositives: about('when it says yes for a page that is not pinned, in words', optional(textLine, '')),
  visibleEffects: about('what a program may see of it', optional(listOf(oneNameOf(() => tables().effects)))),
  types: about('page types that it pins', optional(listOf(oneNameOf(() => tables().pageTypes)))),
})

/** Every field of a definition. */
export const schemeKeys = schemeShape.keys

/** A definition with its types checked and its gaps filled; whether it makes sense C++ decides. */
export function readScheme(definition: SchemeDefinition): object {
  const given = schemeShape.read(definition, at)
  const { place, countField } = given.place ?? { place: 'word' as const, countField: '' }
  if (countField !== '' && given.countWord !== undefined)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', `${at}.countWord`, given.countWord, 'nothing where a field is named')
  const countWord = given.countWord ?? 0
  const count = countField === '' ? { word: countWord, field: '' } : { word: -1, field: countField }
  const { visibleEffects, ...rest } = given
  return {
    ...rest,
    place,
    countWord,
    countField,
    countBits: given.countBits ?? (wide.includes(place) ? 32 : 0),
    pinned: flagIn(given.pinned, `${at}.pinned`, count),
    wasLru: flagIn(given.wasLru, `${at}.wasLru`, count),
    states: (given.states ?? []).map(({ name, bit, set, clear, ...where }, i) => ({
      name,
      ...wordIn(where, `${at}.states[${i}]`, count),
      bit,
      set,
      clear: clear ?? [],
    })),
    ...(visibleEffects !== undefined && { effects: visibleEffects }),
    types: given.types ?? tables().pageTypes,
  }
}

/** Of a word that is named, or of a field. */
const isPlaced = ({ word, field }: CountWord): boolean => word >= 0 || field !== ''
const wordOf = ({ word, field }: CountWord): { word: number } | { field: string } =>
  field === '' ? { word } : { field }
const flagOf = (flag: NativeFlagPlace): FlagPlace => ({ ...wordOf(flag), bit: bitOf(flag.bit) })

/** Whether it is no whole count of 32 bits, or does something at its limit. */
export const isNarrow = ({ protocol, place, countBits, countShift, atLimit }: NativeScheme): boolean =>
  protocol !== 'packed-word' && wide.includes(place) && (countBits !== 32 || countShift !== 0 || atLimit !== 'refuse')

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
  if (constants.falsePositives !== '') definition.falsePositives = constants.falsePositives
  definition.visibleEffects = constants.effects
  if (types.length < all.length) definition.types = types
  return definition
}
