import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { below, type Door, fileCircles, type House, roomCircles, wrongDoors } from './doors/doors.ts'
import { knowEachOther, lib, native } from './doors/houses.ts'
import { doorsOfCpp, doorsOfTypeScript } from './doors/read.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const filesBelow = (folder: string, kinds: RegExp): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && kinds.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()

const libFiles = filesBelow('lib', /\.[cm]?ts$/)
const libDoors = libFiles.flatMap((path) => doorsOfTypeScript(path, read(path)))
const nativeFiles = filesBelow('native', /\.(cpp|h|inc)$/).filter((path) => !path.startsWith('native/tests/'))
const cpp = (path: string, source: string): Door[] =>
  doorsOfCpp(path, source, (name) => existsSync(join(root, name)), [...Object.keys(native.standsOn), 'tests'])
const nativeDoors = nativeFiles.flatMap((path) => cpp(path, read(path)))

const isKnown = ({ from, to, typeOnly, endsHeader }: Door): boolean =>
  endsHeader || (typeOnly && knowEachOther.some(([one, other]) => one === from && other === to))

describe.each([
  ['native', native, nativeFiles, nativeDoors],
  ['lib', lib, libFiles, libDoors],
] as const)('the doors of %s/', (name, house, files, doors) => {
  test('are found', () => {
    expect(files.length).toBeGreaterThan(100)
    expect(doors.length).toBeGreaterThan(files.length)
  })

  test('open one way', () => {
    expect(wrongDoors(house, doors)).toEqual([])
  })

  test('go round in no circle of rooms', () => {
    expect(roomCircles(house, doors)).toEqual([])
  })

  test('go round in no circle of files', () => {
    expect(fileCircles(doors.filter((door) => !isKnown(door)))).toEqual([])
  })

  test('are written down in its README, from the ground up', () => {
    const rows = [...read(`${name}/README.md`).matchAll(/^\| `([\w.]+?)\/?` \|/gm)].map((match) => match[1] as string)
    expect(rows.filter((room) => house.standsOn[room] === undefined)).toEqual([])
    const isThere = new Set(files.map((path) => path.slice(house.folder.length).split('/')[0]))
    expect([...isThere].filter((room) => !rows.includes(room as string))).toEqual([])
    for (const [i, room] of rows.entries())
      expect(
        rows.slice(i + 1).filter((above) => below(house, room).has(above)),
        `rooms below ${room} that stand after it`,
      ).toEqual([])
  })
})

describe('files that know each other', () => {
  test.each(knowEachOther)('%s names a type of %s, and would be a circle', (from, to) => {
    const ours = libDoors.filter((door) => door.from === from && door.to === to)
    expect(ours.length).toBeGreaterThan(0)
    expect(ours.every(isKnown)).toBe(true)
    const others = libDoors.filter((door) => !isKnown(door))
    expect(fileCircles([...others, ...ours])).toHaveLength(1)
  })
})

