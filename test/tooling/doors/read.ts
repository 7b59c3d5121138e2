import { posix } from 'node:path'
import ts from 'typescript'
import type { Door } from './doors.ts'

/** The entry points that a file could reach by the package's own name. */
const entries: Readonly<Record<string, string>> = {
  pagebox: 'lib/index.ts',
  'pagebox/assert': 'lib/assert.ts',
  'pagebox/vitest': 'lib/vitest/index.ts',
}

/** The module that a node of the tree imports, if it imports one by name. */
function moduleOf(node: ts.Node): { name: string; typeOnly: boolean } | null {
  const text = (value: ts.Node | undefined): string | null =>
    value !== undefined && ts.isStringLiteralLike(value) ? value.text : null
  const of = (name: string | null, typeOnly: boolean) => (name === null ? null : { name, typeOnly })
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause
    const named = clause?.namedBindings
    const types = named !== undefined && ts.isNamedImports(named) && named.elements.every((each) => each.isTypeOnly)
    return of(text(node.moduleSpecifier), clause?.isTypeOnly === true || (types && clause?.name === undefined))
  }
  if (ts.isExportDeclaration(node)) return of(text(node.moduleSpecifier), node.isTypeOnly)
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return of(text(node.argument.literal), true)
  if (ts.isExternalModuleReference(node)) return of(text(node.expression), false)
  if (!ts.isCallExpression(node)) return null
  const { expression } = node
  const calls =
    expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === 'require')
  return calls ? of(text(node.arguments[0]), false) : null
}

/** The doors of a TypeScript file: imports, exports of other files, types by `import()`, calls of `import` and `require`. */
export function doorsOfTypeScript(path: string, source: string): Door[] {
  const tree = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const doors: Door[] = []
  const visit = (node: ts.Node): void => {
    const found = moduleOf(node)
    const to =
      found === null
        ? undefined
        : found.name.startsWith('.')
          ? posix.join(posix.dirname(path), found.name)
          : entries[found.name]
    if (found !== null && to !== undefined) {
      const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
      doors.push({ from: path, line, to, typeOnly: found.typeOnly, endsHeader: false })
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return doors
}

/** Comments become blanks, line by line; what stands in quotes stays. */
const withoutComments = (source: string): string =>
  source.replace(/"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (found) =>
    found.startsWith('"') ? found : found.replace(/[^\n]/g, ' '),
  )

/**
 * The doors of a C++ file: its includes of files that exist, looked for beside it and from `native/` on, as the
 * compiler does. What is found at neither place is the system's, unless it begins with the name of a room.
 */
export function doorsOfCpp(
  path: string,
  source: string,
  exists: (path: string) => boolean,
  rooms: readonly string[],
): Door[] {
  const doors: Door[] = []
  const lines = withoutComments(source).trimEnd().split('\n')
  for (const [i, line] of lines.entries()) {
    const name = /^\s*#\s*include\s*["<]([^">]+)[">]/.exec(line)?.[1]
    if (name === undefined) continue
    const beside = posix.join(posix.dirname(path), name)
    const fromRoot = posix.join('native', name)
    const ours = rooms.includes(name.split('/')[0] as string)
    const to = exists(beside) ? beside : exists(fromRoot) || ours ? fromRoot : undefined
    const endsHeader = path.endsWith('.h') && i === lines.length - 1
    if (to !== undefined) doors.push({ from: path, line: i + 1, to, typeOnly: false, endsHeader })
  }
  return doors
}
