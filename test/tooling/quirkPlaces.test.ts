// Each quirk is switched at one place, and every room reads the same set.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const native = fileURLToPath(new URL('../../native', import.meta.url))
const sources = readdirSync(native, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\.(cpp|h)$/.test(name) && !name.startsWith('tests/'),
)
const textOf = (name: string): string => readFileSync(join(native, name), 'utf8')

const identifiers = [
  ...(/enum class Quirk [^{]*\{([^}]*)\}/.exec(textOf('page/quirks.h'))?.[1] ?? '').matchAll(/\bk\w+/g),
].map(([name]) => name)

test('the enum has quirks', () => expect(identifiers.length).toBeGreaterThan(20))

test.each(identifiers)('%s is switched at exactly one place', (name) => {
  const asks = new RegExp(`has\\(Quirk::${name}\\)`, 'g')
  const places = sources.flatMap((source) => [...textOf(source).matchAll(asks)].map(() => source))
  expect(places).toHaveLength(1)
})

const rules = [...(/enum class Rule [^{]*\{([^}]*)\}/.exec(textOf('page/rules.h'))?.[1] ?? '').matchAll(/\bk\w+/g)].map(
  ([name]) => name,
)

/** Rules that a row says both behaviours of exist. */
const both = (name: string): boolean => {
  const row =
    textOf('page/rules.cpp')
      .split('{.rule = ')
      .find((text) => text.startsWith(`Rule::${name},`)) ?? ''
  return row !== '' && !row.includes('_exists = false')
}

test.each(rules.filter(both))('rule %s is asked somewhere', (name) => {
  const asked = sources.some((source) => !source.startsWith('addon/') && textOf(source).includes(`has(Rule::${name})`))
  expect(asked).toBe(true)
})
