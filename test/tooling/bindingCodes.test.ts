// What crosses the binding has a name: a function of its own, a word, or a place in a table that the
// addon exports. TypeScript keeps no number for it.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import ts from 'typescript'

const root = join(import.meta.dirname, '../..')
const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
  .map((name) => join('lib', name))
  .sort()

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

function nodesOf(name: string, text: string): ts.Node[] {
  const all: ts.Node[] = []
  const walk = (node: ts.Node): void => {
    all.push(node)
    node.forEachChild(walk)
  }
  walk(ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true))
  return all
}

/** A number as it stands there: `2`, `-1`, `2 ** 24`, `1 << 20`. */
function isNumber(node: ts.Node): boolean {
  if (ts.isNumericLiteral(node)) return true
  if (ts.isPrefixUnaryExpression(node)) return isNumber(node.operand)
  return ts.isBinaryExpression(node) && isNumber(node.left) && isNumber(node.right)
}

/** Something that ends in `native`, or what was taken off it. */
const isNative = (node: ts.Expression): boolean => {
  if (ts.isPropertyAccessExpression(node)) return node.name.text.replace('#', '') === 'native'
  if (ts.isCallExpression(node)) return isNative(node.expression)
  return ts.isIdentifier(node) && node.text === 'native'
}

/** Calls on the addon that are given a number. */
const numberedCalls = (name: string, text: string): string[] =>
  nodesOf(name, text)
    .filter(ts.isCallExpression)
    .filter(({ expression }) =>
      ts.isPropertyAccessExpression(expression) || ts.isElementAccessExpression(expression)
        ? isNative(expression.expression)
        : false,
    )
    .filter((call) => call.arguments.some(isNumber))
    .map((call) => `${name}: ${call.getText()}`)

/** Tables of names and numbers in a row: an enumeration that somebody else has too. */
const enumerations = (name: string, text: string): string[] =>
  nodesOf(name, text)
    .filter(ts.isObjectLiteralExpression)
    .filter(({ properties }) => {
      const values = properties.map((each) => (ts.isPropertyAssignment(each) ? each.initializer : undefined))
      if (values.length < 2 || !values.every((each) => each !== undefined && ts.isNumericLiteral(each))) return false
      const numbers = values.map((each) => Number((each as ts.NumericLiteral).text))
      const [first = 0] = numbers
      return (
        (first <= 1 && numbers.every((each, i) => each === first + i)) || numbers.every((each, i) => each === 2 ** i)
      )
    })
    .map((table) => `${name}: ${table.getText()}`)

/** Statuses compared with a number; below and above 0 is what they mean. */
const comparedStatuses = (name: string, text: string): string[] =>
  nodesOf(name, text)
    .filter(ts.isBinaryExpression)
    .filter(({ left, right }) => /\bstatus$|\bhead$/.test(left.getText()) && ts.isPrefixUnaryExpression(right))
    .map((each) => `${name}: ${each.getText()}`)

describe('lib/ has no number for what the addon names', () => {
  test('no call is given one', () => {
    expect(files.flatMap((file) => numberedCalls(file, textOf(file)))).toEqual([])
  })

  test('no table repeats an enumeration', () => {
    expect(files.flatMap((file) => enumerations(file, textOf(file)))).toEqual([])
  })

  test('no status is compared with one', () => {
    expect(files.flatMap((file) => comparedStatuses(file, textOf(file)))).toEqual([])
  })

  test('no type of the binding says what a number means', () => {
    for (const file of files.filter((each) => each.startsWith('lib/native/')))
      expect(textOf(file), file).not.toMatch(/\b0 \w+( \w+)*, 1 \w+/)
  })
})

test('the checks see what they look for', () => {
  expect(numberedCalls('x', 'source.native.mmap(id, 2)')).toHaveLength(1)
  expect(numberedCalls('x', 'self.#native.call(-1)')).toHaveLength(1)
  expect(numberedCalls('x', 'native()[name](1 << 3)')).toHaveLength(1)
  expect(enumerations('x', 'const how = { pin: 1, write: 2, fast: 4 }')).toHaveLength(1)
  expect(enumerations('x', 'const op = { pin: 0, unpin: 1 }')).toHaveLength(1)
  expect(comparedStatuses('x', 'if (status === -1) {}')).toHaveLength(1)
})
