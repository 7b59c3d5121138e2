import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const listed = read('native/sources.txt')
  .split('\n')
  .filter((line) => line !== '')
const printed = (...parts: string[]) =>
  execFileSync(process.execPath, ['scripts/sources.mjs', ...parts], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
const part = (name: string) => printed(name, '--files')

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(cpp|S)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('native/tests/'))
}

describe('native/sources.txt', () => {
  test('names every source under native/ but the tests, once', () => {
    expect([...listed].sort()).toEqual(sourcesBelow('native').sort())
  })

  test('is split into core and addon without loss', () => {
    expect([...part('core'), ...part('addon')].sort()).toEqual([...listed].sort())
    expect(part('addon').every((path) => path.startsWith('native/addon/'))).toBe(true)
    expect(part('core').some((path) => path.startsWith('native/addon/'))).toBe(false)
  })

  test('goes into the units of the core without loss, each of one room', () => {
    const units = printed('core')
    const included = units.flatMap((unit) => {
      const files = [...read(unit).matchAll(/^#include "\.\.\/(.*)"$/gm)].map((match) => match[1] as string)
      expect(new Set(files.map((file) => file.split('/')[1])).size, unit).toBe(1)
      return files
    })
    expect(included.sort()).toEqual(part('core').sort())
  })

  test('is the only list in binding.gyp', () => {
    const gyp = read('binding.gyp')
    expect(gyp).not.toMatch(/\.cpp|\.S\b/)
    expect(gyp.match(/scripts\/sources\.mjs core/g)).toHaveLength(2)
    expect(gyp.match(/scripts\/sources\.mjs addon/g)).toHaveLength(1)
  })

  const hasCmake = existsSync('/usr/bin/cmake') || existsSync('/usr/local/bin/cmake')
  test.skipIf(!hasCmake)('is what CMake compiles, the core once for each environment', () => {
    const build = mkdtempSync(join(tmpdir(), 'pagebox-cmake-'))
    try {
      execFileSync(
        'cmake',
        ['-S', join(root, 'native'), '-B', build, '-DPAGEBOX_TESTS=OFF', '-DCMAKE_JS_INC=/nonexistent'],
        {
          stdio: 'pipe',
        },
      )
      const commands = JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8')) as {
        file: string
        command: string
      }[]
      const native = commands
        .map(({ file, command }) => ({ file: relative(root, file), model: command.includes('-DPAGEBOX_MODEL') }))
        .filter(({ file }) => file.startsWith('native/'))
      const files = (model: boolean) => native.filter((entry) => entry.model === model).map((entry) => entry.file)
      expect(files(false).sort()).toEqual([...listed].sort())
      expect(files(true).sort()).toEqual(part('core').sort())
    } finally {
      rmSync(build, { recursive: true, force: true })
    }
  })
})
