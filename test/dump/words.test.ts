import { describe, expect, test } from 'vitest'
import { Box, type DecodedDump, decodeBareWords, decodeLog, decodeWords, layouts } from 'pagebox'

/** Words as people paste them, without a line that says what they are. */
const bare = (line: string): DecodedDump => decodeBareWords(line.split(' '), [])
const numbers = (line: string): bigint[] => line.split(' ').map((word) => BigInt(`0x${word}`))

describe('real addresses are no objects of the sandbox', () => {
  const anon = '017ff00000020018 0 0 ffff8881353896c9 0 0 1ffffffff 0'
  const file = '0017ffffc0000028 ffff88b012345608 0 ffff88b08877f6a8 10 0 300000001 0'
  const noneOfOurs = /lru-anchor|anon-vma|address-space|dev-pagemap|driver-data|slab-cache/

  test('a mapping with bit 0 is an anon_vma somewhere in the kernel', () => {
    const dump = bare(anon)
    expect(dump).toMatchObject({ type: 'anon', refcount: 1, mapcount: 0, zone: null, node: null })
    expect(dump.mapping).toMatchObject({ kind: 'anon', address: '0xffff8881353896c8' })
    expect(dump.flags).toEqual(['uptodate', 'dirty', 'swapbacked'])
    expect(dump.warnings).toEqual([])
    const words = decodeWords(numbers(anon))
    expect(words).toMatchObject({ type: 'anon', zone: null, node: null, warnings: [] })
    expect(words.fields.map(({ text }) => text).join()).not.toMatch(noneOfOurs)
  })

  test('a list neighbour where devices have their pgmap makes no device', () => {
    const dump = bare(file)
    expect(dump).toMatchObject({ type: 'file', refcount: 3, mapcount: 2 })
    expect(dump.mapping).toMatchObject({ kind: 'file', address: '0xffff88b08877f6a8' })
    expect(dump.flags).toEqual(['uptodate', 'lru'])
    const words = decodeWords(numbers(file))
    expect(words.type).toBe('file')
    expect(words.fields.map(({ text }) => text).join()).not.toMatch(noneOfOurs)
  })

  test.each([
    [
      'by its zone, where a layout says how wide that is',
      '0027ffffc0001000 ffff888101234000 ffff888102000000 0 0 0 1ffffffff 0',
    ],
    ['without driver data', '0027ffffc0000000 ffff888101234010 0 0 0 0 1ffffffff 0'],
  ])('a pgmap of the kernel is one: %s', (_, line) => {
    expect(bare(line)).toMatchObject({ type: 'device', warnings: [] })
    expect(bare(line).fields.map(({ name }) => name)).toContain('pgmap')
    expect(decodeWords(numbers(line)).typeReason).toContain('pgmap')
  })

  test('a box still names its own', () => {
    const box = Box.create({ pages: 64, populate: 'none' })
    box.setup(32, { type: 'anon' })
    expect(
      box
        .page(32)
        .decode()
        .fields.find(({ name }) => name === 'mapping')?.text,
    ).toMatch(/^anon_?-?vma \d+/)
    box.close()
  })
})

describe('a page type over _mapcount is no count', () => {
  const head = '17ffff0000000848 ffa000007d873cc0 ffa000007d873cc0 ff1100082366c6e9 0 10 00000002f4000000 0'

  test('hugetlb: no mapcount in the words', () => {
    expect(bare(head)).toMatchObject({ type: 'hugetlb', refcount: 2, mapcount: null, order: null, pins: null })
    expect(decodeWords(numbers(head))).toMatchObject({ type: 'compound-head', mapcount: null, refcount: 2 })
  })

  test("in a box's own page too", () => {
    const box = Box.create({ pages: 2048, hugetlbPages: 1 })
    const mapping = box.createMm().mmap({ pages: 512, hugetlb: true })
    mapping.store(0, 7n)
    const heads = Array.from({ length: 2048 }, (_, pfn) => box.page(pfn)).filter(({ flags }) => flags.includes('head'))
    expect(heads).toHaveLength(1)
    expect(heads[0]?.mapcount).toBeNull()
    expect(heads[0]?.decode().warnings).toEqual([])
    box.close()
  })

  test.each([
    ['buddy', 'f0000000', 'buddy'],
    ['offline', 'f1000000', 'offline'],
    ['a page table', 'f2000000', 'page-table'],
    ['guard', 'f3000000', 'guard'],
    ['hugetlb', 'f4000000', 'hugetlb'],
    ['slab', 'f5000000', 'slab'],
    ['zsmalloc', 'f6000000', 'zsmalloc'],
    ['unaccepted', 'f7000000', 'unaccepted'],
    ['large kmalloc', 'f8000000', 'large-kmalloc'],
    ['buddy until 6.11', 'ffffff7f', 'buddy'],
    ['offline until 6.11', 'fffffeff', 'offline'],
    ['buddy of 6.11', 'bfffffff', 'buddy'],
    ['slab of 6.11', 'fdffffff', 'slab'],
    ['slab of 6.10', 'ffffefff', 'slab'],
  ])('%s', (_, type, name) => {
    expect(bare(`0017ffffc0000000 0 0 0 0 0 00000000${type} 0`)).toMatchObject({ type: name, mapcount: null })
  })

  test('a type that no kernel has is said to be unknown, not guessed', () => {
    const dump = bare('0017ffffc0000000 0 0 0 0 0 00000001fb000000 0')
    expect(dump).toMatchObject({ type: 'unknown', mapcount: null })
    expect(dump.typeReason).toContain('0xfb')
  })
})

