/*
 * Writes what dump_page() of a kernel prints for a page, in the forms of its years, and the prefixes and quotes that people
 * post it with. Written for the tests alone: it shares no table with what reads the logs.
 */

/** Numbers from a seed: the same log each time. */
export function randomFrom(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

type Random = (below: number) => number

const old =
  'locked error referenced uptodate dirty lru active waiters slab owner_priv_1 arch_1 reserved private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked uncached hwpoison'
const since420 =
  'locked referenced uptodate dirty lru active workingset waiters error slab owner_priv_1 arch_1 reserved private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked uncached hwpoison'
const since66 =
  'locked writeback referenced uptodate dirty lru head waiters active workingset error slab owner_priv_1 arch_1 reserved private private_2 mappedtodisk reclaim swapbacked unevictable mlocked uncached hwpoison'
const since612 =
  'locked writeback referenced uptodate dirty lru head waiters active workingset owner_priv_1 owner_2 arch_1 reserved private private_2 reclaim swapbacked unevictable mlocked hwpoison young idle'
const since614 = since612.replace('unevictable', 'unevictable dropbehind')

/** How kernels of one release print, and number their flags. */
export interface Version {
  readonly name: string
  readonly release: readonly [number, number]
  readonly flags: readonly string[]
  readonly form: 'count' | 'refcount' | 'pfn' | 'no-pointer'
  readonly high: boolean
  readonly typeLine: 'none' | 'word' | 'byte'
  readonly head: 'inline' | 'compound' | 'entire' | 'mapcount'
  readonly poison2: string
}

const version = (
  name: string,
  flags: string,
  form: Version['form'],
  high: boolean,
  typeLine: Version['typeLine'],
  head: Version['head'],
): Version => {
  const [major, minor] = name.split('.').map(Number) as [number, number]
  const poison2 = form === 'count' ? 'dead000000000200' : 'dead000000000122'
  return { name, release: [major, minor], flags: flags.split(' '), form, high, typeLine, head, poison2 }
}

export const versions: readonly Version[] = [
  version('4.19', old, 'count', false, 'none', 'inline'),
  version('5.0', since420, 'count', false, 'none', 'inline'),
  version('5.4', since420, 'refcount', false, 'none', 'inline'),
  version('5.10', since420, 'pfn', false, 'none', 'compound'),
  version('5.15', since420, 'pfn', true, 'none', 'compound'),
  version('6.1', since420, 'pfn', true, 'none', 'compound'),
  version('6.5', since420, 'pfn', true, 'word', 'entire'),
  version('6.8', since66, 'pfn', true, 'word', 'entire'),
  version('6.12', since612, 'no-pointer', true, 'byte', 'mapcount'),
  version('6.14', since614, 'no-pointer', true, 'byte', 'mapcount'),
  version('6.18', since614, 'no-pointer', true, 'byte', 'mapcount'),
  version('7.2', since614, 'no-pointer', true, 'byte', 'mapcount'),
]

/** Widths of the fields at the top, as a configuration has them. */
export interface Widths {
  readonly node: number
  readonly zone: number
  readonly lastcpupid: number
}

/** A page as its kernel knows it. */
export interface WrittenPage {
  readonly version: Version
  readonly flags: readonly string[]
  readonly refcount: number
  readonly mapcount: number
  readonly zone: number
  readonly node: number
  readonly lastcpupid: number
  readonly pfn: number
  readonly kind: 'anon' | 'file' | 'freed' | 'head'
  readonly order: number
  readonly because: string
  readonly lines: readonly string[]
  readonly words: readonly string[]
}

const hex = (value: bigint, digits = 16): string => value.toString(16).padStart(digits, '0')

const flagsOf: Readonly<Record<WrittenPage['kind'], readonly string[]>> = {
  anon: ['referenced', 'dirty', 'active', 'workingset', 'mlocked'],
  file: ['referenced', 'dirty', 'active', 'workingset', 'reclaim'],
  freed: ['referenced', 'uptodate', 'dirty', 'swapbacked'],
  head: ['referenced', 'uptodate', 'dirty'],
}

/** A random page of a release, and its dump without any prefix. */
export function writePage(random: Random, version: Version, kind: WrittenPage['kind']): WrittenPage {
  const widths: Widths = [
    { node: 10, zone: 3, lastcpupid: 21 },
    { node: 6, zone: 3, lastcpupid: 14 },
    { node: 4, zone: 3, lastcpupid: 17 },
    { node: 2, zone: 2, lastcpupid: 0 },
  ][random(4)] as Widths
  const must =
    kind === 'anon'
      ? ['uptodate', 'lru', 'swapbacked']
      : kind === 'file'
        ? ['uptodate', 'lru']
        : kind === 'head'
          ? ['head']
          : []
  const chosen = new Set([...must, ...flagsOf[kind].filter((name) => version.flags.includes(name) && random(3) === 0)])
  const flags = version.flags.filter((name) => chosen.has(name))
  const zone = random(3)
  const node = random(2 ** Math.min(widths.node, 2))
  const lastcpupid =
    widths.lastcpupid === 0 ? 0 : random(2) === 0 ? 2 ** widths.lastcpupid - 1 : random(2 ** widths.lastcpupid)
  let word = 0n
  for (const name of flags) word |= 1n << BigInt(version.flags.indexOf(name))
  word |= BigInt(node) << BigInt(64 - widths.node)
  word |= BigInt(zone) << BigInt(64 - widths.node - widths.zone)
  if (widths.lastcpupid > 0) word |= BigInt(lastcpupid) << BigInt(64 - widths.node - widths.zone - widths.lastcpupid)
  const pfn = 0x1000 + random(0x7fffff)
  const refcount =
    kind === 'freed'
      ? ([-1, 1, 3, -2][random(4)] as number)
      : 1 + random(4) + (random(3) === 0 ? 1024 * (1 + random(5)) : 0)
  const mapcount = kind === 'freed' || kind === 'head' ? 0 : random(4)
  const order = kind === 'head' ? 2 + random(8) : 0
  const object = 0xffff888000000000n + BigInt(0x100000 + random(0x7fffff)) * 64n
  const index = BigInt(random(0xfffff))
  const mapping = kind === 'anon' ? object | 1n : kind === 'file' ? object + 8n : 0n
  const near = (): string => hex(0xffffea0000000008n + BigInt(random(0x7fffff)) * 64n)
  const listed = kind === 'anon' || kind === 'file'
  const words = [
    hex(word),
    listed ? near() : 'dead000000000100',
    listed ? near() : version.poison2,
    hex(mapping),
    hex(index),
    hex(0n),
    hex((BigInt.asUintN(32, BigInt(refcount)) << 32n) | BigInt.asUintN(32, BigInt(mapcount - 1))),
    hex(0n),
  ]
  const because = kind === 'freed' ? 'nonzero _refcount' : 'migration failure'
  const page = { version, flags, refcount, mapcount, zone, node, lastcpupid, pfn, kind, order, because, words }
  return { ...page, lines: linesOf(random, page, widths, word, index) }
}

function linesOf(
  random: Random,
  page: Omit<WrittenPage, 'lines'>,
  widths: Widths,
  word: bigint,
  index: bigint,
): string[] {
  const { version, flags, refcount, mapcount, zone, node, lastcpupid, pfn, kind, order, words } = page
  const pointer = hex(BigInt(random(0x7fffffff)))
  const counts = `${version.form === 'count' ? 'count' : 'refcount'}:${refcount} mapcount:${mapcount}`
  const mapping = kind === 'file' ? hex(BigInt(random(0x7fffffff))) : '0000000000000000'
  const place = version.form === 'pfn' || version.form === 'no-pointer' ? ` pfn:0x${pfn.toString(16)}` : ''
  const inline = kind === 'head' && version.head === 'inline' ? ' compound_mapcount: 0' : ''
  const lines = [
    `page:${version.form === 'no-pointer' ? '' : pointer} ${counts} mapping:${mapping} index:0x${index.toString(16)}${place}${inline}`,
  ]
  if (kind === 'head' && version.head === 'compound')
    lines.push(`head:${pointer} order:${order} compound_mapcount:0 compound_pincount:0`)
  if (kind === 'head' && version.head === 'entire')
    lines.push(`head:${pointer} order:${order} entire_mapcount:0 nr_pages_mapped:0 pincount:0`)
  if (kind === 'head' && version.head === 'mapcount')
    lines.push(`head: order:${order} mapcount:0 entire_mapcount:0 nr_pages_mapped:0 pincount:0`)
  const top = version.high
    ? [
        ...(widths.node > 0 ? [`node=${node}`] : []),
        `zone=${zone}`,
        ...(widths.lastcpupid > 0 ? [`lastcpupid=0x${lastcpupid.toString(16)}`] : []),
      ]
    : []
  lines.push(`${kind === 'anon' ? 'anon ' : ''}flags: 0x${word.toString(16)}(${[...flags, ...top].join('|')})`)
  if (version.typeLine === 'word') lines.push('page_type: 0xffffffff()')
  lines.push(`raw: ${words.slice(0, 4).join(' ')}`, `raw: ${words.slice(4).join(' ')}`)
  lines.push(`page dumped because: ${page.because}`)
  return lines
}

/** Ways in which people post a log. */
export const prefixes: Readonly<Record<string, (lines: readonly string[], random: Random) => string[]>> = {
  none: (lines) => [...lines],
  dmesg: (lines, random) =>
    lines.map((line, i) => `[${String(100 + i).padStart(5)}.${String(random(999999)).padStart(6, '0')}] ${line}`),
  thread: (lines) => lines.map((line, i) => `[  102.07${i}007][T14893] ${line}`),
  cpu: (lines) => lines.map((line, i) => `[  102.07${i}007][    C1] ${line}`),
  level: (lines) => lines.map((line) => `<4>[    1.000001] ${line}`),
  journal: (lines) => lines.map((line) => `Dec 02 00:08:18 host.local kernel: ${line}`),
  syslog: (lines) => lines.map((line) => `Apr  2 00:08:18 host kernel: [12345.678901] ${line}`),
  iso: (lines) => lines.map((line) => `2026-03-02T10:11:12.123456+01:00 host kernel: [ 12345.678901] ${line}`),
  human: (lines) => lines.map((line) => `[Tue Apr 20 18:05:30 2021] ${line}`),
  decoded: (lines) => lines.map((line) => `kern  :alert : [   12.345678] ${line}`),
  quoted: (lines) => lines.map((line) => `> > [   59.296485] ${line}`),
  quotedTwice: (lines) => lines.map((line) => `>>> ${line}`),
  html: (lines) => lines.map((line) => `&gt; ${line}`),
  crlf: (lines) => lines.map((line) => `[   12.345678] ${line}\r`),
  colours: (lines) => lines.map((line) => `\u001b[32m[   12.345678] \u001b[0m\u001b[31m${line}\u001b[0m`),
  wrapped: (lines) => lines.flatMap((line) => wrapAt(`[   59.296485] ${line}`, 72)),
  wrappedQuote: (lines) => lines.flatMap((line) => wrapAt(line, 60).map((part) => `> ${part}`)),
  printable: (lines) => lines.flatMap((line) => softBreaks(line.replaceAll('=', '=3D'), 70)),
  terminal: (lines) => lines.flatMap((line) => line.match(/.{1,78}/g) as string[]),
  indented: (lines) => lines.map((line) => `    ${line}`),
}

function wrapAt(line: string, columns: number): string[] {
  const lines: string[] = []
  let now = ''
  for (const word of line.split(' ')) {
    if (now !== '' && now.length + word.length + 1 > columns) {
      lines.push(now)
      now = word
    } else now = now === '' ? word : `${now} ${word}`
  }
  return [...lines, now]
}

function softBreaks(line: string, columns: number): string[] {
  const parts: string[] = []
  let rest = line
  while (rest.length > columns) {
    // A break never parts an escape.
    let at = columns
    while (/=[\da-f]?$/i.test(rest.slice(0, at))) at--
    parts.push(`${rest.slice(0, at)}=`)
    rest = rest.slice(at)
  }
  return [...parts, rest]
}
