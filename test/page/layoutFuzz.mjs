// Layouts made of the built-in ones by taking away, moving, doubling and narrowing each of
// their fields and flags, and changing each number of their era: each is refused when it is
// defined, or refused by name where it is too little for a machine, or runs.
// layoutFuzz.mjs FIRST STEP SECONDS: mutations FIRST, FIRST + STEP, ... of one fixed list.
import { performance } from 'node:perf_hooks'
import { Box, layouts, race, run } from '../hostile/children/pagebox.mjs'

const [, , firstText, stepText, secondsText] = process.argv
const bases = layouts
  .list()
  .filter(({ wordBytes }) => wordBytes === 8)
  .map(({ name }) => name)
const derived = ['builtin', 'highFields', 'freeFlagBits', 'lowestFreeFlagBit', 'ownCounterStrideBytes']

function definitionOf(name) {
  const definition = structuredClone(layouts.get(name))
  for (const key of derived) delete definition[key]
  return definition
}

/** [what was changed, the change] of each mutation of a definition. */
function* mutations(base) {
  for (const [i, field] of base.fields.entries()) {
    const of = `${field.name} of ${field.types.join('+')}`
    const change = (by) => (d) => Object.assign(d.fields[i], by)
    yield [`no ${of}`, (d) => d.fields.splice(i, 1)]
    yield [`contested ${of}`, change({ contested: true })]
    for (const type of field.types)
      yield [`no ${field.name} of ${type}`, change({ types: field.types.filter((each) => each !== type) })]
    for (const by of [-16, -8, -4, 4, 8, 16])
      if (field.offsetBytes + by >= 0) yield [`${of} by ${by}`, change({ offsetBytes: field.offsetBytes + by })]
    for (const bits of [1, field.bits / 2, field.bits - 1, field.bits * 2])
      if (bits >= 1 && Number.isInteger(bits)) yield [`${of} of ${bits} bits`, change({ bits })]
    yield [`shifted ${of}`, change({ shift: field.shift + 1, bits: Math.max(1, field.bits - 1) })]
    yield [`renamed ${of}`, change({ name: 'other' })]
    yield [`doubled ${of}`, (d) => d.fields.push({ ...d.fields[i], name: 'other', contested: true })]
    for (const kind of ['count', 'pointer', 'constant', 'list-next'])
      if (kind !== field.kind) yield [`${of} as ${kind}`, change({ kind })]
    const j = (i + 7) % base.fields.length
    yield [
      `${of} changed places with ${base.fields[j].name}`,
      (d) => {
        const [a, b] = [d.fields[i], d.fields[j]]
        ;[a.offsetBytes, b.offsetBytes] = [b.offsetBytes, a.offsetBytes]
      },
    ]
  }
  for (const [i, flag] of base.flags.entries()) {
    yield [`no flag ${flag.name}`, (d) => d.flags.splice(i, 1)]
    for (const bit of [0, 3, 31, 32, 40, 63]) yield [`flag ${flag.name} at ${bit}`, (d) => (d.flags[i].bit = bit)]
    const j = (i + 5) % base.flags.length
    yield [
      `flags ${flag.name} and ${base.flags[j].name} change places`,
      (d) => ([d.flags[i].bit, d.flags[j].bit] = [d.flags[j].bit, d.flags[i].bit]),
    ]
  }
  for (const name of ['owner_2', 'young', 'uncached'])
    yield [`one more flag ${name}`, (d) => d.flags.push({ name, bit: d.flags.length })]
  for (const key of ['zoneDeviceBase', 'privateBase'])
    for (const value of [0, 1]) yield [`${key} ${value}`, (d) => (d.era[key] = value)]
  for (const value of [true, false]) yield [`anonExclusive ${value}`, (d) => (d.era.anonExclusive = value)]
  for (const key of ['buddyType', 'tableType', 'slabType', 'hugetlbType'])
    for (const value of [0, 1, 0x7fffffff, 0xf0000000, 0xf2000000, 0xffffffff])
      yield [`${key} ${value.toString(16)}`, (d) => (d.era[key] = value)]
  for (const key of ['zoneBits', 'nodeBits', 'lastCpupidBits', 'lruGenBits', 'sectionBits'])
    for (const value of [0, 1, 2, 7, 20]) yield [`${key} ${value}`, (d) => (d.kconfig[key] = value)]
  for (const key of ['mapcountOffsetBytes', 'refcountOffsetBytes', 'counterOffsetBytes', 'orderOffsetBytes'])
    for (const value of [0, 1, 16, 17, 40, 48, 52, 56, 60]) yield [`${key} ${value}`, (d) => (d[key] = value)]
  for (const strideBytes of [56, 72, 80, 128, 256])
    yield [`stride ${strideBytes}`, (d) => (d.strideBytes = strideBytes)]
  for (const type of base.types) {
    yield [`no ${type} pages`, (d) => (d.types = d.types.filter((each) => each !== type))]
    yield [`no compound ${type}`, (d) => (d.compoundTypes = d.compoundTypes.filter((each) => each !== type))]
  }
  for (const tail of [0, 1, 2])
    for (const offsetBytes of [16, 20, 28, 40])
      yield [`pincount in page[${tail}] at ${offsetBytes}`, (d) => (d.pincount = { tail, offsetBytes, minOrder: 2 })]
}

