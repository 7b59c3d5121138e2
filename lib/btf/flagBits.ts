import type { Doubt, FlagOfKernel, HighWidths } from './description.ts'
import { btfFault } from './fault.ts'
import { isOn, type KernelConfig, numberOf } from './kconfig.ts'
import { memberAt } from './members.ts'
import type { Btf } from './types.ts'

/** Without these a page cannot be told from another; the others may be missing. */
const required = ['lru', 'head', 'active', 'unevictable', 'swapbacked', 'uptodate'] as const

export interface FlagTable {
  readonly flags: readonly FlagOfKernel[]
  readonly aliases: readonly FlagOfKernel[]
  /** __NR_PAGEFLAGS: bits from 0 that flags take. */
  readonly count: number
}

/** The flags of `enum pageflags`, by number: the first name of a bit, and its further ones. */
export function readFlags(btf: Btf, wordBits: number): FlagTable {
  const values = btf.enumOf('pageflags', 'PG_')
  if (values === undefined) throw btfFault('no enum pageflags', 'BTF of a kernel (vmlinux, not a module)')
  const end = values.find(({ name }) => name === '__NR_PAGEFLAGS')
  if (end === undefined || end.value < 1n || end.value > BigInt(wordBits))
    throw btfFault(
      end === undefined ? 'no __NR_PAGEFLAGS' : `__NR_PAGEFLAGS of ${end.value}`,
      `the number of page flags, 1 to ${wordBits}`,
    )
  const count = Number(end.value)
  const flags: FlagOfKernel[] = []
  const aliases: FlagOfKernel[] = []
  for (const { name, value } of values) {
    if (!name.startsWith('PG_') || value < 0n || value >= end.value) continue
    const flag = { name: name.slice(3), bit: Number(value) }
    ;(flags.some(({ bit }) => bit === flag.bit) ? aliases : flags).push(flag)
  }
  for (const name of required)
    if (!flags.some((flag) => flag.name === name))
      throw btfFault(`no PG_${name}`, `an enum pageflags with ${required.map((each) => `PG_${each}`).join(', ')}`)
  // A bit without a name would look free.
  for (let bit = 0; bit < count; bit++)
    if (!flags.some((flag) => flag.bit === bit)) flags.push({ name: `bit_${bit}`, bit })
  flags.sort((a, b) => a.bit - b.bit)
  return { flags, aliases, count }
}

export function readZones(btf: Btf): { name: string; number: number }[] {
  const values = btf.enumOf('zone_type', 'ZONE_')
  const end = values?.find(({ name }) => name === '__MAX_NR_ZONES')
  if (values === undefined || end === undefined || end.value < 1n || end.value > 8n)
    throw btfFault(
      values === undefined ? 'no enum zone_type' : `__MAX_NR_ZONES of ${end?.value ?? 'no value'}`,
      'enum zone_type with 1 to 8 zones',
    )
  return values
    .filter(({ name, value }) => name.startsWith('ZONE_') && value >= 0n && value < end.value)
    .map(({ name, value }) => ({ name: name.slice(5).toLowerCase(), number: Number(value) }))
}

const bitsFor = (values: number): number => Math.ceil(Math.log2(Math.max(values, 1)))

const elements = (btf: Btf, of: string, member: string): number | undefined => {
  const found = btf.composite(of)
  const at = found && memberAt(btf, found.id, member)
  return at && btf.elementsOf(at.type)
}

/**
 * Widths of section, node, zone, last_cpupid, KASAN tag and the multi-generational LRU's bits. The
 * kernel computes them in the preprocessor, so BTF does not name them; but arrays have been sized by
 * the same constants.
 */
export function readWidths(
  btf: Btf,
  flags: number,
  zones: number,
  config: KernelConfig | undefined,
  doubts: Doubt[],
): HighWidths {
  const wordBits = btf.wordBytes * 8
  const say = (about: string, kind: Doubt['kind'], text: string): void => void doubts.push({ about, kind, text })
  let left = wordBits - flags
  /** Takes what fits. */
  const take = (bits: number): number => {
    if (bits > left) return 0
    left -= bits
    return bits
  }

  const zone = bitsFor(zones)
  if (zone > left) throw btfFault(`${flags} flags and ${zones} zones`, `what fits into ${wordBits} bits`)
  const section = sectionBits(btf, config, wordBits, say)
  const nodeShift = nodeBits(btf, zones, config, say)
  const gen = genBits(btf)
  // In the kernel's order: what does not fit beside the others is left out, and kept elsewhere.
  take(zone)
  const inWord = { section: take(section), lruGen: take(gen), node: 0, lastCpupid: 0, kasanTag: 0, lruRefs: 0 }
  if (inWord.section < section) say('section', 'defaulted', `${section} bits of section do not fit: taken for none`)
  inWord.node = take(nodeShift)
  if (inWord.node < nodeShift)
    say('node', 'defaulted', `${nodeShift} bits of node do not fit: the kernel keeps it by section`)
  inWord.kasanTag = take(kasanBits(btf, config, say))
  inWord.lastCpupid = take(cpupidBits(btf, config, wordBits, say))
  inWord.lruRefs = gen === 0 ? 0 : Math.min(refsBits(btf), left)
  return { zone, ...inWord }
}

type Say = (about: string, kind: Doubt['kind'], text: string) => void

