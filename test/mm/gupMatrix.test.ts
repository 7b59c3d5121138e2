import {
  type Box as AnyBox,
  Box,
  type Device,
  type GupOptions,
  type Mapping,
  type Mm,
  PageboxError,
  layouts,
  schemes,
  room,
} from 'pagebox'
import { describe, expect, test } from 'vitest'

/**
 * Every set of GUP flags x kind of memory x scheme x layout x forked or not, audited before, while it is held
 * and others act on it, after it is given back, and when all is torn down. All of it are a third of a million
 * cases (PAGEBOX_ALL=1); a run takes every so-manieth, in an order in which each flag meets each memory.
 */
const everything = process.env.PAGEBOX_ALL === '1'
const casesEach = everything ? 128 : 4

class Field {
  readonly box: AnyBox
  readonly devices = new Map<string, Device<AnyBox>>()
  readonly file
  readonly disk
  readonly blocks = new Map<string, ReturnType<ReturnType<AnyBox['addDax']>['createFile']>>()
  readonly bus

  constructor(layout: string, scheme: string, options: { hugetlbPages?: number; fileBackedDevicePages?: boolean }) {
    this.box = Box.create({ pages: 4096, layout, scheme, ...options })
    this.file = this.box.createFile({ pages: 4 })
    this.disk = this.box.createFile({ kind: 'disk', pages: 4 })
    for (const type of ['private', 'coherent', 'public'] as const) {
      const device = refusedOr(() => this.box.addDevice({ type, pages: 16, name: type }))
      if (!(device instanceof PageboxError)) this.devices.set(type, device)
    }
    for (const kind of ['fsdax', 'devdax', 'fsdax-limited'] as const)
      this.blocks.set(
        kind,
        this.box.addDax({ kind, pages: 8, name: kind }).createFile(kind === 'devdax' ? {} : { pages: 4 }),
      )
    this.bus = this.box.addP2pdma({ pages: 8 })
  }
}

type Make = (field: Field, mm: Mm<AnyBox>) => Mapping<AnyBox> | undefined

const anon: Make = (_, mm) => filled(mm.mmap({ pages: 4 }))
function filled(map: Mapping<AnyBox>): Mapping<AnyBox> {
  map.fill(1)
  return map
}
function read(map: Mapping<AnyBox>): Mapping<AnyBox> {
  map.words()
  return map
}
const huge =
  (first: number, touch: (map: Mapping<AnyBox>) => void): Make =>
  (_, mm) => {
    const map = mm.mmap({ pages: 512 })
    map.advise('hugepage')
    touch(map)
    return map.slice(first, 4)
  }
const onDevice =
  (type: string, fork = false): Make =>
  (field, mm) => {
    const device = field.devices.get(type)
    if (device === undefined) return undefined
    const map = filled(mm.mmap({ pages: 4 }))
    const child = fork ? mm.fork() : undefined
    if (fork) field.box.compact()
    device.migrateToDevice(map)
    child?.close()
    return map
  }
const halfOn =
  (type: string): Make =>
  (field, mm) => {
    const map = filled(mm.mmap({ pages: 4 }))
    if (field.devices.get(type)?.migrateToDevice(map.slice(1, 2)) === undefined) return undefined
    return map
  }
const partOfHugeOn =
  (type: string): Make =>
  (field, mm) => {
    const map = mm.mmap({ pages: 512 })
    map.advise('hugepage')
    map.store(0, 1)
    if (field.devices.get(type)?.migrateToDevice(map.slice(0, 2)) === undefined) return undefined
    return map.slice(0, 4)
  }
const fileOn =
  (type: string): Make =>
  (field, mm) => {
    const map = filled(mm.mmap({ pages: 4, kind: 'file-shared', file: field.file }))
    // Two proposals of 2018 have no room for what leads from the page to its file.
    const moved = refusedOr(() => field.devices.get(type)?.migrateToDevice(map))
    return moved === undefined ? undefined : map
  }
const blocksOf =
  (dax: string, kind: 'dax-private' | 'dax-shared'): Make =>
  (field, mm) =>
    read(mm.mmap({ pages: 4, kind, file: field.blocks.get(dax) }))

