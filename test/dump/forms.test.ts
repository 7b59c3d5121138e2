import { describe, expect, test } from 'vitest'
import { type DecodedDump, decodeLog, LogDecoder, type PageboxError } from 'pagebox'

/* Forms that public logs have and random ones do not. The values are read off the lines by hand. */

function only(log: string): DecodedDump {
  const { dumps } = decodeLog(log)
  expect(dumps).toHaveLength(1)
  return dumps[0] as DecodedDump
}

describe('before 4.18, where mapping came first', () => {
  test('64-bit, quoted and wrapped, the release on a line of its own', () => {
    expect(
      only(`> >>[  156.660051] page:ffff88001ed8a1c0 count:0 mapcount:-127 mapping:
> >>(null) index:0x1
> >>[  156.660917] flags: 0x0()
> >>[  156.661198] raw: 0000000000000000 0000000000000000 0000000000000001
> >>00000000ffffff80
> >>[  156.662006] raw: ffff88001f4a8120 ffff88001ed85ce0 0000000000000000
> >>0000000000000000
> >>[  156.662811] page dumped because: nonzero mapcount
> >>[  156.663307] CPU: 0 PID: 1 Comm: task Not tainted
> >>4.13.0-rc3-00220-g1aad694 #1`),
    ).toMatchObject({
      layout: 'linux-4.14',
      kernels: '4.13',
      type: 'buddy',
      refcount: 0,
      mapcount: -127,
      order: 0,
      pins: null,
    })
  })

  test('a page table of the merge window of 4.18, 32-bit', () => {
    expect(
      only(`page:c1ff0b80 count:0 mapcount:-1024 mapping:00000000 index:0x0
flags: 0x0()
raw: 00000000 00000000 00000000 fffffbff 00000000 00000100 00000200 00000000
page dumped because: nonzero mapcount`),
    ).toMatchObject({ layout: 'linux-4.14', type: 'page-table', mapcount: -1024, wordBytes: 4 })
  })
})

describe('before 4.4, which had a flag of tails', () => {
  test('the release of a distribution, "page flags:", no words', () => {
    const dump = only(`Mar  7 09:12:44 host kernel: BUG: Bad page state in process worker  pfn:1a2b3c
Mar  7 09:12:44 host kernel: page:ffffea00068acf00 count:0 mapcount:1 mapping:          (null) index:0x7f21c4a00
Mar  7 09:12:44 host kernel: page flags: 0x2fffff0008003c(referenced|uptodate|dirty|lru|swapbacked)
Mar  7 09:12:44 host kernel: page dumped because: nonzero mapcount
Mar  7 09:12:44 host kernel: CPU: 2 PID: 4711 Comm: worker Not tainted 3.10.0-957.el7.x86_64 #1`)
    expect(dump).toMatchObject({
      layout: 'linux-3.10',
      kernels: '3.10',
      confidence: 'high',
      flags: ['referenced', 'uptodate', 'dirty', 'lru', 'swapbacked'],
      why: 'freed while still mapped once',
      pins: null,
      warnings: [],
    })
  })

  test('without a release, bits and names tell', () => {
    const dump = only(`[ 2000.100000] BUG: Bad page state in process worker  pfn:2b3c4d
[ 2000.100001] page:ffffea000acf1340 count:0 mapcount:0 mapping:ffff880212345678 index:0x0
[ 2000.100002] page flags: 0x2fffff00020000(mappedtodisk)
[ 2000.100003] page dumped because: non-NULL mapping`)
    expect(dump).toMatchObject({ layout: 'linux-3.10', kernels: '3.0 to 4.3', flags: ['mappedtodisk'] })
  })

  test('no name tells', () => {
    const dump = only(`page:ffffea000acf1340 count:-1 mapcount:0 mapping:          (null) index:0x0
page flags: 0x2fffff00000000()
page dumped because: nonzero _count`)
    expect(dump).toMatchObject({ kernels: '3.0 to 4.5', alike: ['linux-3.10'], flags: [] })
  })
})

