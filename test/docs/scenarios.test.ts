import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { native } from '../../lib/native/load.ts'
import { root } from './pages.ts'
import { isReady } from './ready.ts'

test('docs/scenarios.md has the vocabulary of the engines', () => {
  const text = readFileSync(join(root, 'docs/scenarios.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `(\w+)` \| (?:`([^|]*)`|none) \| (?:`([^|]*)`|none) \| (.+) \|$/gm)]
  const shown = rows.map(([, name, fields = '', result = '']) => ({ name, fields, result }))
  const ops = native()
    .scenarioTables()
    .ops.map(({ name, fields, result }) => ({ name, fields, result }))
  expect(isReady('docs/scenarios.md') ? shown : shown.slice(0, ops.length)).toEqual(ops)
})