describe('tails', () => {
  const first = '17ffff0000000012 ffd4000302000001 0 0 ffffffffffffffff 0 00000000ffffffff 0000000000040000'

  test('the first tail: its low byte is the order, no flags; its count of references is no null pointer', () => {
    const dump = bare(first)
    expect(dump).toMatchObject({ type: 'tail', order: 18, flags: [], refcount: null, pins: null, warnings: [] })
    expect(dump.kernels).toBe('6.15 and later')
    const words = decodeWords(numbers(first))
    expect(words.flags).toEqual([])
    expect(words.warnings.join()).not.toMatch(/null|_refcount/)
  })

  test('of 6.12, where the number of pages lies elsewhere', () => {
    expect(bare('0017ffffc0000009 ffffea0004000001 ffffffffffffffff 0 200 0 ffffffff 0')).toMatchObject({
      type: 'tail',
      order: 9,
      flags: [],
    })
  })

  test('another tail does not tell the order', () => {
    const dump = bare('017ffe0000000000 ffffea0010ef0001 ffffea0010ef1b88 dead000000000400 0 0 00000000ffffffff 0')
    expect(dump).toMatchObject({ type: 'tail', order: null, refcount: null, warnings: [] })
    expect(dump.unknown.join()).toContain('order')
    expect(dump.mapping.text).toBe('TAIL_MAPPING')
  })

  test('from 7.1 on a tail may hold a mask, which tells the order', () => {
    const dump = bare('017ffe0000000000 ffffffffffff8001 0 0 0 0 00000000ffffffff 0')
    expect(dump).toMatchObject({ type: 'tail', layout: 'linux-7.2', order: 9, warnings: [] })
    expect(dump.fields.find(({ offsetBytes }) => offsetBytes === 8)?.text).toContain('mask')
  })

  test('a tail with references of its own is a warning', () => {
    const line = '017ffe0000000000 ffffea0010ef0001 0 dead000000000400 0 0 00000003ffffffff 0'
    expect(bare(line).warnings.join()).toContain('_refcount is 3')
    expect(decodeWords(numbers(line)).warnings.join()).toContain('_refcount')
  })
})

describe('what made a free page bad is not hidden', () => {
  test.each([
    [
      'mapping',
      '0017ffffc0000000 dead000000000100 dead000000000122 ffff888107c7a2b8 0 0 00000000ffffffff 0',
      'freed with `mapping` set',
    ],
    [
      'memcg',
      '0017ffffc0000000 dead000000000100 dead000000000122 0 0 0 00000000ffffffff ffff888105a32000',
      'still charged',
    ],
    ['_mapcount', '0017ffffc0000000 dead000000000100 dead000000000122 0 0 0 0000000000000000 0', 'still mapped once'],
    [
      'one bit of mapping',
      '0017ffffc0000000 dead000000000100 dead000000000122 400000000000 0 0 00000000ffffffff 0',
      'single bit',
    ],
  ])('%s', (name, line, why) => {
    expect(bare(line)).toMatchObject({ type: 'free' })
    expect(bare(line).why).toContain(why)
    if (name === 'one bit of mapping') return
    const { warnings } = decodeWords(numbers(line))
    expect(warnings.join()).toContain(name)
  })

  test('page_pool', () => {
    const line = '0017ffffc0000000 dead000000000040 ffff9c802eb59000 0 145c6b000 1 00000000ffffffff 0'
    const dump = bare(line)
    expect(dump).toMatchObject({ type: 'page-pool', refcount: 0, zone: null })
    expect(dump.why).toContain('page_pool page leaked: `pp_magic`')
    expect(dump.fields.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['pp_magic', 'pp', 'dma_addr', 'pp_ref_count']),
    )
    expect(decodeWords(numbers(line)).type).toBe('page-pool')
    // Since 6.15 an index of the DMA mapping lies above the signature.
    expect(bare(line.replace('dead000000000040', 'dead0000000120c0')).type).toBe('page-pool')
    // Poison of lists has other low bits.
    expect(bare(line.replace('dead000000000040', 'dead000000000100')).type).toBe('free')
  })

  test.each([
    ['-1', 'ffffffffffffffff', '_refcount -1: one put too many'],
    ['-2', 'fffffffeffffffff', '_refcount -2: 2 puts too many'],
  ])('a reference count of %s is no count of pins', (count, word, why) => {
    const line = `02ffff8000000000 0 0 0 0 0 ${word} 0`
    expect(bare(line)).toMatchObject({ refcount: Number(count), pins: null, why })
    expect(bare(line).pinsReason).toContain(count)
    expect(decodeWords(numbers(line), { scheme: 'refcount-bias' }).pins).toBeNull()
  })
})

