import { deepFreeze } from '../base/freeze.ts'
import { readDeviceBase, readPageTypes } from './era.ts'
import type { DescribedType, Doubt, KernelDescriptor } from './description.ts'
import { type DescriptorFields, readFields } from './fields.ts'
import { type FlagTable, readFlags, readWidths, readZones } from './flagBits.ts'
import { isOn, type KernelConfig } from './kconfig.ts'
import { memberAt } from './members.ts'
import { type ReleaseRange, rangeText, releaseRange, releaseText } from './release.ts'
import { deviceTypes, everyType } from './rules.ts'
import type { Btf } from './types.ts'
import { Views } from './views.ts'

export interface DescribeOptions {
  readonly name: string
  /** For messages: the file, or `'bytes'`. */
  readonly source: string
  readonly config?: KernelConfig | undefined
  /** Doubts that reading the file has left. */
  readonly doubts?: readonly Doubt[]
}

const described = new WeakSet<object>()
/** Whether it came from here, and is thus sound. */
export const isDescriptor = (value: unknown): value is KernelDescriptor =>
  typeof value === 'object' && value !== null && described.has(value)

/** What the kernel of this BTF has for a page descriptor; frozen. */
export function describeKernel(
  btf: Btf,
  { name, source, config, doubts: before = [] }: DescribeOptions,
): KernelDescriptor {
  const doubts: Doubt[] = [...before]
  const views = new Views(btf)
  const { wordBytes, byteOrder } = btf
  const wordBits = wordBytes * 8
  checkWord(config, wordBits, doubts)
  const range = readRelease(btf, config, doubts)
  const table = readFlags(btf, wordBits)
  const zones = readZones(btf)
  const widths = readWidths(btf, table.count, zones.length, config, doubts)
  const pageTypeValues = readPageTypes(btf, range, table.flags, doubts)

  const types = readTypes(btf, views, zones, config, doubts)
  // What the configuration leaves out is described all the same: the words are there.
  const inFile = new Set(types.filter(({ inStructs }) => inStructs).map(({ type }) => type))
  const read = readFields(views, pageTypeValues.slab !== undefined, (type) => inFile.has(type))
  for (const { member, byte, over } of read.unknown)
    doubts.push({
      about: member,
      kind: 'defaulted',
      text: `${member} (byte ${byte}) is unknown to pagebox: taken for live${over.length === 0 ? '' : `, over ${over.join(', ')}`}`,
    })
  for (const each of read.missing)
    doubts.push({ about: each, kind: 'defaulted', text: `the kernel has no ${each} that pagebox would know` })

  const kernel: KernelDescriptor = deepFreeze({
    name,
    source,
    byteOrder,
    wordBytes,
    strideBytes: views.strideBytes,
    alignBytes: views.strideBytes % (2 * wordBytes) === 0 ? 2 * wordBytes : wordBytes,
    release: { least: range.least, before: range.before, because: range.because, text: rangeText(range) },
    flags: table.flags,
    flagAliases: table.aliases,
    widths,
    ...highFields(table, widths, wordBits),
    zones,
    anonExclusiveBit: [...table.flags, ...table.aliases].find((flag) => flag.name === 'anon_exclusive')?.bit,
    pageTypeValues,
    memoryTypes: Object.fromEntries(
      (btf.enumOf('memory_type', 'MEMORY_DEVICE_') ?? [])
        .filter((each) => each.name.startsWith('MEMORY_'))
        .map((each) => [each.name, Number(each.value)]),
    ),
    deviceBase: deviceTypes.some((type) => inFile.has(type))
      ? readDeviceBase(range, doubts)
      : { private: 0, coherent: 0, fsdax: 0, devdax: 0, p2pdma: 0 },
    compoundHead: readCompoundHead(read, views, config, doubts),
    types: types.map(({ type, exists, because }) => ({ type, exists, because })),
    compoundTypes: compoundTypes(views, inFile),
    fields: read.fields,
    pincount: pincountOf(read),
    mapcountByte: byteOfMet(read, '_mapcount'),
    refcountByte: byteOfMet(read, '_refcount'),
    orderByte: read.orderByte,
    unknown: read.unknown,
    missing: read.missing,
    doubts,
  })
  described.add(kernel)
  return kernel
}