const refusedBy = (call) => {
  try {
    return { value: call() }
  } catch (error) {
    return { error }
  }
}

/** Of a proposal of 2018 that gives words of devices away on purpose, its audit may tell. */
const hasConflicts = new Set(['linux-4.20-zd', 'linux-4.20-count'])

const small = (device) => ({
  name: 'small',
  threads: [
    {
      name: 't',
      ops: [
        { op: 'mmap', buf: 'a', pages: 8, kind: 'anon-private', prot: 'rw' },
        { op: 'store', buf: 'a', value: 1 },
        { op: 'fork', child: 'c' },
        { op: 'store', buf: 'a', value: 2 },
        { op: 'madvise', buf: 'a', advice: 'pageout' },
        { op: 'load', buf: 'a' },
        ...(device ? [{ op: 'migrate_to_dev', dev: 0, buf: 'a' }] : []),
        { op: 'load', buf: 'a' },
        { op: 'munmap', buf: 'a' },
      ],
    },
    { name: 'u', ops: [{ op: 'yield' }] },
  ],
})

const found = ({ audit, leaks }, rows = audit) => (leaks === '' ? rows : [...rows, { leaks }])

async function machineRuns(name, base) {
  const rows = []
  rows.push(...found(run(small(true), { layout: name })))
  const of = { layout: name, threads: 2, ops: 300, seed: 7, signal: AbortSignal.timeout(20_000) }
  for (const mixes of [
    [{ mm: 1 }, { chaos: 1 }],
    [{ mm: 1 }, { device: 1, chaos: 1 }],
  ]) {
    const raced = await race({ name: 'm', mixes }, of)
    if (raced.stoppedBy === 'abort') throw new Error('a race of 600 operations took more than 20 seconds')
    rows.push(...found(raced.audit, raced.audit.rows))
  }
  const box = Box.create({ pages: 4096, layout: name, devicePages: 1024 })
  try {
    const mm = box.createMm()
    const huge = mm.mmap({ pages: 1024 })
    huge.advise('hugepage')
    huge.fill(3)
    const pins = huge.pin({ write: true })
    mm.fork().close()
    pins.unpin()
    huge.slice(0, 10).unmap()
    rows.push(...box.audit().rows)
    box.reclaim(2000)
    huge.slice(512, 512).fill(4)
    mm.close()
    rows.push(...box.audit().rows)
  } finally {
    box.close()
  }
  return hasConflicts.has(base) ? [] : rows
}

/** Descriptors and pins, which every layout that can be defined serves. */
function descriptorsServe(name) {
  const box = Box.create({ pages: 64, layout: name })
  try {
    for (const type of layouts.get(name).types) {
      const { error } = refusedBy(() => box.setup(8, { type }))
      if (error !== undefined && !/^ERR_PAGEBOX_/.test(error.code ?? '')) throw error
      if (error !== undefined) continue
      for (const call of [() => box.pins.pin(8), () => box.pins.unpin(8), () => box.audit()]) {
        const refused = refusedBy(call).error
        if (refused !== undefined && !/^ERR_PAGEBOX_/.test(refused.code ?? '')) throw refused
      }
      box.reset()
    }
  } finally {
    box.close()
  }
}

const counts = { invalid: 0, refused: 0, ran: 0 }
const ends = performance.now() + Number(secondsText) * 1000
let n = 0
let done = 0
for (const base of bases) {
  for (const [what, change] of mutations(definitionOf(base))) {
    if (n++ % Number(stepText) !== Number(firstText)) continue
    if (performance.now() > ends) continue
    done++
    const name = `fuzz-${n}`
    const definition = { ...definitionOf(base), name }
    change(definition)
    console.log(`${n}: ${base}, ${what}`)
    const defined = refusedBy(() => layouts.define(definition))
    if (defined.error !== undefined) {
      if (!['ERR_PAGEBOX_LAYOUT_INVALID', 'ERR_PAGEBOX_ARG_RANGE'].includes(defined.error.code)) throw defined.error
      counts.invalid++
      continue
    }
    descriptorsServe(name)
    const box = Box.create({ pages: 4096, layout: name })
    const made = refusedBy(() => box.createMm())
    box.close()
    const ran = refusedBy(() => run(small(true), { layout: name }))
    if (made.error !== undefined || ran.error !== undefined) {
      for (const { error } of [made, ran].filter(({ error }) => error !== undefined))
        if (error.code !== 'ERR_PAGEBOX_NO_ROOM' || !error.message.includes(name)) throw error
      if (made.error !== undefined && ran.error?.message !== made.error.message)
        throw new Error(`box and scenario differ: ${made.error.message} | ${ran.error?.message}`)
      const raced = await race(small(true), { layout: name, rounds: 1 }).then(
        () => undefined,
        (error) => error,
      )
      if (raced?.message !== ran.error.message) throw new Error(`run and race differ: ${ran.error.message} | ${raced}`)
      console.log(`  ${ran.error.message}`)
      counts.refused++
      continue
    }
    const rows = await machineRuns(name, base)
    if (rows.length > 0)
      throw new Error(JSON.stringify(rows.slice(0, 3), (_, v) => (typeof v === 'bigint' ? `${v}` : v)))
    counts.ran++
  }
}
console.log(JSON.stringify({ mutations: n, done, ...counts }))