const memories: Record<string, Make> = {
  anon,
  empty: (_, mm) => mm.mmap({ pages: 4 }),
  zero: (_, mm) => read(mm.mmap({ pages: 4 })),
  swapped: (_, mm) => {
    const map = filled(mm.mmap({ pages: 4 }))
    map.advise('pageout')
    return map
  },
  thp: huge(3, (map) => map.store(0, 1)),
  'thp-head': huge(0, (map) => map.store(0, 1)),
  'thp-zero': huge(3, (map) => map.load(0)),
  'thp-split': huge(0, (map) => {
    map.store(0, 1)
    map.slice(8, 4).advise('dontneed')
  }),
  hugetlb: (_, mm) => {
    const map = mm.mmap({ pages: 512, hugetlb: true })
    map.store(0, 1)
    return map.slice(0, 4)
  },
  'hugetlb-empty': (_, mm) => mm.mmap({ pages: 512, hugetlb: true }).slice(0, 4),
  'anon-shared': (_, mm) => filled(mm.mmap({ pages: 4, kind: 'anon-shared' })),
  'file-private': ({ file }, mm) => read(mm.mmap({ pages: 4, kind: 'file-private', file })),
  'file-private-written': ({ file }, mm) => filled(mm.mmap({ pages: 4, kind: 'file-private', file })),
  'file-shared': ({ file }, mm) => read(mm.mmap({ pages: 4, kind: 'file-shared', file })),
  'disk-private': ({ disk }, mm) => read(mm.mmap({ pages: 4, kind: 'disk-private', file: disk })),
  'disk-shared': ({ disk }, mm) => read(mm.mmap({ pages: 4, kind: 'disk-shared', file: disk })),
  private: onDevice('private'),
  coherent: onDevice('coherent'),
  public: onDevice('public'),
  'private-forked-before': onDevice('private', true),
  'coherent-forked-before': onDevice('coherent', true),
  'public-forked-before': onDevice('public', true),
  'half-on-private': halfOn('private'),
  'half-on-coherent': halfOn('coherent'),
  'part-of-thp-on-private': partOfHugeOn('private'),
  'part-of-thp-on-coherent': partOfHugeOn('coherent'),
  'locked-on-coherent': (field, mm) => {
    const map = onDevice('coherent')(field, mm)
    map?.lock()
    return map
  },
  locked: (_, mm) => {
    const map = filled(mm.mmap({ pages: 4 }))
    map.lock()
    return map
  },
  'file-on-private': fileOn('private'),
  'file-on-coherent': fileOn('coherent'),
  exclusive: (field, mm) => {
    const map = filled(mm.mmap({ pages: 4 }))
    field.devices.get('private')?.exclusive(map)
    return map
  },
  'device-mmap': (field, mm) => field.devices.get('private')?.mmap(mm, { pages: 4 }),
  'fsdax-private': blocksOf('fsdax', 'dax-private'),
  'fsdax-shared': blocksOf('fsdax', 'dax-shared'),
  devdax: blocksOf('devdax', 'dax-shared'),
  'fsdax-limited-private': blocksOf('fsdax-limited', 'dax-private'),
  'fsdax-limited-shared': blocksOf('fsdax-limited', 'dax-shared'),
  p2pdma: ({ bus }, mm) => bus.mmap(mm, { pages: 4 }),
}

function refusedOr<Value>(step: () => Value): Value | PageboxError {
  try {
    return step()
  } catch (error) {
    if (error instanceof PageboxError) return error
    throw error
  }
}

const errnos = ['EFAULT', 'EINVAL', 'EOPNOTSUPP', 'EREMOTEIO', 'ENOMEM', 'EEXIST']

interface Case {
  memory: string
  make: Make
  call: 'pin' | 'get'
  how: Required<GupOptions>
  readOnly: boolean
  forked: boolean
  childWrites: boolean
}

