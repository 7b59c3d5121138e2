import ts from 'typescript'
import { type Block, whereOf } from './pages.ts'

/** A place in a block where the page shows a value. */
interface Arrow {
  /** Line of the block that the statement ends on. */
  readonly line: number
  readonly shown: string
}

/** `…  // → value`; or `// →` alone, and the value as comment lines below it. */
function arrowsOf(lines: readonly string[]): Arrow[] {
  const arrows: Arrow[] = []
  for (const [index, line] of lines.entries()) {
    const [, before, shown] = /^(.*)\/\/ → ?(.*)$/.exec(line) ?? []
    if (before === undefined || shown === undefined) continue
    const more: string[] = []
    for (let next = index + 1; /^\s*\/\/( {3}|$)/.test(lines[next] ?? ''); next++)
      more.push((lines[next] as string).replace(/^\s*\/\/( {3})?/, ''))
    const own = before.trim() === '' ? index - 1 : index
    arrows.push({ line: own, shown: [...(shown === '' ? [] : [shown]), ...more].join('\n') })
  }
  return arrows
}

const isLog = (node: ts.Expression): node is ts.CallExpression =>
  ts.isCallExpression(node) && node.expression.getText() === 'console.log'

/**
 * The module that a block is run as: itself, on the same lines, with a check at each arrow.
 *
 * @param runtime path of shows.ts, as the module imports it
 * @throws an arrow that stands behind nothing that has a value
 */
export function moduleOf(block: Block, runtime: string): string {
  const source = block.lines.join('\n')
  const file = ts.createSourceFile('block.ts', source, ts.ScriptTarget.Latest, true)
  const edits: { at: number; text: string }[] = []
  const lineOf = (position: number): number => file.getLineAndCharacterOfPosition(position).line

  function check(node: ts.Node, { line, shown }: Arrow): boolean {
    const what = `${JSON.stringify(`${block.page}:${block.line + line}`)}, `
    if (ts.isExpressionStatement(node)) {
      const { expression } = node
      const [, thrown] = /^throws (.*)$/s.exec(shown) ?? []
      if (thrown !== undefined) {
        edits.push({
          at: expression.getStart(),
          text: `await __docs.throws(${what}${JSON.stringify(thrown)}, async () => (`,
        })
        edits.push({ at: expression.getEnd(), text: '))' })
      } else if (isLog(expression)) {
        edits.push({ at: expression.getStart(), text: `__docs.prints(${what}${JSON.stringify(shown)}, ` })
        edits.push({ at: expression.arguments.pos, text: '\0' })
      } else {
        edits.push({ at: expression.getStart(), text: `__docs.shows(${what}${JSON.stringify(shown)}, (` })
        edits.push({ at: expression.getEnd(), text: '))' })
      }
      return true
    }
    if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
      edits.push({ at: node.initializer.getStart(), text: `__docs.shows(${what}${JSON.stringify(shown)}, (` })
      edits.push({ at: node.initializer.getEnd(), text: '))' })
      return true
    }
    return false
  }

  for (const arrow of arrowsOf(block.lines)) {
    let found: ts.Node | undefined
    const visit = (node: ts.Node): void => {
      const has = ts.isExpressionStatement(node) || ts.isVariableDeclaration(node)
      if (has && lineOf(node.getEnd()) === arrow.line) found = node
      ts.forEachChild(node, visit)
    }
    visit(file)
    if (found === undefined || !check(found, arrow))
      throw new Error(`${block.page}:${block.line + arrow.line}: the arrow stands behind nothing that has a value`)
  }

  let made = source
  for (const { at, text } of edits.sort((a, b) => b.at - a.at)) {
    // console.log( … ) becomes prints( …, ): its name goes, its arguments stay.
    if (text === '\0') made = made.slice(0, made.lastIndexOf('console.log(', at)) + made.slice(at)
    else made = made.slice(0, at) + text + made.slice(at)
  }
  return `${made}\n;import * as __docs from ${JSON.stringify(runtime)}\nexport const __from = ${JSON.stringify(whereOf(block))}\n`
}
