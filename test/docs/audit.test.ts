import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tables } from '../../lib/native/tables.ts'
import { root } from './pages.ts'

const text = readFileSync(join(root, 'docs/audit.md'), 'utf8')

/** Rows of the table below a heading: identifier and meaning. */
function rowsBelow(heading: string): string[][] {
  const [, section = ''] = text.split(`\n## ${heading}\n`)
  const [own = ''] = section.split('\n## ')
  return [...own.matchAll(/^\| `([\w-]+)` \| (.*) \|$/gm)].map(([, name = '', meaning = '']) => [name, meaning])
}

test('docs/audit.md has the invariants of a descriptor, in the words of the table', () => {
  const { invariants } = tables()
  expect(rowsBelow('What must hold of a descriptor')).toEqual(invariants.map(({ name, summary }) => [name, summary]))
})

test('docs/audit.md has the invariants of address spaces', () => {
  // The addon has no table of these; the header is the one place where they are named.
  const header = readFileSync(join(root, 'native/engine/audit_mm.h'), 'utf8')
  const [, list = ''] = /kMmInvariantNames = \{([^}]*)\}/.exec(header) ?? []
  const names = [...list.matchAll(/"([\w-]+)"/g)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(0)
  expect(rowsBelow('What must hold of address spaces').map(([name]) => name)).toEqual(names)
})
