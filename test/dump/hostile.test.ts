import { describe, expect, test } from 'vitest'
import { decodeBareWords, decodeLog, type PageboxError } from 'pagebox'
import { prefixes, randomFrom, versions, writePage } from './writer.ts'

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as PageboxError).code
  }
}

const hostileText = [
  '\0',
  '\u001b[2J',
  '=\n',
  '> ',
  '(',
  ')',
  'raw: ',
  'page:',
  'flags: 0x',
  '\r',
  ' ',
  '\u202e',
  'ffffffffffffffff ',
  '|',
  '0x',
  'head: ',
  '-1',
  '\n',
]

describe('logs that were damaged', () => {
  test.each(Array.from({ length: 20 }, (_, seed) => seed + 1))('bytes changed, cut and repeated: seed %i', (seed) => {
    const random = randomFrom(seed)
    const names = Object.keys(prefixes)
    for (let round = 0; round < 40; round++) {
      const version = versions[random(versions.length)] as (typeof versions)[number]
      const page = writePage(random, version, (['anon', 'file', 'freed', 'head'] as const)[random(4)] as 'anon')
      let log = (prefixes[names[random(names.length)] as string] as (typeof prefixes)[string])(page.lines, random).join(
        '\n',
      )
      for (let i = 0; i <= random(6); i++) {
        const at = random(log.length + 1)
        const to = Math.min(log.length, at + random(12))
        const put =
          random(2) === 0 ? (hostileText[random(hostileText.length)] as string) : String.fromCharCode(random(256))
        log = random(4) === 0 ? log.slice(0, at) + log.slice(to) : log.slice(0, at) + put + log.slice(at)
      }
      for (const dump of decodeLog(log).dumps) {
        // What is in the log and not in the page is never made up: a number, or null.
        expect(dump.refcount === null || Number.isInteger(dump.refcount)).toBe(true)
        expect(dump.flags.every((name) => /^[\w-]+$/.test(name))).toBe(true)
        expect(JSON.stringify(dump, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).not.toMatch(
          // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
          /\\u00[019]|\\u202e|[\u0000-\u001f]/,
        )
      }
    }
  })

  test('half a dump: what is there is answered, the rest is unknown', () => {
    const random = randomFrom(9)
    const page = writePage(random, versions.at(-1) as (typeof versions)[number], 'anon')
    for (let lines = 1; lines <= page.lines.length; lines++) {
      const { dumps } = decodeLog(page.lines.slice(0, lines).join('\n'))
      expect(dumps).toHaveLength(1)
      expect(dumps[0]).toMatchObject({ refcount: page.refcount, mapcount: page.mapcount })
      if (lines < 3) expect(dumps[0]?.unknown.join()).toContain('words')
      if (lines === 3) expect(dumps[0]?.warnings.join()).toContain('of the words only')
    }
  })

  test('print and words that disagree', () => {
    const log = [
      'page: refcount:7 mapcount:2 mapping:0000000000000000 index:0x0 pfn:0x1',
      'flags: 0x17ff00000000008(uptodate|node=0|zone=2|lastcpupid=0x7ff)',
      'raw: 017ff00000000018 dead000000000100 dead000000000122 0000000000000000',
      'raw: 0000000000000000 0000000000000000 0000000100000000 0000000000000000',
    ].join('\n')
    const text = decodeLog(log).dumps[0]?.warnings.join('\n')
    expect(text).toContain('refcount: 7 is printed, and the words hold 1')
    expect(text).toContain('mapcount: 2 is printed, and the words hold 1')
    expect(text).toContain('bits 0x10 differ')
  })

  test('flags names that are not those of the bits', () => {
    const { dumps } = decodeLog(
      'page: refcount:1 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x1\nflags: 0x17ff00000000008(mlocked|node=0|zone=2|lastcpupid=0x7ff)',
    )
    expect(dumps[0]).toMatchObject({ flags: ['mlocked'], confidence: 'low' })
    expect(dumps[0]?.warnings.join()).toContain('differ')
  })
})

describe('names from a log', () => {
  test('lose their escapes', () => {
    const log = [
      'BUG: Bad page state in process \u001b]0;title\u0007evil\u001b[31m\u202e  pfn:00001',
      'page: refcount:1 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x1',
      'aops:x\u001b[2Jops ino:1 dentry name(?):"\u001b[5m<script>"',
      'page dumped because: \u009b31mreason\u0000',
    ].join('\n')
    expect(decodeLog(log).dumps[0]).toMatchObject({
      process: 'evil',
      aops: 'xops',
      dentry: '<script>',
      because: 'reason',
    })
  })
})

test('a word that is coloured, or has something in it, is read as without', () => {
  const plain = [
    'page: refcount:1025 mapcount:1 mapping:0000000000000000 index:0x7f12 pfn:0x108008',
    'anon flags: 0x17ffffc0020028(uptodate|lru|swapbacked|node=0|zone=2|lastcpupid=0x1fffff)',
    'raw: 0017ffffc0020028 ffffd0e204200188 ffffd0e205e09088 ffff8ea04243ee71',
    'raw: 0000000000007f12 0000000000000000 0000040100000000 0000000000000000',
    'page dumped because: migration failure',
  ].join('\n')
  const expected = decodeLog(plain).dumps
  expect(expected).toHaveLength(1)
  const word = /raw|flags|page(?= dumped)|refcount/g
  for (const [before, after] of [
    ['\u001b[1;31m', '\u001b[0m'],
    ['\u001b[01;31m\u001b[K', '\u001b[m\u001b[K'],
    ['^[[1m', '^[[0m'],
    ['\0', '\0'],
    ['\u200b', '\ufeff'],
  ])
    expect(decodeLog(plain.replace(word, (each) => `${before}${each}${after}`)).dumps).toEqual(expected)
  // A file of 16-bit characters, read as bytes.
  expect(decodeLog([...plain].map((each) => `${each}\0`).join('')).dumps).toEqual(expected)
})

test('rows of different widths are said once', () => {
  const narrow = 'raw: 00000000 00000100 00000122 00000000'
  const wide = 'raw: 0000000000000000 0000000000000000 00000001ffffffff 0000000000000000'
  for (const log of [`${narrow}\n${wide}`, `${narrow}\n${wide}\n${wide}`]) {
    const [dump] = decodeLog(log).dumps
    expect(dump?.warnings.filter((text) => text.includes('different widths'))).toHaveLength(1)
  }
})

describe('large logs', () => {
  // Minutes, where each of them is put together before it is left out.
  test('millions of parts beyond the dumps that are wanted', { timeout: 60_000 }, () => {
    const { dumps, lines } = decodeLog(`${'raw: 0\r'.repeat(1100)}\n`.repeat(2000))
    expect({ dumps: dumps.length, lines }).toEqual({ dumps: 1000, lines: 2000 })
  })

  test('megabytes without a dump, and one at the end', () => {
    const line = '[  102.078007][T14893]  do_syscall_64+0x35/0xb0 arch/x86/entry/common.c:80\n'
    function* log(): Iterable<string> {
      for (let i = 0; i < 64; i++) yield line.repeat(1000)
      yield 'page: refcount:3 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x1\n'
    }
    const { dumps, lines } = decodeLog(log())
    expect(dumps).toHaveLength(1)
    expect(lines).toBe(64_001)
    expect(dumps[0]).toMatchObject({ line: 64_001, refcount: 3 })
  })

  test.each([
    ['NULs', '\0'.repeat(1 << 20)],
    ['one long line', `raw: ${'0123456789abcdef '.repeat(1 << 16)}`],
    ['open brackets', `${'page dumped because: '}${'('.repeat(1 << 18)}`],
    ['flags without an end', `flags: 0x1(${'a|'.repeat(1 << 17)}`.repeat(4)],
    ['taint letters', `CPU: 1 Tainted: ${'G '.repeat(1 << 17)}`],
    ['headers alone', 'page: refcount:1 mapcount:0\n'.repeat(3000)],
    ['quotes', `${'> '.repeat(1 << 18)}\n`],
    ['spaces', `${' '.repeat(1 << 20)}\n`],
    ['soft breaks', 'page:=\n'.repeat(20_000)],
  ])('%s: ends, and says what was left out', (_, log) => {
    const { dumps, warnings } = decodeLog(log)
    expect(dumps.length).toBeLessThanOrEqual(1000)
    for (const { line, text } of warnings) expect([typeof line, typeof text]).toEqual(['number', 'string'])
    if (log.length > 1 << 20 || !log.includes('\n')) expect(warnings.length + dumps.length).toBeGreaterThan(0)
  })

  test('more dumps than were asked for are left out, and that is said', () => {
    const log = 'page: refcount:1 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x1\n'.repeat(50)
    const { dumps, warnings } = decodeLog(log, { maxDumps: 10 })
    expect(dumps).toHaveLength(10)
    expect(warnings.at(-1)?.text).toContain('more than 10 dumps')
  })
})

describe('in pieces', () => {
  test('of any size, or lines', () => {
    const random = randomFrom(21)
    const page = writePage(random, versions[9] as (typeof versions)[number], 'anon')
    const text = `${page.lines.map((line) => `[    1.000000] ${line}`).join('\n')}\n`
    const whole = decodeLog(text)
    for (const size of [1, 3, 7, 64, 1000]) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
        text.slice(i * size, i * size + size),
      )
      expect(decodeLog(pieces)).toEqual(whole)
    }
    expect(decodeLog(text.split('\n'))).toMatchObject({ dumps: whole.dumps })
  })
})

