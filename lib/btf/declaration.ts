import type { Era, Kconfig, LayoutDefinition, PageType, PincountPlace } from '../page/layout.ts'
import { tables } from '../native/tables.ts'
import { badArgument } from '../base/args.ts'
import type { ByteOrder } from './blob.ts'
import type { DescriptorField, KernelDescriptor } from './description.ts'
import { isDescriptor } from './describe.ts'
import { byteOf } from './place.ts'

/** What a kernel has and a declared layout has no words for. */
export interface Unsayable {
  readonly what: string
  /** Whether `layouts.define` refuses the definition for it; else it is only left out or said in another way. */
  readonly refused: boolean
}

export interface LayoutDeclaration {
  readonly definition: LayoutDefinition
  readonly cannotSay: readonly Unsayable[]
}

/**
 * The definition that `layouts.define` takes, as far as a definition can say what the kernel has.
 *
 * Fields lie where the same bits of a word's value lie in little-endian memory: the sandbox works on
 * values, so a big-endian kernel's layout means the same there.
 */
export function toLayoutDeclaration(kernel: KernelDescriptor): LayoutDeclaration {
  if (!isDescriptor(kernel)) throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'kernel', kernel, 'what importBtf resolves to')
  const known = new Set<string>(tables().pageTypes)
  const types = kernel.types.filter(({ type, exists }) => exists && known.has(type)).map(({ type }) => type as PageType)
  const isDeclared = (type: string): boolean => (types as string[]).includes(type)
  const wordBits = kernel.wordBytes * 8
  const little = (byteInMemory: number, bits: number): number => {
    const word = Math.floor(byteInMemory / kernel.wordBytes)
    const within = byteInMemory - word * kernel.wordBytes
    return kernel.byteOrder === 'little'
      ? byteInMemory
      : word * kernel.wordBytes + byteOf(0, within * 8, bits, wordBits, 'big')
  }
  const fields = kernel.fields.flatMap((field) => {
    const on = field.types.filter(isDeclared) as PageType[]
    return on.length === 0 ? [] : [{ ...toField(asDeclared(field), kernel, 'little'), types: on }]
  })
  const exclusive = kernel.flags.find(({ bit }) => bit === kernel.anonExclusiveBit)?.name
  const definition: LayoutDefinition = {
    name: kernel.name,
    summary: `struct page of a real kernel, ${kernel.release.text}, from its BTF`,
    wordBytes: kernel.wordBytes,
    strideBytes: kernel.strideBytes,
    kconfig: kconfigOf(kernel),
    era: eraOf(kernel),
    types,
    compoundTypes: kernel.compoundTypes.filter(isDeclared) as PageType[],
    flags: kernel.flags.map(({ name, bit }) => ({ name, bit })),
    ...(exclusive !== undefined && { anonExclusiveFlag: exclusive }),
    compoundHead: kernel.compoundHead,
    byteOrder: kernel.byteOrder,
    fields,
    pincount: pincountOf(kernel, 'little'),
    mapcountOffsetBytes: little(kernel.mapcountByte, 32),
    refcountOffsetBytes: little(kernel.refcountByte, 32),
    ...(kernel.orderByte !== undefined && { orderOffsetBytes: little(kernel.orderByte, 8) }),
  }
  return { definition, cannotSay: unsayable(kernel, types) }
}

/** Where the pin count lies in its 32 aligned bits, in memory of that order. */
export function pincountOf({ pincount, fields, wordBytes }: KernelDescriptor, order: ByteOrder): PincountPlace {
  const { tail, minOrder } = pincount
  const field = fields.find(({ kind }) => kind === 'pincount')
  if (field === undefined) return { tail, offsetBytes: 0, minOrder, shift: 0, bits: 32 }
  const { word, shift, bits } = field
  const unit = Math.floor(shift / 32) * 32
  return { tail, offsetBytes: byteOf(word, unit, 32, wordBytes * 8, order), minOrder, shift: shift - unit, bits }
}

export function kconfigOf(kernel: KernelDescriptor): Kconfig {
  const { widths } = kernel
  return {
    name: configText(kernel),
    sectionBits: widths.section,
    nodeBits: widths.node,
    zoneBits: widths.zone,
    lastCpupidBits: widths.lastCpupid,
    kasanTagBits: widths.kasanTag,
    lruGenBits: widths.lruGen,
    lruRefsBits: widths.lruRefs,
    memcg: hasMemcg(kernel),
    alignBytes: kernel.alignBytes,
    zoneNormal: zoneOf(kernel, 'normal') ?? 2,
    zoneDevice: zoneOf(kernel, 'device') ?? 4,
  }
}