test('lines that were joined to one', () => {
  const dump = only(
    `recovery action for dirty page: Failed page: refcount:2 mapcount:0 mapping:0000000000000000 index:0x31ab pfn:0x1a2b3c memcg:ffff0000dd6d9000
anon flags: 0x5ffffe00482011(locked|dirty|arch_1|swapbacked|hwpoison|node=0|zone=2|lastcpupid=0xfffff) raw: 005ffffe00482011 dead000000000100 dead000000000122 ffff0000e232a7c9 raw: 00000000000031ab 0000000000000000 00000002ffffffff ffff0000dd6d9000 page dumped because: VM_BUG_ON_FOLIO(!folio_test_uptodate(folio)) ------------[ cut here ]------------
CPU: 0 PID: 60 Comm: kswapd0 Not tainted 6.6.0 #3`,
  )
  expect(dump).toMatchObject({ pfn: 0x1a2b3cn, refcount: 2, kernel: '6.6.0', layout: 'linux-6.6' })
  expect(dump.because).toBe('VM_BUG_ON_FOLIO(!folio_test_uptodate(folio))')
  expect(dump.why).toContain('an assertion of the kernel failed (VM_BUG_ON_FOLIO)')
})

test('a console that leaves a letter behind each line', () => {
  const dump = only(`[ 1448.969569] page: refcount:0 mapcount:0 mapping:0000000000000000 index:0x3e pfn:0x112cb0g
[ 1448.970023] flags: 0x800000000000000e(referenced|uptodate|writeback|zone=2)g
[ 1448.970651] raw: 800000000000000e dead000000000100 dead000000000122 0000000000000000g
[ 1448.971222] raw: 000000000000003e 0000000000000000 00000000ffffffff 0000000000000000g
[ 1448.971812] page dumped because: VM_BUG_ON_FOLIO(((unsigned int) folio_ref_count(folio) + 127u <= 127u))g`)
  expect(dump).toMatchObject({ pfn: 0x112cb0n, zone: 2, index: 0x3en, warnings: [] })
  expect(dump.words).toHaveLength(8)
  expect(dump.flags).toEqual(['referenced', 'uptodate', 'writeback'])
})

test('an assertion that was cut at the edge of a terminal', () => {
  const { why } = only(`page:ffffea0005f00000 refcount:0 mapcount:0 mapping:0000000000000000 index:0x5800 pfn:0x17c000
flags: 0x17ffffc0000000(node=0|zone=2|lastcpupid=0x1fffff)
page dumped because: VM_BUG_ON_FOLIO(((unsigned int) folio_ref_count(folio) + 127u <= 127`)
  expect(why).toBe(
    'an assertion of the kernel failed (VM_BUG_ON_FOLIO): ((unsigned int) folio_ref_count(folio) + 127u <= 127',
  )
})

describe('page types', () => {
  test('buddy of 5.2, 32-bit, before stacks of 8-digit words', () => {
    const dump = only(`> >     page:804b7820 refcount:0 mapcount:-128 mapping:00000000 index:0x1
> >     flags: 0x0()
> >     raw: 00000000 00000100 00000200 00000000 00000001 00000000 ffffff7f 00000000
> >     page dumped because: nonzero mapcount
> >     Stack : 00000000 10008400 8040dd2c 87c1b974 8044af63 8040dd2c
> > 00000001 804a3490
> >             00000001 81000000 0030f231 80148558 00000003 10008400`)
    expect(dump).toMatchObject({ kernels: '5.1 to 5.2', type: 'buddy', mapcount: -128, wordBytes: 4 })
    expect(dump.words).toHaveLength(8)
  })

  test('a page table that was freed', () => {
    expect(
      only(` page: refcount:0 mapcount:0 mapping:0000000000000000 index:0x66 pfn:0x109324
 flags: 0x17ffff800000000(node=0|zone=2|lastcpupid=0xfffff)
 page_type: f2(table)
 raw: 017ffff800000000 0000000000000000 0000000000000000 0000000000000000
 raw: 0000000000000066 0000000000000000 00000000f2000000 0000000000000000
 page dumped because: nonzero mapcount
 CPU: 31 UID: 0 PID: 7515 Comm: task Kdump: loaded Tainted: G    B              6.13.0-rc2master+ #7`),
    ).toMatchObject({
      layout: 'linux-6.12',
      kernels: '6.13',
      confidence: 'high',
      type: 'page-table',
      mapcount: 0,
      zone: 2,
      node: 0,
      lastCpupid: 0xfffff,
      why: 'freed with page_type table over _mapcount',
    })
  })
})

