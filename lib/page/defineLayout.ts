import { array, badArgument, boolean, integer, line, newName, oneOf, options, string } from '../base/args.ts'
import { tables } from '../native/tables.ts'
import type { FieldKind, LayoutDefinition, PageType } from './layout.ts'

const optionally = <Value>(value: unknown, fallback: Value, read: (value: unknown) => Value): Value =>
  value === undefined ? fallback : read(value)

const at = 'definition'
const count = (value: unknown, argument: string, max: number, fallback = 0): number =>
  optionally(value, fallback, (given) => integer(given, argument, 0, max))

const pageTypes = (value: unknown, argument: string): PageType[] =>
  array(value, argument, (each, where) => oneOf(each, where, tables().pageTypes))

const largestStride = 256
const largestOrder = 10

function readField(value: unknown, where: string) {
  const known = ['name', 'offsetBytes', 'shift', 'bits', 'kind', 'types', 'meaning', 'contested', 'object'] as const
  const given = options(value, where, known)
  return {
    name: line(given.name, `${where}.name`),
    offsetBytes: integer(given.offsetBytes, `${where}.offsetBytes`, 0, largestStride - 1),
    shift: count(given.shift, `${where}.shift`, 63),
    bits: integer(given.bits, `${where}.bits`, 1, 128),
    kind: oneOf(given.kind, `${where}.kind`, tables().fieldKinds as FieldKind[]),
    types: pageTypes(given.types, `${where}.types`),
    meaning: optionally(given.meaning, '', (text) => line(text, `${where}.meaning`)),
    contested: optionally(given.contested, false, (flag) => boolean(flag, `${where}.contested`)),
    object: optionally(given.object, 'driver-data', (name) => oneOf(name, `${where}.object`, tables().objectKinds)),
  }
}

function readKconfig(value: unknown) {
  const where = `${at}.kconfig`
  const known = [
    'name',
    'sectionBits',
    'nodeBits',
    'zoneBits',
    'lastCpupidBits',
    'lruGenBits',
    'lruRefsBits',
    'memcg',
    'alignBytes',
    'kasanTagBits',
    'zoneNormal',
    'zoneDevice',
  ] as const
  const given = options(value, where, known)
  return {
    name: optionally(given.name, '', (text) => line(text, `${where}.name`)),
    sectionBits: count(given.sectionBits, `${where}.sectionBits`, 63),
    nodeBits: count(given.nodeBits, `${where}.nodeBits`, 63),
    zoneBits: count(given.zoneBits, `${where}.zoneBits`, 63, 2),
    lastCpupidBits: count(given.lastCpupidBits, `${where}.lastCpupidBits`, 63),
    lruGenBits: count(given.lruGenBits, `${where}.lruGenBits`, 63),
    lruRefsBits: count(given.lruRefsBits, `${where}.lruRefsBits`, 63),
    alignBytes: count(given.alignBytes, `${where}.alignBytes`, 64),
    kasanTagBits: count(given.kasanTagBits, `${where}.kasanTagBits`, 63),
    zoneNormal: count(given.zoneNormal, `${where}.zoneNormal`, 15, 2),
    zoneDevice: count(given.zoneDevice, `${where}.zoneDevice`, 15, 4),
    memcg: optionally(given.memcg, true, (flag) => boolean(flag, `${where}.memcg`)),
  }
}

const eraKeys = [
  'kernel',
  'zoneDeviceBase',
  'privateBase',
  'anonExclusive',
  'buddyType',
  'tableType',
  'slabType',
  'hugetlbType',
] as const

function readEra(value: unknown) {
  const where = `${at}.era`
  const given = options(value, where, eraKeys)
  return {
    kernel: optionally(given.kernel, '', (text) => line(text, `${where}.kernel`)),
    zoneDeviceBase: count(given.zoneDeviceBase, `${where}.zoneDeviceBase`, 1, 1),
    privateBase: count(given.privateBase, `${where}.privateBase`, 1),
    anonExclusive: optionally(given.anonExclusive, true, (flag) => boolean(flag, `${where}.anonExclusive`)),
    buddyType: count(given.buddyType, `${where}.buddyType`, 0xffffffff, 0xf0000000),
    tableType: count(given.tableType, `${where}.tableType`, 0xffffffff, 0xf2000000),
    slabType: count(given.slabType, `${where}.slabType`, 0xffffffff, 0xf5000000),
    hugetlbType: count(given.hugetlbType, `${where}.hugetlbType`, 0xffffffff, 0xf4000000),
  }
}