describe('width of the words', () => {
  const narrow = '00000000 118022c0 118022c0 00000000 00000000 00000000 ffffffff 00000000'

  test('eight words of eight digits are of a 32-bit kernel', () => {
    expect(bare(narrow)).toMatchObject({ wordBytes: 4, refcount: 0, mapcount: 0 })
    expect(bare(`${narrow} 00000000`).wordBytes).toBe(4)
    expect(bare('00000028 c1234564 c1234584 c2345678 00000010 00000000 00000001 00000003')).toMatchObject({
      wordBytes: 4,
      type: 'file',
      refcount: 3,
      mapcount: 2,
    })
  })

  test('a layout of the other width does not read them', () => {
    const { dumps } = decodeLog(`raw: ${narrow}`, { layout: 'linux-6.12' })
    expect(dumps[0]?.wordBytes).toBe(4)
    expect(dumps[0]?.warnings.join()).toContain('linux-6.12 has words of 8 bytes')
  })

  test('rows of both widths are said to be so', () => {
    const { dumps } = decodeLog(
      'raw: 0017ffff c0000000 00000000 00000000\nraw: 0000000000000000 0000000000000000 00000001ffffffff 0000000000000000',
    )
    expect(dumps.flatMap(({ warnings }) => warnings).join()).toMatch(/different widths|of the words only/)
  })
})

describe('layouts that a caller brings', () => {
  const line = '017ff00000020018 0 0 ffff8881353896c9 0 0 1ffffffff 0'

  test('one that is named says where zone and node lie', () => {
    const dump = decodeBareWords(line.split(' '), [], { layout: 'linux-6.12' })
    expect(dump).toMatchObject({ layout: 'linux-6.12', zone: 2, node: 0, layoutReason: 'given' })
    expect(decodeWords(numbers(line), { layout: 'linux-6.12' })).toMatchObject({ zone: 2, node: 0 })
  })

  test('an era can be named too, and knows no widths', () => {
    const dump = decodeBareWords(line.split(' '), [], { layout: 'linux-5.10' })
    expect(dump).toMatchObject({ layout: 'linux-5.10', flags: ['dirty', 'lru', 'mappedtodisk'], zone: null })
  })

  test('one that is imported is chosen where its widths give what is printed, and not where they do not', () => {
    const log = (flags: string, word: string): string =>
      [
        `page: refcount:1 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x1`,
        `flags: 0x${flags}`,
        `raw: ${word} dead000000000100 dead000000000122 0000000000000000`,
        'raw: 0000000000000000 0000000000000000 00000001ffffffff 0000000000000000',
      ].join('\n')
    const extraLayouts = [layouts.get('linux-6.12')]
    // 6 bits of node, 3 of zone, 14 of last_cpupid, as that layout has them.
    const own = decodeLog(log('57ffe0000000008(uptodate|node=1|zone=2|lastcpupid=0x3fff)', '057ffe0000000008'), {
      extraLayouts,
    })
    expect(own.dumps[0]).toMatchObject({ layout: 'linux-6.12', zone: 2, node: 1 })
    expect(own.dumps[0]?.alike).not.toContain('linux-6.12 ')
    const other = decodeLog(log('17ffffc0000008(uptodate|node=0|zone=2|lastcpupid=0x1fffff)', '0017ffffc0000008'), {
      extraLayouts,
    })
    expect(other.dumps[0]).toMatchObject({ zone: 2, node: 0, lastCpupid: 0x1fffff })
  })
})
