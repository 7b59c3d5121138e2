import { badArgument, string } from '../base/args.ts'
import {
  about,
  listOf,
  oneNameOf,
  optional,
  ownName,
  record,
  type Shape,
  textLine,
  whole,
  yesOrNo,
} from '../base/shape.ts'
import { tables } from '../native/tables.ts'
import type { FieldKind, LayoutDefinition } from './layout.ts'

const at = 'definition'
const largestStride = 256
const largestOrder = 10

const bits = optional(whole(0, 63), 0)
const value32 = (otherwise: number): Shape<number> => optional(whole(0, 0xffffffff), otherwise)
const text = optional(textLine, '')
const pageTypes = listOf(oneNameOf(() => tables().pageTypes))
const byte = whole(0, largestStride - 4)

const field = record({
  name: textLine,
  offsetBytes: whole(0, largestStride - 1),
  shift: bits,
  bits: whole(1, 128),
  kind: oneNameOf(() => tables().fieldKinds as FieldKind[]),
  types: pageTypes,
  meaning: text,
  contested: optional(yesOrNo, false),
  object: optional(
    oneNameOf(() => tables().objectKinds),
    'driver-data',
  ),
})

const kconfig = record({
  name: text,
  sectionBits: bits,
  nodeBits: bits,
  zoneBits: optional(whole(0, 63), 2),
  lastCpupidBits: bits,
  lruGenBits: bits,
  lruRefsBits: bits,
  memcg: optional(yesOrNo, true),
  alignBytes: optional(whole(0, 64), 0),
  kasanTagBits: bits,
  zoneNormal: optional(whole(0, 15), 2),
  zoneDevice: optional(whole(0, 15), 4),
})

const era = record({
  kernel: text,
  zoneDeviceBase: optional(whole(0, 1), 1),
  privateBase: optional(whole(0, 1), 0),
  anonExclusive: optional(yesOrNo, true),
  buddyType: value32(0xf0000000),
  tableType: value32(0xf2000000),
  slabType: value32(0xf5000000),
  hugetlbType: value32(0xf4000000),
})

const pincount = record({
  tail: about('n of page[n]; 0: none', whole(0, 2 ** largestOrder - 1)),
  offsetBytes: byte,
  minOrder: about('smallest folio that has it', optional(whole(0, largestOrder))),
  shift: optional(whole(0, 31), 0),
  bits: optional(whole(1, 32), 32),
})

function pincountIn(given: ReturnType<typeof pincount.read> | undefined) {
  if (given === undefined) return { tail: 0, offsetBytes: 0, minOrder: 1, shift: 0, bits: 32 }
  // The smallest folio that has such a page.
  return { ...given, minOrder: given.minOrder ?? Math.max(1, Math.ceil(Math.log2(given.tail + 1))) }
}

/** A kernel's name for a flag, which tables and reports print. */
const flagName: Shape<string> = {
  read: (value, where) => {
    const name = string(value, where)
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name))
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', where, name, '1 to 64 letters, digits, _, . and -')
    return name
  },
  schema: () => ({ type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
}

const compoundHeads = ['address', 'mask'] as const
const byteOrders = ['little', 'big'] as const

/** Every field of a definition. */
export const layoutShape = record({
  name: about('a letter, then letters, digits, dots and dashes', ownName),
  summary: text,
  wordBytes: about('4 or 8', optional(whole(4, 8), 8)),
  strideBytes: about('from one descriptor to the next', optional(whole(0, largestStride))),
  kconfig: about('what decides the width of page->flags', optional(kconfig)),
  era: about('the kernel that the words are of', optional(era)),
  types: about('page types that exist; without it, all that a field names', optional(pageTypes)),
  compoundTypes: about('those that exist in orders above 0', optional(pageTypes)),
  flags: about('bits of page->flags', listOf(record({ name: flagName, bit: whole(0, 63) }))),
  anonExclusiveFlag: about(
    'the flag that says it',
    optional(
      oneNameOf(() => tables().flagNames),
      'owner_2',
    ),
  ),
  compoundHead: about(
    'what word 1 of a tail says',
    optional(
      oneNameOf(() => compoundHeads),
      'address',
    ),
  ),
  byteOrder: optional(
    oneNameOf(() => byteOrders),
    'little',
  ),
  fields: about('words and bits, and the page types that use them', listOf(field)),
  pincount: about('where the pin count of a large folio is', optional(pincount)),
  mapcountOffsetBytes: byte,
  refcountOffsetBytes: byte,
  counterOffsetBytes: about('a pin counter of its own; 0: none', optional(byte, 0)),
  orderOffsetBytes: about('of the compound order in page[1]', optional(whole(0, largestStride - 1), 0)),
})

/** A definition with its types checked and its gaps filled; whether it makes sense C++ decides. */
export function readLayout(definition: LayoutDefinition) {
  const given = layoutShape.read(definition, at)
  return {
    ...given,
    strideBytes: given.strideBytes ?? (given.wordBytes === 8 ? 64 : 32),
    kconfig: given.kconfig ?? kconfig.read({}, at),
    era: given.era ?? era.read({}, at),
    types: given.types ?? [...new Set(given.fields.flatMap(({ types }) => types))],
    compoundTypes: given.compoundTypes ?? tables().compoundTypes,
    pincount: pincountIn(given.pincount),
  }
}
