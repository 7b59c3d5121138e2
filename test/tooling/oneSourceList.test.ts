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

  test('is split into the core of each environment and the addon without loss', () => {
    expect([...new Set([...part('host'), ...part('model'), ...part('addon')])].sort()).toEqual([...listed].sort())
    expect(part('addon').every((path) => path.startsWith('native/addon/'))).toBe(true)
    for (const environment of ['host', 'model'])
      expect(part(environment).some((path) => path.startsWith('native/addon/'))).toBe(false)
  })

  test('compiles a folder of one environment there alone, and no other file is wrapped in #ifdef', () => {
    const files = { host: part('host'), model: part('model') }
    const only = (name: 'host' | 'model', other: 'host' | 'model') =>
      files[name].filter((path) => !files[other].includes(path))
    expect(only('host', 'model').length).toBeGreaterThan(0)
    expect(only('model', 'host').length).toBeGreaterThan(0)
    for (const path of only('host', 'model')) expect(path).toMatch(/^native\/(base\/host|engine\/(race|measure))\//)
    for (const path of only('model', 'host')) expect(path).toMatch(/^native\/(base\/model|explore)\//)
    const wrapped = listed.filter((path) => {
      const lines = read(path)
        .split('\n')
        .filter((line) => line.trim() !== '')
      const begins = lines.find((line) => !/^(\/\/|#include)/.test(line)) ?? ''
      return /^#ifn?def PAGEBOX_MODEL/.test(begins) && /^#endif/.test(lines.at(-1) ?? '')
    })
    expect(wrapped).toEqual([])
  })

  test.each(['host', 'model', 'addon'])(
    'goes into the units of the %s without loss, each of one room',
    (environment) => {
      const units = printed(environment)
      const included = units.flatMap((unit) => {
        const files = [...read(unit).matchAll(/^#include "\.\.\/\.\.\/(.*)"$/gm)].map((match) => match[1] as string)
        expect(new Set(files.map((file) => file.split('/')[1])).size, unit).toBe(1)
        return files
      })
      expect(included.sort()).toEqual(part(environment).sort())
    },
  )

  test('is the only list in binding.gyp', () => {
    const gyp = read('binding.gyp')
    expect(gyp).not.toMatch(/\.cpp|\.S\b/)
    for (const name of ['host', 'model', 'addon'])
      expect(gyp.match(new RegExp(`scripts/sources\\.mjs ${name}\\b`, 'g')), name).toHaveLength(1)
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
      expect(files(false).sort()).toEqual([...part('host'), ...part('addon')].sort())
      expect(files(true).sort()).toEqual(part('model').sort())
    } finally {
      rmSync(build, { recursive: true, force: true })
    }
  })
})
