import type { CostOptions, CostSampler } from '../../lib/engine/costTypes.ts'
import type { Probe, Room, RoomOptions, Scheme } from '../../lib/pins/scheme.ts'
import type { Layout, PageType } from '../../lib/page/layout.ts'
import type { Subject, SubjectBox } from '../../lib/compare/subject.ts'
import { PageboxError } from '../../lib/errors.ts'

// A pagebox of arithmetic: exact answers and exact times, so that a test can
// say what the comparison must come to.

export const fakeScheme = (name: string, part: Partial<Scheme> = {}): Scheme => ({
  name,
  summary: `${name} in a line`,
  builtin: true,
  protocol: 'add',
  source: '',
  place: 'refcount',
  field: null,
  answer: 'fuzzy',
  types: ['anon', 'fsdax'],
  quirks: [],
  where: '_refcount',
  countBits: 21,
  exact: false,
  maxPins: 2n ** 21n - 1n,
  falsePositives: 'from 1024 references on',
  locks: '',
  refsPerPin: 1024,
  visibleEffects: [],
  atLimit: 'cross',
  states: [],
  definition: { name, protocol: 'add' },
  ...part,
})

export const fakeLayout = (name: string, types: PageType[] = ['anon', 'fsdax']): Layout => ({
  name,
  summary: `${name} in a line`,
  builtin: true,
  wordBytes: 8,
  strideBytes: 64,
  kconfig: {
    name: 'plain',
    sectionBits: 0,
    nodeBits: 0,
    zoneBits: 2,
    lastCpupidBits: 0,
    lruGenBits: 0,
    lruRefsBits: 0,
    alignBytes: 0,
    kasanTagBits: 0,
    zoneNormal: 2,
    zoneDevice: 4,
    memcg: true,
  },
  era: {
    kernel: 'v4.20',
    zoneDeviceBase: 1,
    privateBase: 1,
    anonExclusive: false,
    buddyType: 0,
    tableType: 0,
    slabType: 0,
    hugetlbType: 0,
  },
  types,
  compoundTypes: [],
  highFields: [],
  flags: [],
  anonExclusiveFlag: 'owner_2',
  compoundHead: 'address',
  byteOrder: 'little',
  fields: [
    {
      name: '_refcount',
      offsetBytes: 52,
      shift: 0,
      bits: 32,
      kind: 'refcount',
      types,
      meaning: 'references',
      contested: false,
      object: '',
    },
  ],
  pincount: { tail: 0, offsetBytes: 0, minOrder: 1, shift: 0, bits: 32 },
  mapcountOffsetBytes: 48,
  refcountOffsetBytes: 52,
  counterOffsetBytes: 0,
  orderOffsetBytes: 0,
  freeFlagBits: 4,
  lowestFreeFlagBit: 26,
  ownCounterStrideBytes: 80,
})

export interface FakeOptions {
  schemes?: Scheme[]
  layouts?: Layout[]
  room?: (options: RoomOptions) => Partial<Room>
  probe?: (options: RoomOptions) => Partial<Probe>
  /** ns of one operation, by scheme and loop. */
  nsPerOp?: (scheme: string, loop: string) => number
  onSample?: () => void
}

/** A page that counts like the bias: pins and references in one signed word. */
function fakeBox(unit: number): SubjectBox {
  let refcount = 1
  const grab = (count: number, each: number): void => {
    if (refcount <= 0) throw new PageboxError('ERR_PAGEBOX_PIN_LIMIT', 'full', { errno: 'ENOMEM' })
    refcount += count * each
    if (refcount >= 2 ** 31) refcount -= 2 ** 32
  }
  const pins = {
    pin: (_pfn: number, count = 1) => grab(count, unit),
    unpin: (_pfn: number, count = 1) => {
      refcount -= count * unit
    },
    get: (_pfn: number, count = 1) => grab(count, 1),
    maybePinned: () => refcount >= unit || refcount < 0,
    pinMany: (pfns: Uint32Array) => pfns.length,
    unpinMany: (pfns: Uint32Array) => pfns.length,
    direct: () => ({ pin: () => 1, unpin: () => 1, close() {} }),
  }
  return { pins: pins as unknown as SubjectBox['pins'], setup() {}, audit: () => ({}) as never, close() {} }
}

export function fakeSubject(options: FakeOptions = {}): Subject {
  const schemes = options.schemes ?? [fakeScheme('refcount-bias')]
  const layouts = options.layouts ?? [fakeLayout('linux-6.12')]
  const name = (of: string | { readonly name: string }): string => (typeof of === 'string' ? of : of.name)
  const fits = ({ scheme, layout, pageType, order = 0 }: RoomOptions) => ({
    scheme: name(scheme),
    layout: name(layout),
    pageType,
    order,
    cell:
      order === 0 && layouts.some((each) => each.name === name(layout) && each.types.includes(pageType))
        ? ('fits' as const)
        : ('impossible' as const),
    reason: '',
  })
  return {
    version: '0.0.0',
    schemes,
    layouts,
    pageTypes: ['anon', 'fsdax'],
    room: (at) => ({ ...fits(at), claims: [], collisions: [], ...options.room?.(at) }),
    probe: (at) => ({ ...fits(at), damaged: [], ...options.probe?.(at) }),
    prepareCost: (prepared) => {
      const sampler = ({ scheme, loop = 'scheme' }: CostOptions): CostSampler => ({
        sample(ops) {
          options.onSample?.()
          const ns = ops * (options.nsPerOp?.(name(scheme), loop) ?? 5)
          return { ops, ns, cpuNs: ns, retries: 0 }
        },
        beside(other) {
          const of = { ...prepared, ...other }
          const { builtin } = schemes.find((each) => each.name === name(of.scheme)) as Scheme
          if (of.loop === 'limit' && !builtin)
            throw new PageboxError('ERR_PAGEBOX_ARG_RANGE', 'options.loop: no hand-written loop for this scheme')
          return sampler(of)
        },
        close() {},
        [Symbol.dispose]() {},
      })
      return sampler(prepared)
    },
    createBox: ({ scheme }) => fakeBox(schemes.find((each) => each.name === name(scheme as Scheme))?.refsPerPin ?? 1),
  }
}
