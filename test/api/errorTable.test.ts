import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorCodes } from 'pagebox'

test('docs/errors.md has the table of lib/errors.ts', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `(ERR_\w+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning])
  expect(Object.fromEntries(rows)).toEqual(errorCodes)
  expect(rows).toHaveLength(Object.keys(errorCodes).length)
})