/** The nth of 128 ways to ask. */
function ask(n: number): Pick<Case, 'call' | 'how' | 'readOnly'> {
  const bit = (at: number): boolean => ((n >> at) & 1) === 1
  return {
    call: bit(0) ? 'pin' : 'get',
    how: { fast: bit(1), write: bit(2), longterm: bit(3), force: bit(4), p2pdma: bit(6) },
    readOnly: bit(5),
  }
}

/** pgmap lies in the word of index there: that its user writes over it is the layout's own conflict. */
function isLayoutsOwn(layout: string, invariant: string, explanation: string): boolean {
  return layout === 'linux-4.20-zd' && invariant === 'pgmap-intact' && /in the word of index/.test(explanation)
}

function run(field: Field, layout: string, each: Case): void {
  const { box } = field
  const audit = (when: string): void => {
    const row = box.audit().rows.find(({ invariant, explanation }) => !isLayoutsOwn(layout, invariant, explanation))
    if (row === undefined) return
    const { memory, call, how, readOnly, forked } = each
    const flags = Object.entries(how).flatMap(([name, on]) => (on ? [name] : []))
    throw new Error(
      `${call} ${flags.join(' ')} of ${memory}${readOnly ? ', read-only' : ''}${forked ? ', forked' : ''}, ${when}: ` +
        `${row.invariant} ${row.field} expected ${row.expected} found ${row.found} (${row.explanation})`,
    )
  }
  const mm = box.createMm()
  const map = each.make(field, mm)
  if (map === undefined) {
    mm.close()
    return
  }
  const child = each.forked ? mm.fork() : undefined
  // Of huge pages of the pool only all can be protected.
  if (each.readOnly && !each.memory.startsWith('hugetlb')) map.protect('r')
  audit('before')
  const held = refusedOr(() => map[each.call](each.how))
  if (held instanceof PageboxError) {
    expect(errnos).toContain(held.errno)
    audit('refused')
  } else {
    audit('held')
    if (each.childWrites) refusedOr(() => child?.store(map.address, 5))
    refusedOr(() => field.devices.get('private')?.migrateToDevice(map))
    refusedOr(() => map.advise('pageout'))
    const other = refusedOr(() => mm.fork())
    audit('held while others act')
    if (!(other instanceof PageboxError)) other.close()
    if ('unpin' in held) held.unpin()
    else held.put()
    audit('given back')
  }
  child?.close()
  mm.close()
  audit('torn down')
  // Pages of a file stay where they are until it is read.
  if (each.memory.startsWith('file-on')) field.file.words()
  for (const [type, device] of field.devices) expect(device.pagesInUse, `${each.memory}, ${type}`).toBe(0)
}

const wide = layouts.list().filter(({ wordBytes }) => wordBytes === 8)
/** Schemes that exist there: with no free flag bit, `flag-and-word` does not. */
const fitting = (layout: string): string[] =>
  schemes.names.filter((scheme) => room({ scheme, layout, pageType: 'anon' }).cell !== 'refused')
const cells = wide.flatMap(({ name }, nth) => fitting(name).map((scheme, mth) => ({ layout: name, scheme, nth, mth })))

describe('whatever is pinned or got, however', () => {
  test.each(cells)(
    'with $scheme on $layout, the audit is clean',
    ({ layout, scheme, nth, mth }) => {
      let at = nth * 37 + mth * 11
      for (const kind of ['', 'hugetlb', 'file-on']) {
        const field = new Field(layout, scheme, {
          hugetlbPages: kind === 'hugetlb' ? 2 : 0,
          fileBackedDevicePages: kind === 'file-on',
        })
        for (const [memory, make] of Object.entries(memories)) {
          const wanted = ['hugetlb', 'file-on'].find((each) => memory.startsWith(each)) ?? ''
          if (wanted !== kind) continue
          for (let fork = 0; fork < 3; fork++) {
            for (let i = 0; i < casesEach; i++) {
              // An odd step: it meets every way before it meets one again.
              at += everything ? 1 : 45
              run(field, layout, { memory, make, ...ask(at % 128), forked: fork > 0, childWrites: fork === 2 })
            }
          }
        }
        field.box.close()
      }
    },
    600_000,
  )
})
