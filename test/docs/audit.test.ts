import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tables } from '../../lib/native/tables.ts'
import { root } from './pages.ts'
import { isReady } from './ready.ts'

const text = readFileSync(join(root, 'docs/audit.md'), 'utf8')
const rowsIn = (part: string): [string, string][] =>
  [...part.matchAll(/^\| `([\w-]+)` \| (.*) \|$/gm)].map(([, name = '', meaning = '']) => [name, meaning])
const rows = rowsIn(text)
const names = rows.map(([name]) => name)

/** The addon has no table of these; the header is the one place where they are named. */
function namesOfMm(): string[] {
  const header = readFileSync(join(root, 'native/engine/audit/audit_mm.h'), 'utf8')
  const [, list = ''] = /kMmInvariantNames = \{([^}]*)\}/.exec(header) ?? []
  return [...list.matchAll(/"([\w-]+)"/g)].map(([, name = '']) => name)
}

test('docs/audit.md has every invariant, in the words of the table', () => {
  expect(rows).toEqual(expect.arrayContaining(tables().invariants.map(({ name, summary }) => [name, summary])))
})

test('docs/audit.md has what must hold of address spaces', () => {
  const [, section = ''] = text.split('\n## What must hold of address spaces\n')
  const [own = ''] = section.split('\n## ')
  const known = namesOfMm()
  expect(known.length).toBeGreaterThan(0)
  expect(rowsIn(own).map(([name]) => name)).toEqual(known)
})

test.runIf(isReady('docs/mm.md'))('docs/audit.md has no other invariants', () => {
  const known = [...tables().invariants.map(({ name }) => name), ...namesOfMm()]
  expect(names.filter((name) => !known.includes(name))).toEqual([])
})
