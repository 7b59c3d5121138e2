import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const tests = fileURLToPath(new URL('../../native/tests', import.meta.url))

test('C++ tests are named in one style', () => {
  const sources = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.cpp'))
  const named = sources.flatMap((source) =>
    Array.from(
      readFileSync(join(tests, source), 'utf8').matchAll(/^\s*(?:TYPED_)?TEST(?:_[FP])?\(\s*\w+,\s*(\w+)\)/gm),
      ([, name]) => ({ source, name }),
    ),
  )
  expect(named.length).toBeGreaterThan(600)
  expect(named.filter(({ name }) => !/^[A-Z][A-Za-z0-9]*$/.test(name ?? ''))).toEqual([])
})
