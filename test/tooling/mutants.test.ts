import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { changesOf, drawMutants, type Mutant, switched } from '../../scripts/mutants.mjs'

const changed = (line: string) => changesOf(line).map(([, text]) => text)

test('a call, a condition and an operator are each changed once', () => {
  expect(changed('  folio_put(cpu, folio);')).toEqual(['  ;'])
  expect(changed('  if (slot.get().none()) return false;')).toEqual(['  if (!(slot.get().none())) return false;'])
  expect(changed('  const bool last = seen == n && !full;')).toEqual([
    '  const bool last = seen != n && !full;',
    '  const bool last = seen == n || !full;',
  ])
  expect(changed('  word &= ~bits;')).toEqual(['  word &= bits;'])
})

test('comments, loops, planted faults and what is no statement stay', () => {
  for (const line of [
    '#include "base/fault.h"',
    '  // a == b && c',
    '  for (unsigned i = 0; i < n; ++i) {',
    '  if (planted(Mistake::kGetFromZero)) return;',
    '  static_assert(a == b);',
    'void top(Cpu& cpu);',
  ])
    expect(changesOf(line)).toEqual([])
})

test('a draw is its seed’s, and of many files', () => {
  const path = 'native/mm/rmap/rmap_restore.cpp'
  const files = [path, 'native/mm/zap.cpp'].map((each) => ({
    path: each,
    text: readFileSync(new URL(`../../${each}`, import.meta.url), 'utf8'),
  }))
  const drawn: Mutant[] = drawMutants(files, 7)
  expect(drawMutants(files, 7)).toEqual(drawn)
  expect(drawMutants(files, 8)).not.toEqual(drawn)
  expect(drawn.map((each) => each.path).sort()).toEqual([path, path, 'native/mm/zap.cpp', 'native/mm/zap.cpp'])
  for (const { old, new: text } of drawn) expect(text).not.toBe(old)
  expect(drawMutants(files, 7, 1000).some(({ old }: Mutant) => old.includes('mlock_drain'))).toBe(true)
})

test('a line that chooses at run time is the old one or the new one', () => {
  const chosen = (old: string): (string | null)[] =>
    changesOf(old).map(([kind, line]) => switched({ kind, old, new: line }, 'm'))
  expect(chosen('  folio_put(cpu, folio);')).toEqual(['  { if (!m) folio_put(cpu, folio); }'])
  expect(chosen('  if (slot.none()) return false;')).toEqual([
    '  if (m ? static_cast<bool>(!(slot.none())) : static_cast<bool>(slot.none())) return false;',
  ])
  expect(chosen('  const bool last = seen == n;')).toEqual(['  const bool last = m ? (seen != n) : (seen == n);'])
  // Part of an expression over several lines: nothing stands for it alone.
  expect(chosen('      seen == n &&')).toEqual([null, null].slice(0, changesOf('      seen == n &&').length))
})
