import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/tidy-order.mjs', import.meta.url))
const isolated = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }

let folder: string
const git = (...parts: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...parts], {
    cwd: folder,
    encoding: 'utf8',
    env: isolated,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

function commit(files: Record<string, string>): string {
  write(files)
  git('add', '-A')
  git('commit', '-qm', 'x')
  return git('rev-parse', 'HEAD')
}

function order(env: Record<string, string> = {}) {
  const ran = spawnSync(process.execPath, [join(folder, 'scripts/tidy-order.mjs')], {
    encoding: 'utf8',
    env: { ...isolated, PAGEBOX_TIDY_SINCE: '', ...env },
  })
  const of = (kind: string) =>
    ran.stdout
      .split('\n')
      .filter((line) => line.startsWith(`${kind} `))
      .map((line) => line.slice(kind.length + 1))
  return { must: of('must'), may: of('may'), status: ran.status, stderr: ran.stderr }
}

const body = (name: string, ...headers: string[]) =>
  `${headers.map((header) => `#include "${header}"\n`).join('')}${Array.from({ length: 30 }, (_, i) => `int ${name}${i};\n`).join('')}`

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pagebox-tidy-'))
  mkdirSync(join(folder, 'scripts'))
  copyFileSync(script, join(folder, 'scripts/tidy-order.mjs'))
  git('init', '-q', '-b', 'main')
  const names = ['page/a', 'page/b', 'page/c', 'mm/far', 'mm/d']
  commit({
    'native/sources.txt': names.map((name) => `native/${name}.cpp\n`).join(''),
    'native/page/a.h': 'int h;\n',
    'native/page/b.h': '#include "page/a.h"\n',
    'native/page/a.cpp': body('a', 'page/a.h'),
    'native/page/b.cpp': body('b', 'page/b.h'),
    'native/page/c.cpp': body('c'),
    'native/mm/far.cpp': body('far', 'page/b.h'),
    'native/mm/d.cpp': body('d'),
  })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('what clang-tidy is to see', () => {
  test('is what changed since the last but one merge of the line, and may be all else', () => {
    const merged = (branch: string, files: Record<string, string>) => {
      git('checkout', '-qb', branch)
      commit(files)
      git('checkout', '-q', 'main')
      git('merge', '-q', '--no-ff', '-m', 'merge', branch)
    }
    merged('one', { 'native/page/a.cpp': body('x', 'page/a.h') })
    merged('two', { 'native/page/b.cpp': body('y', 'page/b.h') })
    merged('three', { 'native/page/c.cpp': body('z') })
    const { must, may } = order()
    expect(must).toEqual(['native/page/c.cpp'])
    expect([...must, ...may].sort()).toEqual(
      ['mm/d', 'mm/far', 'page/a', 'page/b', 'page/c'].map((name) => `native/${name}.cpp`),
    )
  })

  test('is one source of a header that changed, and the others that include it come next', () => {
    const before = git('rev-parse', 'HEAD')
    commit({ 'native/page/a.h': 'int other;\n' })
    const { must, may } = order({ PAGEBOX_TIDY_SINCE: before })
    expect(must).toEqual(['native/page/a.cpp'])
    expect(may.slice(0, 2).sort()).toEqual(['native/mm/far.cpp', 'native/page/b.cpp'])
  })

  test('is no more of a header where a source that includes it changed too', () => {
    const before = git('rev-parse', 'HEAD')
    commit({ 'native/page/a.h': 'int other;\n', 'native/mm/far.cpp': body('new', 'page/b.h') })
    expect(order({ PAGEBOX_TIDY_SINCE: before }).must).toEqual(['native/mm/far.cpp'])
  })

  test('is not what was only moved', () => {
    const before = git('rev-parse', 'HEAD')
    mkdirSync(join(folder, 'native/mm/sub'))
    renameSync(join(folder, 'native/mm/d.cpp'), join(folder, 'native/mm/sub/d.cpp'))
    commit({ 'native/sources.txt': 'native/mm/sub/d.cpp\nnative/page/a.cpp\n' })
    expect(order({ PAGEBOX_TIDY_SINCE: before })).toMatchObject({
      must: [],
      may: ['native/mm/sub/d.cpp', 'native/page/a.cpp'],
    })
  })

  test('is what changed since it was last content, committed or not', () => {
    const green = commit({ 'native/page/a.cpp': body('x', 'page/a.h') })
    commit({ 'native/page/b.cpp': body('y', 'page/b.h') })
    write({ 'build-tidy/green': `${green}\n`, 'native/page/c.cpp': body('z') })
    expect(order().must).toEqual(['native/page/b.cpp', 'native/page/c.cpp'])
    write({ 'build-tidy/green': `${'0'.repeat(40)}\n` })
    expect(order().must).toContain('native/page/a.cpp')
    // As a fresh clone is told.
    write({ '.ci/tidy-green': `${green}\n` })
    expect(order().must).toEqual(['native/page/b.cpp', 'native/page/c.cpp'])
  })

  test('is nothing where it is told a commit that there is none', () => {
    expect(order({ PAGEBOX_TIDY_SINCE: 'nowhere' })).toMatchObject({
      status: 2,
      must: [],
      stderr: "tidy-order: PAGEBOX_TIDY_SINCE: there is no commit 'nowhere'\n",
    })
  })
})