function readPincount(value: unknown) {
  const where = `${at}.pincount`
  if (value === undefined) return { tail: 0, offsetBytes: 0, minOrder: 1, shift: 0, bits: 32 }
  const given = options(value, where, ['tail', 'offsetBytes', 'minOrder', 'shift', 'bits'] as const)
  const tail = integer(given.tail, `${where}.tail`, 0, 2 ** largestOrder - 1)
  return {
    tail,
    offsetBytes: integer(given.offsetBytes, `${where}.offsetBytes`, 0, largestStride - 4),
    // The smallest folio that has such a page.
    minOrder: count(given.minOrder, `${where}.minOrder`, largestOrder, Math.max(1, Math.ceil(Math.log2(tail + 1)))),
    shift: count(given.shift, `${where}.shift`, 31),
    bits: optionally(given.bits, 32, (bits) => integer(bits, `${where}.bits`, 1, 32)),
  }
}

const compoundHeads = ['address', 'mask'] as const
const byteOrders = ['little', 'big'] as const

/** A kernel's name for a flag, which tables and reports print. */
function flagName(value: unknown, where: string): string {
  const name = string(value, where)
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name))
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', where, name, '1 to 64 letters, digits, _, . and -')
  return name
}

const known = [
  'name',
  'summary',
  'wordBytes',
  'strideBytes',
  'kconfig',
  'era',
  'types',
  'compoundTypes',
  'flags',
  'anonExclusiveFlag',
  'compoundHead',
  'byteOrder',
  'fields',
  'pincount',
  'mapcountOffsetBytes',
  'refcountOffsetBytes',
  'counterOffsetBytes',
  'orderOffsetBytes',
] as const

/** A definition with its types checked and its gaps filled; whether it makes sense C++ decides. */
export function readLayout(definition: LayoutDefinition) {
  const given = options(definition, at, known)
  const name = newName(given.name, `${at}.name`)
  const wordBytes = optionally(given.wordBytes, 8, (bytes) => integer(bytes, `${at}.wordBytes`, 4, 8))
  const fields = array(given.fields, `${at}.fields`, readField)
  const flagNames = tables().flagNames
  return {
    name,
    summary: optionally(given.summary, '', (text) => line(text, `${at}.summary`)),
    wordBytes,
    strideBytes: count(given.strideBytes, `${at}.strideBytes`, largestStride, wordBytes === 8 ? 64 : 32),
    kconfig: readKconfig(given.kconfig),
    era: readEra(given.era),
    types: optionally(given.types, [...new Set(fields.flatMap((field) => field.types))], (types) =>
      pageTypes(types, `${at}.types`),
    ),
    compoundTypes: optionally(given.compoundTypes, tables().compoundTypes, (types) =>
      pageTypes(types, `${at}.compoundTypes`),
    ),
    flags: array(given.flags, `${at}.flags`, (value, where) => {
      const flag = options(value, where, ['name', 'bit'] as const)
      return { name: flagName(flag.name, `${where}.name`), bit: integer(flag.bit, `${where}.bit`, 0, 63) }
    }),
    anonExclusiveFlag: optionally(given.anonExclusiveFlag, 'owner_2', (flag) =>
      oneOf(flag, `${at}.anonExclusiveFlag`, flagNames),
    ),
    compoundHead: optionally(given.compoundHead, 'address' as const, (what) =>
      oneOf(what, `${at}.compoundHead`, compoundHeads),
    ),
    byteOrder: optionally(given.byteOrder, 'little' as const, (order) => oneOf(order, `${at}.byteOrder`, byteOrders)),
    fields,
    pincount: readPincount(given.pincount),
    mapcountOffsetBytes: integer(given.mapcountOffsetBytes, `${at}.mapcountOffsetBytes`, 0, largestStride - 4),
    refcountOffsetBytes: integer(given.refcountOffsetBytes, `${at}.refcountOffsetBytes`, 0, largestStride - 4),
    counterOffsetBytes: count(given.counterOffsetBytes, `${at}.counterOffsetBytes`, largestStride - 4),
    orderOffsetBytes: count(given.orderOffsetBytes, `${at}.orderOffsetBytes`, largestStride - 1),
  }
}