describe('arguments', () => {
  test.each([
    [() => decodeLog(1 as never), 'ERR_PAGEBOX_ARG_TYPE'],
    [() => decodeLog(null as never), 'ERR_PAGEBOX_ARG_TYPE'],
    [() => decodeLog([1] as never), 'ERR_PAGEBOX_ARG_TYPE'],
    [() => decodeLog('', { layout: 'nothing' }), 'ERR_PAGEBOX_LAYOUT_UNKNOWN'],
    [() => decodeLog('', { extraLayouts: 'linux-6.12' as never }), 'ERR_PAGEBOX_ARG_TYPE'],
    [() => decodeLog('', { extraLayouts: ['nothing'] }), 'ERR_PAGEBOX_LAYOUT_UNKNOWN'],
    [() => decodeLog('', { type: 'nothing' as never }), 'ERR_PAGEBOX_ARG_RANGE'],
    [() => decodeLog('', { scheme: 'nothing' }), 'ERR_PAGEBOX_SCHEME_UNKNOWN'],
    [() => decodeLog('', { maxDumps: 0 }), 'ERR_PAGEBOX_ARG_RANGE'],
    [() => decodeLog('', { color: true } as never), 'ERR_PAGEBOX_OPTION_UNKNOWN'],
    [() => decodeBareWords(['xyz'], []), 'ERR_PAGEBOX_ARG_RANGE'],
    [() => decodeBareWords(null as never, []), 'ERR_PAGEBOX_ARG_TYPE'],
    [() => decodeBareWords([1n] as never, []), 'ERR_PAGEBOX_ARG_TYPE'],
  ])('%# is refused by name', (call, code) => {
    expect(codeOf(call)).toBe(code)
  })

  test('an iterable that never ends is stopped', () => {
    function* endless(): Iterable<string> {
      for (;;) yield 'x'.repeat(1 << 20)
    }
    expect(codeOf(() => decodeLog(endless()))).toBe('ERR_PAGEBOX_ARG_RANGE')
  })
})
