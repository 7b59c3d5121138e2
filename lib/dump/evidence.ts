import type { Candidate } from './candidates.ts'
import { compareReleases, type Release } from './eras.ts'
import { type FormName, forms } from './printedForms.ts'
import type { RawDump } from './rawDump.ts'

/** The release in `6.8.0-rc7-syzkaller-…`, or null. A release candidate is of the release it leads to. */
export function releaseOf(text: string | null): Release | null {
  const found = text === null ? null : /^(\d{1,2})\.(\d{1,3})/.exec(text)
  return found === null ? null : [Number(found[1]), Number(found[2])]
}

/** Which forms a dump has that only some kernels print. */
export function formsOf(dump: RawDump): FormName[] {
  const { header, head, flags, type, raw, headWords } = dump
  const found: FormName[] = []
  const add = (name: FormName, is: boolean): void => void (is && found.push(name))
  if (header !== null && (header.has('count') || header.has('refcount'))) {
    add('count', header.has('count'))
    add('refcount', header.has('refcount'))
    const whole = header.has('index')
    add('pfn', whole && header.has('pfn'))
    add('noPfn', whole && !header.has('pfn'))
    add('inlineHead', header.has('head') && header.has('order'))
    const compound = header.has('compound_mapcount')
    add('inlineCompound', compound)
    add('inlineWithoutPins', compound && !header.has('compound_pincount'))
    add('pagePointer', header.has('page'))
    add('noPagePointer', whole && !header.has('page'))
  }
  if (head !== null) {
    add('headLine', true)
    add('entireMapcount', head.has('entire_mapcount'))
    add('headPointer', head.has('page') && head.has('entire_mapcount'))
    add('headMapcount', head.has('mapcount'))
  }
  add('compoundPincount', (head ?? header)?.has('compound_pincount') === true)
  if (flags !== null) {
    const printed = Object.keys(flags.fields).length > 0
    add('highFields', printed)
    // A word without any of them may belong to a kernel without zones and nodes in it.
    add('noHighFields', !printed && flags.value >> 24n !== 0n)
    add('dropbehind', flags.names.includes('dropbehind'))
  }
  add('pageFlags', dump.pageFlagsForm)
  add('badBecause', dump.badFlags !== null)
  add('typeWord', type?.whole === true)
  add('typeByte', type?.whole === false)
  const stride = raw.length >= 7 ? raw.length : 8
  add('headTail', headWords.length >= 2 * stride)
  // Where nothing is never mapped, as on s390x and 32-bit, poison has no base.
  const has = (low: string): boolean =>
    raw.includes(`dead000000000${low}`) || raw.includes(low.padStart(8, '0')) || raw.includes(low.padStart(16, '0'))
  add('oldPoison', has('100') && has('200'))
  add('newPoison', has('100') && has('122'))
  add('countReason', dump.because === 'nonzero _count')
  add('rawRows', raw.length > 0 && header !== null && header.has('index'))
  add('memcgLine', dump.memcgForm === 'memcg')
  add('memCgroupLine', dump.memcgForm === 'mem_cgroup')
  add('inodeLine', dump.inode !== null)
  return found
}

/** The kernels that print all of these forms; null where they contradict each other. */
export function rangeOf(names: readonly FormName[]): { from: Release; to: Release } | null {
  let from: Release = [0, 0]
  let to: Release = [99, 99]
  for (const name of names) {
    const form: { from?: Release; to?: Release } = forms[name]
    if (form.from !== undefined && compareReleases(form.from, from) > 0) from = form.from
    if (form.to !== undefined && compareReleases(form.to, to) < 0) to = form.to
  }
  return compareReleases(from, to) <= 0 ? { from, to } : null
}

/** Whether a candidate's kernels and a range have one in common. */
export function overlaps({ from, to }: Candidate, range: { from?: Release; to?: Release }): boolean {
  if (from === null || to === null) return true
  return (
    (range.from === undefined || compareReleases(range.from, to) <= 0) &&
    (range.to === undefined || compareReleases(from, range.to) <= 0)
  )
}