describe('a wrong door', () => {
  const house: House = { folder: 'lib/', standsOn: { low: [], middle: ['low'], high: ['middle'], beside: ['low'] } }
  const wrongIn = (path: string, source: string) => wrongDoors(house, doorsOfTypeScript(path, source))

  test.each([
    ["import { a } from '../high/a.ts'"],
    ["import type { a } from '../high/a.ts'"],
    ["import { type a } from '../high/a.ts'"],
    ["import '../high/a.ts'"],
    ["export * from '../high/a.ts'"],
    ["export type { a } from '../high/a.ts'"],
    ["const a = await import('../high/a.ts')"],
    ["let a: import('../high/a.ts').A"],
    ["const a = require('../high/a.ts')"],
    ["import a = require('../high/a.ts')"],
  ])('is seen in `%s`, with its file and line', (line) => {
    expect(wrongIn('lib/middle/sub/b.ts', `// why\n${line.replace('../high', '../../high')}\n`)).toEqual([
      'lib/middle/sub/b.ts:2: middle may not open high (lib/high/a.ts); it stands on low',
    ])
  })

  test('is one to a room beside, of a room that nobody knows, and out of the house', () => {
    expect(wrongIn('lib/beside/b.ts', "import '../middle/a.ts'")).toEqual([
      'lib/beside/b.ts:1: beside may not open middle (lib/middle/a.ts); it stands on low',
    ])
    expect(wrongIn('lib/new/b.ts', "import '../low/a.ts'")).toEqual([
      "lib/new/b.ts:1: the order knows no room 'new'; it has low, middle, high, beside",
    ])
    expect(wrongIn('lib/high/b.ts', "import '../new/a.ts'")).toEqual([
      'lib/high/b.ts:1: lib/new/a.ts is of no room that the order knows; it has low, middle, high, beside',
    ])
    expect(wrongIn('lib/high/b.ts', "\nimport '../../test/a.ts'")).toEqual([
      'lib/high/b.ts:2: test/a.ts lies outside lib/',
    ])
  })

  test('is none downwards over several floors, within a room, in a comment, or to a library', () => {
    const source = `import '../low/a.ts'\nimport './b.ts'\nimport 'vitest'\n// import '../higher/a.ts'\nconst text = "import '../higher/a.ts'"`
    expect(wrongIn('lib/high/c.ts', source)).toEqual([])
  })

  test('is seen by the name of the package too', () => {
    expect(wrongDoors(lib, doorsOfTypeScript('lib/mm/a.ts', "import { Box } from 'pagebox'"))).toEqual([
      expect.stringMatching(/^lib\/mm\/a\.ts:1: mm may not open index\.ts \(lib\/index\.ts\); it stands on base, /),
    ])
  })

  test.each([
    ['#include "engine/box/box.h"', 'native/engine/box/box.h'],
    ['#  include <engine/box.h>', 'native/engine/box.h'],
    ['#include "../../engine/box.h"', 'native/engine/box.h'],
  ])('is seen in `%s`', (line, to) => {
    const exists = (path: string) => path === to
    const doors = doorsOfCpp('native/mm/fault/a.cpp', `/* why\n */\n${line}  // for Box\n`, exists, ['engine'])
    expect(wrongDoors(native, doors)).toEqual([
      `native/mm/fault/a.cpp:3: mm may not open engine (${to}); it stands on base, page, pins`,
    ])
  })

  test('is none in C++ to a sub-room, downwards, to the system, or in a comment', () => {
    const source =
      '#include "engine/audit/a.h"\n#include "base/lock.h"\n#include <vector>\n// #include "addon/x.h"\n/*\n#include "addon/x.h"\n*/'
    const doors = doorsOfCpp('native/engine/box/a.cpp', source, () => false, Object.keys(native.standsOn))
    expect(doors.map(({ to }) => to)).toEqual(['native/engine/audit/a.h', 'native/base/lock.h'])
    expect(wrongDoors(native, doors)).toEqual([])
  })

  test('may be a circle where a header ends with its inline half, and nowhere else in it', () => {
    const circle = (source: string) =>
      [
        ...doorsOfCpp('native/page/a.h', source, () => true, []),
        ...doorsOfCpp('native/page/a_inl.h', '#include "page/a.h"\nint b;', () => true, []),
      ].map(({ endsHeader }) => endsHeader)
    expect(circle('int a;\n#include "page/a_inl.h"  // bodies\n\n')).toEqual([true, false])
    expect(circle('#include "page/a_inl.h"\nint a;\n')).toEqual([false, false])
  })

  test('is one from the core into the tests', () => {
    expect(wrongDoors(native, cpp('native/mm/a.cpp', '#include "tests/both/fixture.h"'))).toHaveLength(1)
  })
})

describe('a circle', () => {
  const house: House = { folder: 'lib/', standsOn: { one: [], two: [], three: [] } }
  const doors = [
    ...doorsOfTypeScript('lib/one/a.ts', "import '../two/b.ts'\nimport './c.ts'"),
    ...doorsOfTypeScript('lib/two/b.ts', "import './d.ts'"),
    ...doorsOfTypeScript('lib/two/d.ts', "\nimport type { C } from '../three/c.ts'"),
    ...doorsOfTypeScript('lib/three/c.ts', "import '../one/c.ts'"),
  ]

  test('of rooms is seen through files that are in none', () => {
    expect(roomCircles(house, doors)).toEqual([
      'a circle of rooms: lib/one/a.ts:1 -> lib/two/b.ts, lib/two/d.ts:2 -> lib/three/c.ts, lib/three/c.ts:1 -> lib/one/c.ts',
    ])
    expect(fileCircles(doors)).toEqual([])
  })

  test('of files is seen, by types alone too, and each once', () => {
    const closed = [
      ...doors,
      ...doorsOfTypeScript('lib/one/c.ts', "\n\nimport type { A } from './a.ts'"),
      ...doorsOfTypeScript('lib/three/x.ts', "import './y.ts'"),
      ...doorsOfTypeScript('lib/three/y.ts', "export * from './x.ts'"),
    ]
    expect(fileCircles(closed)).toEqual([
      'a circle of files: lib/one/a.ts:2 -> lib/one/c.ts, lib/one/c.ts:3 -> lib/one/a.ts',
      expect.stringMatching(/^a circle of files: lib\/three\/c\.ts:1 -> lib\/one\/c\.ts, .* -> lib\/three\/c\.ts$/),
      'a circle of files: lib/three/x.ts:1 -> lib/three/y.ts, lib/three/y.ts:1 -> lib/three/x.ts',
    ])
  })
})
