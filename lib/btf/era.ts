import type { Doubt, FlagOfKernel, KernelDescriptor } from './description.ts'
import { type Release, type ReleaseRange, release, rangeText, releaseText } from './release.ts'
import type { Btf } from './types.ts'

/**
 * What a page without mappings has over `_mapcount`. An enum since v6.11; before, numbers that only the
 * preprocessor knew: a word of ones with one bit clear.
 */
export function readPageTypes(
  btf: Btf,
  range: ReleaseRange,
  flags: readonly FlagOfKernel[],
  doubts: Doubt[],
): Record<string, number> {
  const values: Record<string, number> = Object.create(null)
  const declared = btf.enumOf('pagetype', 'PG')
  for (const { name, value } of declared ?? []) {
    if (name.startsWith('PGTY_') && value >= 0n && value <= 0xffn) values[name.slice(5)] = Number(value) * 2 ** 24
    // v6.11: a bit each, that is clear.
    else if (name.startsWith('PG_') && value >= 0n && value <= 0xffffffffn)
      values[name.slice(3)] = Number(~value & 0xffffffffn)
  }
  if (declared !== undefined) return values
  const clear = (bit: number): number => 0xffffffff - bit
  const old = range.before !== undefined && range.before <= release(5, 11)
  Object.assign(values, { buddy: clear(0x80), offline: clear(0x100), table: clear(old ? 0x400 : 0x200) })
  // In v6.10 slabs and hugetlb pages had become types, and there was no enum yet.
  const slabIsType = !flags.some(({ name }) => name === 'slab')
  if (slabIsType) Object.assign(values, { hugetlb: clear(0x800), slab: clear(0x1000) })
  doubts.push({
    about: 'page types',
    kind: 'defaulted',
    text: `BTF of ${rangeText(range)} has no enum pagetype: buddy is a clear bit 0x80, page tables 0x${(old ? 0x400 : 0x200).toString(16)}, as in ${old ? 'v5.10' : slabIsType ? 'v6.10' : 'v6.1'}`,
  })
  return values
}

/** A rule of device pages that changed, and from which release on. */
const bases: readonly {
  of: readonly (keyof KernelDescriptor['deviceBase'])[]
  since: Release
}[] = [
  { of: ['private', 'coherent'], since: release(6, 1) },
  { of: ['fsdax', 'p2pdma'], since: release(6, 15) },
]

/** References of free device pages: 1 in the beginning, 0 since the release that made that type's pages freeable. */
export function readDeviceBase(range: ReleaseRange, doubts: Doubt[]): KernelDescriptor['deviceBase'] {
  const base = { private: 1, coherent: 1, fsdax: 1, devdax: 1, p2pdma: 1 }
  for (const { of, since } of bases) {
    const isNew = range.least >= since
    const isOld = range.before !== undefined && range.before <= since
    for (const each of of) base[each] = isOld ? 1 : 0
    if (!isNew && !isOld)
      doubts.push({
        about: 'device pages',
        kind: 'defaulted',
        text: `a free page of ${of.join(' and ')} counts 0 since ${releaseText(since)}, and this kernel is ${rangeText(range)}: taken for 0`,
      })
  }
  doubts.push({
    about: 'device pages',
    kind: 'defaulted',
    text: `references of a free device page by release: ${Object.entries(base)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  })
  return base
}
