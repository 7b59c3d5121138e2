// One table of invariants: whatever speaks of one, speaks of a row of that table.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tables } from '../../lib/native/tables.ts'

const root = join(import.meta.dirname, '../..')
const table = 'native/engine/audit/invariants.h'

function filesUnder(folder: string, endings: readonly string[]): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => endings.some((ending) => name.endsWith(ending)) && !name.includes('generated'))
    .map((name) => join(folder, name))
    .sort()
}

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')
const native = filesUnder('native', ['.cpp', '.h']).filter((file) => file !== table)
const isTest = (file: string): boolean => file.startsWith('native/tests/')

const names = tables().invariants.map(({ name }) => name)
const identifier = (name: string): string =>
  `k${name
    .split('-')
    .map((word) => (word[0] ?? '').toUpperCase() + word.slice(1))
    .join('')}`

test('no two rows have one name or one explanation', () => {
  expect(new Set(names).size).toBe(names.length)
  expect(new Set(tables().invariants.map(({ summary }) => summary)).size).toBe(names.length)
})

test('the identifiers of C++ are the names', () => {
  const rows = [...textOf(table).matchAll(/\{(k\w+), "([\w-]+)", k/g)]
  expect(rows.map(([, , name]) => name)).toEqual(names)
  for (const [, id, name = ''] of rows) expect(id).toBe(identifier(name))
})

test('there is one kind of row and one table: nothing else in native/ names invariants', () => {
  for (const file of native.filter((file) => !isTest(file))) {
    const text = textOf(file)
    for (const name of names) expect(text.includes(`"${name}"`), `${file}: "${name}"`).toBe(false)
    expect(text, file).not.toMatch(/enum class \w+Invariant\b|struct \w+AuditRow\b/)
  }
})

describe.each(names)('%s', (name) => {
  const use = `Invariant::${identifier(name)}`

  test('something reports it', () => {
    expect(native.filter((file) => !isTest(file) && textOf(file).includes(use))).not.toEqual([])
  })

  test('some test has seen it', () => {
    const inNative = native.filter(isTest).some((file) => {
      const text = textOf(file)
      return text.includes(use) || text.includes(`"${name}`)
    })
    const inTests = filesUnder('test', ['.ts']).some((file) => textOf(file).includes(`'${name}'`))
    expect(inNative || inTests).toBe(true)
  })
})

test('every name that is looked for in the rows of an audit exists', () => {
  const asked = [
    ...filesUnder('test', ['.ts']).flatMap((file) =>
      [...textOf(file).matchAll(/\binvariant\b[^\n]*?'([a-z]+(?:-[a-z]+)+)'/g)].map((found) => [file, found[1]]),
    ),
    ...native
      .filter(isTest)
      .flatMap((file) =>
        [...textOf(file).matchAll(/invariant\w*[^\n]*?"([a-z]+(?:-[a-z]+)+)/g)].map((found) => [file, found[1]]),
      ),
    ...native
      .filter(isTest)
      .flatMap((file) =>
        [
          ...textOf(file).matchAll(
            /(?:row|rows\[0\]|audit\(\)|first\(\)|first_row\(\))(?:\.find\(|, )"([a-z]+(?:-[a-z]+)+)/g,
          ),
        ].map((found) => [file, found[1]]),
      ),
  ]
  expect(asked.length).toBeGreaterThan(10)
  const known = [...names, 'leak', 'livelock']
  expect(asked.filter(([, name = '']) => !known.includes(name))).toEqual([])
})