export function eraOf({ release, deviceBase, anonExclusiveBit, pageTypeValues: values }: KernelDescriptor): Era {
  return {
    kernel: release.text,
    zoneDeviceBase: deviceBase.fsdax,
    privateBase: deviceBase.private,
    anonExclusive: anonExclusiveBit !== undefined,
    buddyType: values.buddy ?? 0,
    tableType: values.table ?? 0,
    slabType: values.slab ?? 0,
    hugetlbType: values.hugetlb ?? 0,
  }
}

const zoneOf = ({ zones }: KernelDescriptor, name: string): number | undefined =>
  zones.find((zone) => zone.name === name)?.number

const hasMemcg = (kernel: KernelDescriptor): boolean => kernel.fields.some(({ object }) => object === 'mem-cgroup')

/** What decides the width of `flags`, in the manner of the built-in layouts. */
function configText(kernel: KernelDescriptor): string {
  const { widths } = kernel
  return [
    ...(widths.section === 0 ? [] : [`${2 ** widths.section} sections`]),
    ...(widths.lastCpupid === 0 ? [] : [`${2 ** (widths.lastCpupid - 8)} CPUs`]),
    ...(widths.node === 0 ? ['one node'] : [`${2 ** widths.node} nodes`]),
    ...(widths.kasanTag === 0 ? [] : ['KASAN tags']),
    ...(hasMemcg(kernel) ? ['MEMCG'] : []),
    ...(widths.lruGen === 0 ? [] : ['LRU_GEN']),
    ...(kernel.byteOrder === 'big' ? ['big-endian'] : []),
  ].join(', ')
}

type DeclaredField = LayoutDefinition['fields'][number]

/**
 * Bit 0 of word 1 says tail to every lockless reader; whatever else lies there leaves it clear. And boxes
 * take a field called `ptl` for the lock itself, which a kernel with large locks keeps elsewhere.
 */
function asDeclared(field: DescriptorField): DescriptorField {
  if (field.name === 'ptl' && field.kind === 'pointer')
    return { ...field, name: 'ptl_pointer', object: 'page-table-lock' }
  const mayLieThere = ['pointer', 'list-next', 'list-prev', 'page-ref'].includes(field.kind)
  if (field.word !== 1 || field.shift !== 0 || mayLieThere) return field
  return { ...field, shift: 1, bits: field.bits - 1 }
}

/** A field by bytes, as memory of that order has them. */
export function toField(field: DescriptorField, kernel: KernelDescriptor, order: ByteOrder): DeclaredField {
  const wordBits = kernel.wordBytes * 8
  const { word, shift, bits } = field
  let { kind } = field
  // A part of a pointer is no pointer.
  const isWhole = bits === wordBits
  if (!isWhole && ['pointer', 'mapping', 'list-next', 'list-prev', 'page-ref'].includes(kind)) kind = 'count'
  const common = {
    name: field.name,
    bits,
    kind,
    types: field.types as readonly PageType[],
    meaning: field.known ? field.meaning : `unknown to pagebox, counts as live (${field.member})`,
    ...(field.object !== undefined && { object: field.object }),
  }
  const isBytes = shift % 8 === 0 && bits % 8 === 0
  if (isBytes && (kind !== 'flags' || order === 'big'))
    return { ...common, offsetBytes: byteOf(word, shift, bits, wordBits, order), shift: 0 }
  // Bits count from the lowest of the unit that holds them; in big-endian memory that lies at its end,
  // so the smallest unit says best which bytes they are in.
  const isWithin = (unit: number): boolean => Math.floor(shift / unit) === Math.floor((shift + bits - 1) / unit)
  const units = kind === 'flags' ? [] : order === 'big' ? [8, 16, 32] : [32]
  const unit = units.find(isWithin) ?? wordBits
  const first = Math.floor(shift / unit) * unit
  return { ...common, offsetBytes: byteOf(word, first, unit, wordBits, order), shift: shift - first }
}

function unsayable(kernel: KernelDescriptor, types: readonly PageType[]): Unsayable[] {
  const said: Unsayable[] = []
  const say = (what: string, refused = false): void => void said.push({ what, refused })
  const hasDevices = types.some((type) => type.startsWith('device-') || ['fsdax', 'devdax', 'p2pdma'].includes(type))
  const { deviceBase: base } = kernel
  if (hasDevices && base.devdax !== 1) say(`a free devdax page counts ${base.devdax}, not 1`)
  const foreign = kernel.types.filter(({ type, exists }) => exists && !(tables().pageTypes as string[]).includes(type))
  if (foreign.length > 0) say(`page types ${foreign.map(({ type }) => type).join(', ')}`)
  return said
}