function checkWord(config: KernelConfig | undefined, wordBits: number, doubts: Doubt[]): void {
  const is64 = isOn(config, '64BIT')
  if (is64 !== undefined && is64 !== (wordBits === 64))
    doubts.push({
      about: 'configuration',
      kind: 'contradiction',
      text: `BTF has words of ${wordBits} bits, CONFIG_64BIT is ${is64 ? 'on' : 'off'}: is it the configuration of another kernel?`,
    })
}

/** The release of the configuration's first line, or the range that BTF leaves. */
function readRelease(btf: Btf, config: KernelConfig | undefined, doubts: Doubt[]): ReleaseRange {
  const range = releaseRange(btf)
  for (const text of range.against)
    doubts.push({ about: 'release', kind: 'contradiction', text: `${text}, but ${range.because[0]}` })
  const exact = config?.release
  if (exact === undefined) {
    doubts.push({
      about: 'release',
      kind: 'defaulted',
      text: `BTF does not name its release: ${rangeText(range)}, since ${range.because.join('; ')}`,
    })
    return range
  }
  if (exact < range.least || (range.before !== undefined && exact >= range.before)) {
    doubts.push({
      about: 'release',
      kind: 'contradiction',
      text: `the configuration is of ${releaseText(exact)}, BTF of ${rangeText(range)} (${range.because.join('; ')}): BTF was believed`,
    })
    return range
  }
  return { least: exact, before: exact + 1, because: [`the configuration is of ${config?.releaseText}`], against: [] }
}

function highFields(
  table: FlagTable,
  widths: KernelDescriptor['widths'],
  wordBits: number,
): Pick<KernelDescriptor, 'highFields' | 'freeFlagBits'> {
  let top = wordBits
  const found: { name: string; shift: number; bits: number }[] = []
  // The order of page-flags-layout.h.
  for (const [name, bits] of [
    ['section', widths.section],
    ['node', widths.node],
    ['zone', widths.zone],
    ['last_cpupid', widths.lastCpupid],
    ['kasan_tag', widths.kasanTag],
    ['lru_gen', widths.lruGen],
    ['lru_refs', widths.lruRefs],
  ] as const) {
    if (bits === 0) continue
    top -= bits
    found.push({ name, shift: top, bits })
  }
  return { highFields: found, freeFlagBits: top - table.count }
}

interface TypeOfKernel {
  readonly type: DescribedType
  readonly exists: boolean
  /** Whether the structs have it, were it configured. */
  readonly inStructs: boolean
  readonly because: string
}

/** What has to be in `enum memory_type`, and in the configuration, for device pages of a type. */
const ofDevice: Partial<Record<DescribedType, { memory: readonly string[]; option: string }>> = {
  'device-private-anon': { memory: ['PRIVATE'], option: 'DEVICE_PRIVATE' },
  'device-private-file': { memory: ['PRIVATE'], option: 'DEVICE_PRIVATE' },
  'device-public-anon': { memory: ['PUBLIC'], option: 'DEVICE_PUBLIC' },
  'device-public-file': { memory: ['PUBLIC'], option: 'DEVICE_PUBLIC' },
  'device-coherent': { memory: ['COHERENT'], option: 'DEVICE_PRIVATE' },
  fsdax: { memory: ['FS_DAX'], option: 'FS_DAX' },
  devdax: { memory: ['GENERIC', 'DEVDAX'], option: 'DEV_DAX' },
  p2pdma: { memory: ['PCI_P2PDMA'], option: 'PCI_P2PDMA' },
}

