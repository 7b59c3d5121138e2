import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/tidy-units.mjs', import.meta.url))

let folder: string
const at = (path: string) => join(folder, path)

function units(size: number, paths: string[]) {
  const ran = spawnSync(process.execPath, [at('scripts/tidy-units.mjs'), at('build'), 'some', String(size)], {
    encoding: 'utf8',
    input: paths.map((path) => `${path}\n`).join(''),
  })
  const lines = ran.stdout.split('\n').filter((line) => line !== '')
  return { status: ran.status, stderr: ran.stderr, units: lines.map((line) => line.split('\t')) }
}

const commandOf = (unit: string | undefined): string =>
  JSON.parse(readFileSync(at('build/units/some/compile_commands.json'), 'utf8')).find(
    (entry: { file: string }) => entry.file === unit,
  ).command

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pagebox-tidy-'))
  for (const each of ['scripts', 'build']) mkdirSync(at(each))
  copyFileSync(script, at('scripts/tidy-units.mjs'))
  // Units as the shipping build has them.
  const includes = (...files: string[]) => files.map((file) => `#include "../native/${file}"\n`).join('')
  for (const [name, text] of [
    ['mm_0', includes('mm/a.cpp', 'mm/c.cpp', 'mm/g.cpp')],
    ['mm_1', includes('mm/b.cpp')],
    ['page_0', includes('page/d.cpp')],
    ['base_0', includes('base/f.cpp')],
    ['base_1', includes('base/model/e.cpp')],
  ] as const)
    writeFileSync(at(`build/${name}.cpp`), text)
  const printed = { host: ['mm_0', 'mm_1', 'page_0', 'base_0'], model: ['mm_0', 'mm_1', 'page_0', 'base_1'], addon: [] }
  writeFileSync(
    at('scripts/sources.mjs'),
    `for (const name of ${JSON.stringify(printed)}[process.argv[2]]) console.log('build/' + name + '.cpp')`,
  )
  const compiled = (file: string, flags: string) => ({
    directory: at('build'),
    file: at(file),
    command: `c++ ${flags} -O2 -Winvalid-pch -include ${at('build/pch.hxx')} -o ${file}.o -c ${at(file)}`,
  })
  const shared = ['mm/a', 'mm/b', 'mm/c', 'mm/g', 'page/d'].map((path) => `native/${path}.cpp`)
  writeFileSync(
    at('build/compile_commands.json'),
    JSON.stringify([
      ...shared.map((file) => compiled(file, '-Inative')),
      ...shared.map((file) => compiled(file, '-DMODEL -Inative')),
      compiled('native/base/model/e.cpp', '-DMODEL -Inative'),
      compiled('native/base/f.cpp', '-Inative'),
    ]),
  )
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('units of sources that clang-tidy reads at once', () => {
  test('are of one unit that ships, compiled alike, each source once and as the host has it', () => {
    const found = units(8, [
      'native/mm/a.cpp',
      'native/base/f.cpp',
      'native/page/d.cpp',
      'native/base/model/e.cpp',
      'native/mm/c.cpp',
    ])
    expect(found.status).toBe(0)
    expect(found.units.map(([, ...sources]) => sources)).toEqual([
      ['native/mm/a.cpp', 'native/mm/c.cpp'],
      ['native/base/f.cpp'],
      ['native/page/d.cpp'],
      ['native/base/model/e.cpp'],
    ])
    for (const [unit, ...sources] of found.units) {
      const text = readFileSync(unit ?? '', 'utf8')
      expect([...text.matchAll(/#include "(.*)"/g)].map(([, path]) => path)).toEqual(sources.map(at))
      expect(basename(unit ?? '')).toMatch(/^UnifiedSource-/)
      expect(commandOf(unit)).toBe(
        `c++ ${sources[0]?.includes('model') === true ? '-DMODEL ' : ''}-Inative -O2 -c ${unit}`,
      )
    }
  })

  test('are of about one size, and none of an earlier list stays', () => {
    const sources = ['native/mm/a.cpp', 'native/mm/b.cpp', 'native/mm/c.cpp', 'native/mm/g.cpp']
    expect(units(1, sources).units).toHaveLength(4)
    expect(units(2, sources).units.map((unit) => unit.length - 1)).toEqual([2, 1, 1])
    expect(units(8, sources).units.map(([, ...of]) => of)).toEqual([
      ['native/mm/a.cpp', 'native/mm/c.cpp', 'native/mm/g.cpp'],
      ['native/mm/b.cpp'],
    ])
    expect(readdirSync(at('build/units/some'))).toHaveLength(3) // and their commands
  })

  test('a source that nobody compiles is named', () => {
    expect(units(8, ['native/mm/a.cpp', 'native/mm/gone.cpp'])).toEqual({
      status: 2,
      stderr: 'tidy-units: nobody compiles native/mm/gone.cpp\n',
      units: [],
    })
  })
})
