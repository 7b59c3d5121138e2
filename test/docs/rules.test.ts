import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tables } from '../../lib/native/tables.ts'
import { root } from './pages.ts'

const text = readFileSync(join(root, 'docs/rules.md'), 'utf8')

/** Cells of the rows of one section's table. */
function rowsOf(section: string): string[][] {
  const [, part = ''] = text.split(`\n## ${section}\n`)
  const [own = ''] = part.split('\n## ')
  const lines = own.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) => line.slice(2, -2).split(' | '))
}

test('docs/rules.md has every rule, with both behaviours', () => {
  expect(rowsOf('Rules')).toEqual(
    tables().rules.map(({ name, since, meaning, before, after, source, beforeExists, afterExists }) => [
      `\`${name}\``,
      since,
      meaning,
      beforeExists ? before : `${before} (not in pagebox)`,
      afterExists ? after : `${after} (not in pagebox yet)`,
      source,
    ]),
  )
})

test('docs/rules.md has every quirk', () => {
  expect(rowsOf('Quirks')).toEqual(
    tables().quirks.map(({ name, year, room, wrong, fix, invariant, rule, ruleIs }) => [
      `\`${name}\``,
      String(year),
      wrong,
      fix,
      invariant,
      rule === undefined
        ? room === 'pins'
          ? 'schemes that declare it'
          : 'any machine'
        : `rules ${ruleIs ? 'with' : 'without'} \`${rule}\``,
    ]),
  )
})

test('docs/rules.md has every option', () => {
  expect(rowsOf('Options')).toEqual(
    tables().machineOptions.map(({ name, meaning, otherwise }) => [`\`${name}\``, meaning, String(otherwise)]),
  )
})