function readTypes(
  btf: Btf,
  views: Views,
  zones: readonly { name: string }[],
  config: KernelConfig | undefined,
  doubts: Doubt[],
): TypeOfKernel[] {
  const memory = new Set(
    (btf.enumOf('memory_type', 'MEMORY_DEVICE_') ?? []).map(({ name }) => name.replace('MEMORY_DEVICE_', '')),
  )
  const hasDevices = zones.some(({ name }) => name === 'device')
  const named = (option: string): string =>
    deviceTypes.filter((type) => ofDevice[type]?.option === option && possible(type)).join(', ')
  const possible = (type: DescribedType): boolean => ofDevice[type]?.memory.some((each) => memory.has(each)) ?? false
  // One option decides on several page types; it is said once.
  const said = (option: string, kind: Doubt['kind'], text: string): void => {
    if (!doubts.some((doubt) => doubt.about === `CONFIG_${option}`))
      doubts.push({ about: `CONFIG_${option}`, kind, text })
  }
  const of = (type: DescribedType): TypeOfKernel => {
    const is = (has: boolean, because: string): TypeOfKernel => ({ type, exists: has, inStructs: has, because })
    if (type === 'third-tail')
      return is(
        views.members('f').some(({ tail }) => tail === 3),
        'struct folio has a fourth descriptor',
      )
    if (type === 'page-pool')
      return is(
        views.has('n') || views.find('p.pp_magic') !== undefined || views.find('p.dma_addr') !== undefined,
        'pages of network rings',
      )
    if (type === 'zsmalloc') return is(views.has('z'), 'struct zpdesc')
    const device = ofDevice[type]
    if (device === undefined) return is(true, 'every kernel has it')
    if (!hasDevices) return is(false, 'no ZONE_DEVICE in enum zone_type')
    if (!possible(type)) return is(false, `no MEMORY_DEVICE_${device.memory[0]}`)
    const on = isOn(config, device.option)
    if (on !== undefined) {
      const because = `CONFIG_${device.option} is ${on ? 'set' : config?.options.has(device.option) ? 'not set' : 'not in the configuration'}`
      if (!on) said(device.option, 'asked', `no ${named(device.option)} in this kernel: ${because}`)
      return { type, exists: on, inStructs: true, because }
    }
    said(device.option, 'defaulted', `${named(device.option)} taken for present: CONFIG_${device.option} would tell`)
    return { type, exists: true, inStructs: true, because: `nobody has said what CONFIG_${device.option} is` }
  }
  return everyType.map(of)
}

/**
 * Word 1 of a tail was the head's address with bit 0 set; since v7.1 it is a mask where the memory map
 * of hugetlb pages may be folded, which asks for descriptors of a power of two.
 */
function readCompoundHead(
  { met }: DescriptorFields,
  views: Views,
  config: KernelConfig | undefined,
  doubts: Doubt[],
): 'address' | 'mask' {
  if (met.get('compound_head')?.member.name !== 'compound_info') return 'address'
  const { strideBytes } = views
  if ((strideBytes & (strideBytes - 1)) !== 0) return 'address'
  const option = 'HUGETLB_PAGE_OPTIMIZE_VMEMMAP'
  const folded = isOn(config, option)
  if (folded === undefined)
    doubts.push({
      about: 'compound_head',
      kind: 'defaulted',
      text: `word 1 of a tail is taken for a mask, as with CONFIG_${option}; without it, it is the head's address`,
    })
  return folded === false ? 'address' : 'mask'
}

function compoundTypes(views: Views, inFile: ReadonlySet<DescribedType>): DescribedType[] {
  const found: DescribedType[] = ['anon', 'file', 'slab', 'compound-head', 'tail', 'second-tail', 'third-tail']
  const { btf } = views
  const pagemap = btf.composite('dev_pagemap')
  if (pagemap !== undefined && memberAt(btf, pagemap.id, 'vmemmap_shift') !== undefined) found.push('devdax')
  return found.filter((type) => inFile.has(type))
}

function pincountOf({ fields, met }: DescriptorFields): KernelDescriptor['pincount'] {
  const field = fields.find(({ kind }) => kind === 'pincount')
  if (field === undefined) return { tail: 0, byte: 0, minOrder: 1 }
  const { byte, types } = field
  const inFolio = met.get('_pincount')?.tail ?? 0
  const tail = inFolio > 0 ? inFolio : types.includes('second-tail') ? 2 : 1
  // The smallest folio that has such a page.
  return { tail, byte, minOrder: Math.ceil(Math.log2(tail + 1)) }
}

function byteOfMet({ met }: DescriptorFields, name: string): number {
  return Math.floor((met.get(name)?.bit ?? 0) / 8)
}
