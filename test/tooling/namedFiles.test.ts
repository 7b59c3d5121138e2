import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = ['native', 'lib', 'test', 'scripts', 'benchmarks', 'examples', 'docs']
const files = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
)
const names = new Set(files.map((path) => basename(path)))

/** Of the kernel's sources. */
const kernels = new Set(['page-flags-layout.h'])

const isThere = (name: string): boolean =>
  name.includes('/')
    ? files.some((path) => path === name || path.endsWith(`/${name}`))
    : names.has(name) || kernels.has(name)

/** What the comments of a source name as files, and nobody has, each with its line. */
function gone(path: string, source: string): string[] {
  const comments = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[\s\S]*?\*\//g
  return [...source.matchAll(comments)].flatMap(({ 0: text, index }) => {
    if (!text.startsWith('/')) return []
    return [
      ...text.matchAll(/(?<![\w.*-])(?:\.\.?\/)*((?:[\w-]+\/)*[\w-]+(?:\.\w+)*\.(?:h|cpp|ts|cts|mjs|S))\b(?!\()/g),
    ]
      .filter(([, name]) => !isThere(name as string))
      .map(({ 1: name, index: at }) => `${path}:${source.slice(0, index + at).split('\n').length}: ${name}`)
  })
}

test('every file that a comment names is there', () => {
  const read = files.filter((path) => /^(native|lib)\/.*\.(cpp|h|ts|cts|S)$/.test(path))
  expect(read.length).toBeGreaterThan(300)
  expect(read.flatMap((path) => gone(path, readFileSync(join(root, path), 'utf8')))).toEqual([])
})

test('a file that is gone is told, with its line', () => {
  const source = [
    'int a; // see box_handle.h',
    '/* As native/base/errc.h and',
    '   ../lib/mm/mapKind.ts have it; not "x.h" */',
    'const char* b = "// no.h"; // layout.h, Object.h(), *.h, page-flags-layout.h, and engine/nowhere/layout.h',
  ]
  expect(gone('native/a.cpp', source.join('\n'))).toEqual([
    'native/a.cpp:1: box_handle.h',
    'native/a.cpp:3: lib/mm/mapKind.ts',
    'native/a.cpp:3: x.h',
    'native/a.cpp:4: engine/nowhere/layout.h',
  ])
})