function sectionBits(btf: Btf, config: KernelConfig | undefined, wordBits: number, say: Say): number {
  const section = btf.composite('mem_section')
  if (section === undefined || section.type.members.length === 0) return 0
  const usage = btf.composite('mem_section_usage')
  if (usage !== undefined && memberAt(btf, usage.id, 'subsection_map') !== undefined) return 0
  if (isOn(config, 'SPARSEMEM_VMEMMAP') === true) {
    say('section', 'asked', 'no section number in flags: CONFIG_SPARSEMEM_VMEMMAP')
    return 0
  }
  if (isOn(config, 'SPARSEMEM') === false) return 0
  const physical = numberOf(config, 'PHYSMEM_BITS')
  const size = numberOf(config, 'SECTION_SIZE_BITS')
  if (physical !== undefined && size !== undefined && physical > size) {
    say('section', 'asked', `${physical - size} bits of section: CONFIG_PHYSMEM_BITS - CONFIG_SECTION_SIZE_BITS`)
    return physical - size
  }
  if (wordBits === 64) {
    say('section', 'defaulted', 'SPARSEMEM without a visible memory map: taken for VMEMMAP, with no section in flags')
    return 0
  }
  say(
    'section',
    'defaulted',
    'SPARSEMEM without VMEMMAP: 7 bits of section, as x86 PAE has; MAX_PHYSMEM_BITS - SECTION_SIZE_BITS of vmcoreinfo would tell',
  )
  return 7
}

function nodeBits(btf: Btf, zones: number, config: KernelConfig | undefined, say: Say): number {
  const refs = elements(btf, 'zonelist', '_zonerefs')
  const asked = isOn(config, 'NUMA') === false ? 0 : numberOf(config, 'NODES_SHIFT')
  if (refs === undefined || refs < 2) {
    say(
      'node',
      asked === undefined ? 'defaulted' : 'asked',
      asked === undefined
        ? 'no struct zonelist: node taken for 0 bits'
        : `${asked} bits of node: CONFIG_NODES_SHIFT, since BTF has no struct zonelist`,
    )
    return asked ?? 0
  }
  const bits = bitsFor(Math.floor((refs - 1) / zones))
  if (asked !== undefined && asked !== bits)
    say('node', 'contradiction', `BTF has ${2 ** bits} nodes, the configuration ${2 ** asked}: BTF was believed`)
  return bits
}

const generations = ['lru_gen_folio', 'lru_gen_struct'] as const

/** Four generations and "none" are five values. */
function genBits(btf: Btf): number {
  for (const name of generations) {
    const count = elements(btf, name, 'timestamps')
    if (count !== undefined && count > 0 && count < 256) return bitsFor(count + 1)
  }
  return 0
}

/** Tiers, from the averages kept for each tier of anonymous and file pages; two of them need no bits. */
function refsBits(btf: Btf): number {
  for (const name of generations) {
    const count = elements(btf, name, 'avg_refaulted')
    if (count !== undefined && count < 256) return Math.max(0, Math.floor(count / 2) - 2)
  }
  return 0
}

function cpupidBits(btf: Btf, config: KernelConfig | undefined, wordBits: number, say: Say): number {
  const balancing = btf.has('numa_group', 'struct')
  const asked = isOn(config, 'NUMA_BALANCING')
  if (asked !== undefined && asked !== balancing)
    say(
      'last_cpupid',
      'contradiction',
      `CONFIG_NUMA_BALANCING is ${asked ? 'on' : 'off'}, BTF has ${balancing ? '' : 'no '}struct numa_group: BTF was believed`,
    )
  const page = btf.composite('page')
  if (!balancing || (page && memberAt(btf, page.id, '_last_cpupid') !== undefined)) return 0
  const pidBits = 8
  const words = elements(btf, 'cpumask', 'bits')
  const cpus = numberOf(config, 'NR_CPUS')
  // Above one word, NR_CPUS is as good as always a power of two.
  if (words !== undefined && words > 1 && words < 1024) {
    const bits = bitsFor(words * wordBits)
    if (cpus !== undefined && bitsFor(cpus) !== bits) {
      const fits = Math.ceil(cpus / wordBits) === words
      say(
        'last_cpupid',
        fits ? 'asked' : 'contradiction',
        fits
          ? `${cpus} CPUs: CONFIG_NR_CPUS`
          : `BTF has up to ${words * wordBits} CPUs, the configuration ${cpus}: BTF was believed`,
      )
      if (fits) return pidBits + bitsFor(cpus)
    }
    return pidBits + bits
  }
  if (cpus !== undefined) {
    say('last_cpupid', 'asked', `${cpus} CPUs: CONFIG_NR_CPUS, since one word of cpumask does not tell`)
    return pidBits + bitsFor(cpus)
  }
  say('last_cpupid', 'defaulted', `${wordBits} CPUs: as many as one word of cpumask holds; CONFIG_NR_CPUS would tell`)
  return pidBits + bitsFor(wordBits)
}

function kasanBits(btf: Btf, config: KernelConfig | undefined, say: Say): number {
  const [software, hardware] = [isOn(config, 'KASAN_SW_TAGS'), isOn(config, 'KASAN_HW_TAGS')]
  if (software === true || hardware === true) {
    say('kasan_tag', 'asked', `8 bits of KASAN tag: CONFIG_KASAN_${software ? 'SW' : 'HW'}_TAGS`)
    return 8
  }
  // Tags are for pointers of 64 bits.
  if (btf.wordBytes === 4 || isOn(config, 'KASAN') !== undefined) return 0
  if (btf.has('kasan_arg', 'enum')) {
    say(
      'kasan_tag',
      'defaulted',
      'enum kasan_arg exists, so tags of hardware KASAN take 8 bits; the configuration would tell',
    )
    return 8
  }
  say('kasan_tag', 'defaulted', 'no KASAN tag in flags: BTF cannot tell, the configuration would')
  return 0
}
