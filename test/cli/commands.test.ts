import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { layouts, schemes } from '../../lib/index.ts'
import { runCli } from './testIo.ts'

const json = async (args: string[], input = '') => {
  const { code, out, err } = await runCli([...args, '--json'], { input })
  expect(err).toBe('')
  expect(code).toBe(0)
  return JSON.parse(out)
}

describe('pagebox schemes', () => {
  test('lists every scheme with its limit', async () => {
    const { out } = await runCli(['schemes'])
    for (const scheme of schemes) expect(out).toContain(scheme.name)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    expect((await json(['schemes'])).schemes.length).toBe([...schemes].length)
  })
})

describe('pagebox layout', () => {
  test('without a name lists the layouts', async () => {
    const { out } = await runCli(['layout'])
    for (const layout of layouts) expect(out).toContain(layout.name)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  test.each([...layouts].map((layout) => layout.name))('draws %s within 100 columns', async (name) => {
    const { code, out } = await runCli(['layout', name])
    expect(code).toBe(0)
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  test('shows what the November 2018 proposal does to a device page', async () => {
    const { out } = await runCli(['layout', 'linux-4.20', '--scheme', 'lru-overlay', '--type', 'device-private-anon'])
    expect(out).toMatch(/pgmap\s+✗ collides/)
    expect(out).toMatch(/hmm_data\s+✗ collides/)
    expect(out).toMatch(/mapping\s+(?!✗)/)
  })

  test('a page type that the layout does not have is wrong use', async () => {
    const { code, err } = await runCli(['layout', 'linux-4.20', '--type', 'device-coherent'])
    expect(code).toBe(2)
    expect(err).toContain('there is no page type')
  })
})

describe('pagebox decode', () => {
  // An anonymous page, mapped once, pinned three times by the bias: 1 + 3 * 1024 references.
  const words = [
    '0',
    'dead000000000100',
    'dead000000000122',
    '0',
    '7f12',
    '0',
    `${(1 + 3 * 1024).toString(16).padStart(8, '0')}00000000`,
    '0',
  ]

  test('counts the pins of the bias', async () => {
    const page = await json(['decode', '--type', 'anon', ...words])
    expect(page).toMatchObject({ type: 'anon', refcount: 3073, mapcount: 1, pins: { pins: 3, exact: false } })
    expect(page.words[1]).toBe('0xdead000000000100')
  })

  test('reads standard input, and says what the pointers are', async () => {
    const { code, out } = await runCli(['decode', '--type', 'anon', '-'], { input: `raw: ${words.join(' ')}` })
    expect(code).toBe(0)
    expect(out).toContain('refcount:3073')
    expect(out).toMatch(/poison/)
  })

  test('six words are not enough', async () => {
    const { code, err } = await runCli(['decode', ...words.slice(2)])
    expect(code).toBe(2)
    expect(err).toContain('7 to 8 words of 8 bytes, and 6 were given')
  })
})

describe('pagebox stress', () => {
  test('races, audits and ends clean', async () => {
    const result = await json(['stress', '--seconds', '0.3', '--threads', '2', '--pages', '64'])
    expect(result.audit).toMatchObject({ clean: true, rows: [] })
    expect(result.ops[0].op).toBe('pin+unpin')
    expect(result.ops[0].ops).toBeGreaterThan(1000)
    expect(result.failed).toBeNull()
  })

  test('an aborted run is 130 and keeps its numbers', async () => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 300)
    const { code, out } = await runCli(['stress', '--seconds', '30', '--json'], { signal: abort.signal })
    expect(code).toBe(130)
    const result = JSON.parse(out)
    expect(result.complete).toBe(false)
    expect(result.ops[0].ops).toBeGreaterThan(0)
  })

  test('an operation that does not exist is wrong use', async () => {
    const { code, err } = await runCli(['stress', '--mix', 'pine=1', '--seconds', '0.1'])
    expect(code).toBe(2)
    expect(err).toContain('pine')
  })
})

describe('pagebox stress on operations', () => {
  test('races a named scenario', async () => {
    const result = await json(['stress', 'mm', '--seconds', '0.3'])
    expect(result.scenario).toBe('mm')
    expect(result.audit.clean).toBe(true)
    expect(result.ops.map((each: { op: string }) => each.op)).toContain('fork')
    expect(result.useful).toBeGreaterThan(0.85)
    expect(result.reached.map((each: { group: string }) => each.group)).toContain('swap')
    const asked = await json(['stress', 'mm', '--seconds', '0.3', '--failing', '60%'])
    expect(asked.useful).toBeLessThan(result.useful)
    const again = await runCli(['stress', 'mm', '--seconds', '0.3', '--failing', '60%'])
    expect(again.out).toMatch(/^useful: \d+\.\d % of [\d,]+ operations$/m)
    expect(again.out).toMatch(/^reached: fault \d+ of \d+, cow \d+ of \d+, swap \d+ of \d+, migration/m)
  })

  test('takes a mix for all threads', async () => {
    const result = await json(['stress', 'devices', '--seconds', '0.2', '--threads', '2', '--mix', 'store=3,load=1'])
    expect(result.ops.map((each: { op: string }) => each.op).sort()).toEqual(['load', 'store'])
  })

  test('takes a file with pins by pfn, and quirks', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pagebox-'))
    const file = join(folder, 'ring.json')
    const ops = [
      { op: 'pin_page', pfn: 0, pages: 8, page: 'random' },
      { op: 'unpin_page', page: 'same' },
    ]
    const setup = [{ op: 'set_up_page', pfn: 0, pages: 8, type: 'anon' }]
    const threads = [{ name: 'driver', ops: [{ op: 'repeat', n: 100_000, ops }] }]
    writeFileSync(file, JSON.stringify({ name: 'ring', setup, threads }))
    try {
      const result = await json(['stress', file, '--seconds', '0.1'])
      expect(result.ops.map((each: { op: string }) => each.op)).toEqual(['pin_page', 'unpin_page'])
      const broken = await runCli(['stress', file, '--seconds', '0.1', '--quirks', 'put-for-unpin'])
      expect([broken.code, broken.out]).toEqual([1, expect.stringContaining('--quirks put-for-unpin')])
      expect((await runCli(['stress', file, '--scheme', 'refcount', '--quirks', 'strictly-greater'])).code).toBe(2)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('refuses what is for pins, and files that are none', async () => {
    expect((await runCli(['stress', 'mm', '--pattern', 'hot'])).code).toBe(2)
    expect((await runCli(['stress', 'mm', '--mix', 'pine=1', '--seconds', '0.1'])).code).toBe(2)
    expect((await runCli(['stress', 'no-such-file.json'])).code).toBe(2)
  })
})

test('pagebox scenarios names what stress takes', async () => {
  const { scenarios } = await json(['scenarios'])
  expect(scenarios.map((each: { name: string }) => each.name)).toEqual(
    expect.arrayContaining(['pins-against-reclaim', 'mm', 'devices']),
  )
})