test('a slab of 6.15 and later, whose second descriptor tells it from 6.12', () => {
  const log = (rest: string): string => `page: refcount:0 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x33778
head: order:3 mapcount:0 entire_mapcount:0 nr_pages_mapped:0 pincount:0
anon flags: 0xfff00000000040(head|node=0|zone=1|lastcpupid=0x7ff)
page_type: f5(slab)
raw: 00fff00000000040 ffff88801a442280 ffffea0000d03200 0000000000000005
raw: 0000000000000000 0000000080020002 00000000f5000000 0000000000000000
head: 00fff00000000040 ffff88801a442280 ffffea0000d03200 0000000000000005
head: 0000000000000000 0000000080020002 00000000f5000000 0000000000000000
${rest}
page dumped because: kasan: bad access detected
page_owner tracks the page as allocated
page last allocated via order 3, migratetype Unmovable, gfp_mask 0xd2040(__GFP_IO|__GFP_COMP), pid 5495, tgid 5495 (sh), ts 57351029645`
  const newer = only(
    log(
      'head: 00fff00000000003 ffffea0000cdde01 00000000ffffffff 00000000ffffffff\nhead: ffffffffffffffff 0000000000000000 00000000ffffffff 0000000000000008',
    ),
  )
  expect(newer).toMatchObject({
    layout: 'linux-6.18',
    type: 'slab',
    order: 3,
    zone: 1,
    warnings: [],
    mapping: { kind: 'other' },
  })
  expect(newer.owner).toEqual({
    state: 'allocated',
    order: 3,
    migratetype: 'Unmovable',
    gfpMask: '0xd2040(__GFP_IO|__GFP_COMP)',
    pid: 5495,
    process: 'sh',
  })
  expect(newer.folio).toMatchObject({ order: 3, entireMapcount: 0, pincount: 0 })
  const older = only(
    log(
      'head: 00fff00000000003 ffffea00014be401 ffffffffffffffff 0000000000000000\nhead: ffff888000000008 0000000000000000 00000000ffffffff 0000000000000000',
    ),
  )
  expect(older).toMatchObject({ layout: 'linux-6.12', kernels: '6.12 to 6.14', type: 'slab', warnings: [] })
})

test('a KASAN tag of hardware, in mail whose lines were joined', () => {
  expect(
    only(`> page: refcount:0 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x4f7c1
> flags: 0x1ffc80000000000(node=0|zone=0|lastcpupid=0x7ff|kasantag=0x2)
> raw: 01ffc80000000000 ffffc1ffc03df088 ffffc1ffc02393c8 0000000000000000
> raw: 0000000000000000 0000000000000000 00000000ffffffff
> 0000000000000000 page dumped because: kasan: bad access detected`),
  ).toMatchObject({
    zone: 0,
    node: 0,
    lastCpupid: 0x7ff,
    kasanTag: 2,
    flags: [],
    warnings: [],
    because: 'kasan: bad access detected',
  })
})

test('the reason first, the header and the flags wrapped', () => {
  expect(
    only(`page dumped because: VM_BUG_ON_PAGE(1 && PageCompound(page))
page:fffff3b2ec3a8000 refcount:512 mapcount:0 mapping:000000009eb0338c
index:0x7f6e58200 head:fffff3b2ec3a8000 order:9 compound_mapcount:0
compound_pincount:0
anon flags:
0x45fffe0000d8454(uptodate|lru|workingset|owner_priv_1|writeback|head|reclaim|swapbacked)`),
  ).toMatchObject({
    kernels: '5.7 to 5.8',
    order: 9,
    refcount: 512,
    flags: ['uptodate', 'lru', 'workingset', 'owner_priv_1', 'writeback', 'head', 'reclaim', 'swapbacked'],
    pins: { pins: 0, exact: true },
    why: 'an assertion of the kernel failed (VM_BUG_ON_PAGE): 1 && PageCompound(page)',
  })
})

test('a big-endian kernel has its counts the other way round', () => {
  const dump = only(`page:000003d1000d0000 refcount:3 mapcount:0 mapping:0000000000000000 index:0x1 pfn:0x3400
flags: 0x3ffff00000000008(uptodate|node=0|zone=1|lastcpupid=0x1ffff)
raw: 3ffff00000000008 0000000000000100 0000000000000122 0000000000000000
raw: 0000000000000001 0000000000000000 ffffffff00000003 0000000000000000
page dumped because: migration failure`)
  expect(dump).toMatchObject({ refcount: 3, mapcount: 0, zone: 1, node: 0, flags: ['uptodate'], warnings: [] })
  expect(dump.fields.find(({ name }) => name === '_refcount')?.text).toBe('3')
})

test('memory as crash prints it', () => {
  const dump = only(`crash> rd ffffea0004509900 8
ffffea0004509900:  0017ffffc0020018 dead000000000100   ................
ffffea0004509910:  dead000000000122 ffff888123456781   ................
ffffea0004509920:  00000000000007f1 0000000000000000   ................
ffffea0004509930:  00000001ffffffff 0000000000000000   ................`)
  expect(dump).toMatchObject({ line: 2, type: 'anon', refcount: 1, mapcount: 0, zone: null })
  expect(dump.words).toHaveLength(8)
})

