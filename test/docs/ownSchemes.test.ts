import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { schemeKeys } from '../../lib/pins/defineScheme.ts'
import { tables } from '../../lib/native/tables.ts'
import { root } from './pages.ts'

const page = readFileSync(join(root, 'docs/own-schemes.md'), 'utf8')
const rowsBelow = (heading: string): string[] => {
  const part = page.slice(page.indexOf(heading)).split('\n## ')[0] as string
  return [...part.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name]) => name as string)
}

test('the tables have every field, every limit and every event, and no other', () => {
  expect(rowsBelow('## Every field')).toEqual([...schemeKeys])
  expect(rowsBelow('## At the limit')).toEqual(tables().atLimits)
  expect(rowsBelow('## What changes a state').sort()).toEqual([...tables().pinEvents].sort())
})
