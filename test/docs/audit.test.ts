import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tables } from '../../lib/native/tables.ts'
import { root } from './pages.ts'

const text = readFileSync(join(root, 'docs/audit.md'), 'utf8')

const rowsIn = (part: string): [string, string][] =>
  [...part.matchAll(/^\| `([\w-]+)` \| (.*) \|$/gm)].map(([, name = '', meaning = '']) => [name, meaning])

const section = (title: string): string => text.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''

test.each([
  ['descriptor', 'What must hold of a descriptor'],
  ['address-space', 'What must hold of address spaces'],
  ['device', 'What must hold of devices'],
  ['scenario', 'What must hold of scenarios'],
])('docs/audit.md has every invariant of a %s, in the words of the table, and no other', (subject, title) => {
  const known = tables().invariants.filter((each) => each.subject === subject)
  expect(known.length).toBeGreaterThan(0)
  expect(rowsIn(section(title))).toEqual(known.map(({ name, summary }) => [name, summary]))
})

test('each invariant belongs to one of them', () => {
  const rows = text.split('\n## ').filter((part) => part.startsWith('What must hold of'))
  expect(rows.flatMap(rowsIn)).toHaveLength(tables().invariants.length)
})

test('docs/audit.md names every kind of place that a row is about', () => {
  const named = [...section('What a row says').matchAll(/\{ kind: '([\w-]+)'/g)].map(([, kind = '']) => kind)
  expect(named.sort()).toEqual([...tables().auditPlaces].sort())
})