test('what is no dump is none', () => {
  expect(
    decodeLog(`BUG: Bad page map in process task  pte:676b700029736c6f pmd:44967067
head:   3c72e5a1b0c1d2e3f405162738495a6b7c8d9e0f
Memory state around the buggy address:
 ffff8880a284cc80: 00 00 00 00 fc fc fc fc 00 04 fc fc fc fc fc fc
RAX: 0000000000000000 RBX: ffff888012345678 RCX: 0000000000000000
 ffffea000c274880 000000001df7af73 ffff88050ee37d08 ffffffff81688527
 ffff88050ee37d30 ffffffff81683751 ffffea000c274880 0000000000000000
page dumped because of nothing`).dumps,
  ).toEqual([])
})

test('a decoder of pieces says when it has ended', () => {
  const decoder = new LogDecoder()
  decoder.write('page: refcount:1 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x')
  decoder.write('1f\n')
  const log = decoder.end()
  expect(log.dumps[0]?.pfn).toBe(0x1fn)
  expect(decoder.end()).toBe(log)
  const codeOf = (call: () => void): string => {
    try {
      call()
      return ''
    } catch (error) {
      return (error as PageboxError).code
    }
  }
  expect(codeOf(() => decoder.write('x'))).toBe('ERR_PAGEBOX_CLOSED')
  expect(codeOf(() => new LogDecoder().write(1 as never))).toBe('ERR_PAGEBOX_ARG_TYPE')
})

test('a descriptor that nobody has initialised is no tail with all flags', () => {
  const dump = only(`page:00000000f1a2b3c4 is uninitialized and poisoned
raw: ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff
raw: ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff
page dumped because: VM_BUG_ON_PAGE(PagePoisoned(p))`)
  expect(dump).toMatchObject({
    type: 'uninitialized',
    flags: [],
    refcount: null,
    mapcount: null,
    zone: null,
    order: null,
    warnings: [],
  })
  expect(dump.why).toContain('never initialised')
  expect(only(`raw: ${'ffffffff '.repeat(8)}`)).toMatchObject({ type: 'uninitialized', wordBytes: 4 })
})

describe('32-bit', () => {
  test('40 bytes in two rows, a file page with its mappings, highmem zone unknown', () => {
    const dump = only(`[   12.345678] page:c7d3a9b1 refcount:4 mapcount:2 mapping:c2345678 index:0x10 pfn:0x1f00
[   12.345679] aops:ext4_aops ino:1031b dentry name:"libc.so"
[   12.345680] flags: 0x80000014(uptodate|lru)
[   12.345681] raw: 80000014 c7d3a9d8 c7d3aa00 c2345678 00000010 00000000 00000001 00000004
[   12.345682] raw: 00000000 00000000
[   12.345683] page dumped because: migration failure`)
    expect(dump).toMatchObject({
      wordBytes: 4,
      type: 'file',
      refcount: 4,
      mapcount: 2,
      flags: ['uptodate', 'lru'],
      zone: null,
      warnings: [],
    })
    expect(dump).toMatchObject({ aops: 'ext4_aops', inode: '1031b', dentry: 'libc.so', layout: 'linux-5.10' })
    expect(dump.words).toHaveLength(10)
  })

  test('the zone at the top, where it is printed', () => {
    expect(
      only(
        'page: refcount:1 mapcount:0 mapping:00000000 index:0x0 pfn:0x1\nflags: 0x40000008(uptodate|zone=1)\nraw: 40000008 00000100 00000122 00000000 00000000 00000000 ffffffff 00000001 00000000',
      ),
    ).toMatchObject({
      wordBytes: 4,
      zone: 1,
      node: null,
      flags: ['uptodate'],
    })
  })
})

test.each([
  ['until 5.6', 'ext4_aops name:"libc.so"', 'ext4_aops', null, 'libc.so'],
  ['with the inode', 'aops:ext4_aops ino:1031b dentry name:"a b"', 'ext4_aops', '1031b', 'a b'],
  ['of a module, without a name', 'aops:btrfs_aops [btrfs] ino:1031b', 'btrfs_aops [btrfs]', '1031b', null],
  [
    'since 6.10',
    'aops:xfs_address_space_operations ino:8 dentry name(?):"x"',
    'xfs_address_space_operations',
    '8',
    'x',
  ],
])('the file, %s', (_, line, aops, inode, dentry) => {
  expect(
    only(`page:c7d3a9b1 refcount:4 mapcount:2 mapping:c2345678 index:0x10\n${line}\nflags: 0x14(uptodate|lru)`),
  ).toMatchObject({ aops, inode, dentry })
})
