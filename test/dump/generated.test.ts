import { describe, expect, test } from 'vitest'
import { type DecodedDump, decodeLog } from 'pagebox'
import { prefixes, randomFrom, versions, type WrittenPage, writePage } from './writer.ts'

const kinds = ['anon', 'file', 'freed', 'head'] as const

function expectRight(dump: DecodedDump, page: WrittenPage, log: string): void {
  const { version, flags, refcount, mapcount, kind } = page
  expect(
    { flags: [...dump.flags].sort(), refcount: dump.refcount, mapcount: dump.mapcount, because: dump.because },
    log,
  ).toEqual({
    flags: [...flags].sort(),
    refcount,
    mapcount,
    because: page.because,
  })
  if (version.form === 'pfn' || version.form === 'no-pointer') expect(dump.pfn, log).toBe(BigInt(page.pfn))
  if (version.high)
    expect([dump.zone, dump.node], log).toEqual([page.zone, page.lines.join().includes('node=') ? page.node : null])
  else expect([dump.zone, dump.node, dump.lastCpupid], log).toEqual([null, null, null])
  if (kind === 'head') expect(dump.order, log).toBe(version.head === 'inline' ? null : page.order)
  else expect(dump.order, log).toBe(0)
  const type = { anon: 'anon', file: 'file', head: 'compound-head', freed: dump.type }[kind]
  expect(dump.type, log).toBe(type)
  expect(
    dump.words.map((word) => word.toString(16).padStart(16, '0')),
    log,
  ).toEqual(page.words)
  expect(
    dump.warnings.filter((text) => !text.startsWith('_refcount is negative')),
    log,
  ).toEqual([])
  expect(holds(dump.kernels, version.release), `${dump.kernels} ${version.name}\n${log}`).toBe(true)
}

function holds(kernels: string | null, [major, minor]: readonly [number, number]): boolean {
  const numbers = [...(kernels ?? '').matchAll(/(\d+)\.(\d+)/g)].map(([, a, b]) => Number(a) * 1000 + Number(b))
  const asked = major * 1000 + minor
  return (numbers[0] as number) <= asked && (kernels?.includes('later') || asked <= (numbers.at(-1) as number))
}

describe.each(versions)('a kernel $name', (version) => {
  test.each(kinds)("%s pages in the kernel's own form", (kind) => {
    const random = randomFrom(version.release[0] * 100 + version.release[1])
    for (let i = 0; i < 60; i++) {
      const page = writePage(random, version, kind)
      const log = page.lines.join('\n')
      const { dumps } = decodeLog(log)
      expect(dumps, log).toHaveLength(1)
      expectRight(dumps[0] as DecodedDump, page, log)
    }
  })
})

describe.each(Object.keys(prefixes))('posted as: %s', (name) => {
  test('every kernel', () => {
    const random = randomFrom(name.length * 31)
    for (const version of versions) {
      for (const kind of kinds) {
        const page = writePage(random, version, kind)
        const log = (prefixes[name] as (typeof prefixes)[string])(page.lines, random).join('\n')
        const { dumps } = decodeLog(log)
        expect(dumps, log).toHaveLength(1)
        expectRight(dumps[0] as DecodedDump, page, log)
      }
    }
  })
})

describe('several dumps', () => {
  const two = (seed: number): [WrittenPage, WrittenPage] => {
    const random = randomFrom(seed)
    const version = versions[random(versions.length)] as (typeof versions)[number]
    const first = writePage(random, version, 'anon')
    const second = writePage(random, version, 'file')
    return [first, second]
  }

  test('one after the other, with other lines between', () => {
    const random = randomFrom(5)
    const pages = Array.from({ length: 40 }, () =>
      writePage(random, versions[random(versions.length)] as (typeof versions)[number], kinds[random(4)] as 'anon'),
    )
    const log = pages.flatMap(({ lines }) => [
      'BUG: something',
      ...lines,
      ' dump_stack+0x67/0x90',
      'RAX: 0000000000000000 RBX: ffff888012345678',
      ' ffff8880a284cc80: 00 00 00 00 fc fc fc fc',
    ])
    const { dumps } = decodeLog(log.join('\n'))
    expect(dumps).toHaveLength(pages.length)
    for (const [i, page] of pages.entries()) expectRight(dumps[i] as DecodedDump, page, page.lines.join('\n'))
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('of two CPUs, line by line in any order: seed %i', (seed) => {
    const random = randomFrom(seed)
    const [a, b] = two(seed)
    const left = [
      a.lines.map((line) => `[    1.000000][  T12] ${line}`),
      b.lines.map((line) => `[    1.000000][   C3] ${line}`),
    ]
    const log: string[] = []
    while (left.some((lines) => lines.length > 0)) {
      const from = left[random(2)] as string[]
      const line = from.shift()
      if (line !== undefined) log.push(line)
    }
    const { dumps } = decodeLog(log.join('\n'))
    expect(dumps).toHaveLength(2)
    for (const dump of dumps) expectRight(dump, dump.who === 'T12' ? a : b, log.join('\n'))
  })

  test('of two CPUs in turns, without ids: put together by what agrees, and said', () => {
    const [a, b] = two(11)
    const log = a.lines.flatMap((line, i) => [line, b.lines[i] as string]).join('\n')
    const { dumps } = decodeLog(log)
    expect(dumps).toHaveLength(2)
    for (const [i, page] of [a, b].entries()) {
      const dump = dumps[i] as DecodedDump
      expect(dump.refcount).toBe(page.refcount)
      expect(dump.words.map((word) => word.toString(16).padStart(16, '0'))).toEqual(page.words)
      expect(dump.warnings.join()).toContain('alternate')
    }
  })
})

test('the kernel that the log names decides where the words leave it open', () => {
  const rows = [
    'raw: 000fffffc000000a dead000000000100 dead000000000122 0000000000000000',
    'raw: 0000000000000001 0000000000000000 fffffffffffffffe 0000000000000000',
  ]
  const at = (release: string): DecodedDump =>
    decodeLog(
      [
        ...rows,
        'page dumped because: nonzero _refcount',
        `CPU: 3 PID: 521 Comm: x Tainted: G    B   W   ${release} #1`,
      ].join('\n'),
    ).dumps[0] as DecodedDump
  expect(at('5.15.0-91-generic')).toMatchObject({
    layout: 'linux-5.10',
    kernels: '5.15',
    flags: ['referenced', 'dirty'],
  })
  expect(at('6.1.76-x')).toMatchObject({ layout: 'linux-6.1', kernels: '6.1' })
  expect(at('6.8.0-rc7')).toMatchObject({ layout: 'linux-6.6', flags: ['writeback', 'uptodate'] })
})
