import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { Box, explore, type LayoutDefinition, layouts, race, type Scenario } from 'pagebox'
import { ConformTally, type Mismatch } from '../../lib/engine/recording/conform.ts'
import { readRecordings } from '../../lib/engine/recording/read.ts'
import { runRecording } from '../../lib/engine/recording/runRecording.ts'

type Places = Record<string, number>
interface Moved {
  base: string
  what: string
  /** New byte offsets, by field and by one of its page types. */
  user?: Places
  free?: Places
  device?: Places
  tail?: Places
}

// Each move keeps what no layout may give up: word 0 is flags, word 1's bit 0 says tail.
const moves: Moved[] = [
  {
    base: 'linux-6.12',
    what: 'mapping and index have changed places',
    user: { mapping: 32, index: 24 },
    device: { mapping: 32, index: 24 },
  },
  {
    base: 'linux-4.20',
    what: 'mapping and index have changed places',
    user: { mapping: 32, index: 24 },
    device: { mapping: 32, index: 24 },
    tail: { mapping: 32 },
  },
  {
    base: 'linux-6.12',
    what: 'index and private have changed places',
    user: { index: 40, private: 32 },
    device: { index: 40, private: 32 },
  },
  {
    base: 'linux-6.12',
    what: 'mapping, index and private go round',
    user: { mapping: 40, index: 24, private: 32 },
    device: { mapping: 40, index: 24, private: 32 },
  },
  {
    base: 'linux-6.12',
    what: 'the links of lists have changed places',
    user: { 'lru.next': 16, 'lru.prev': 8 },
    free: { 'buddy_list.next': 16, 'buddy_list.prev': 8 },
  },
  {
    base: 'linux-6.12',
    what: 'lru behind private, free blocks in words of their own',
    user: { mapping: 16, index: 24, private: 32, 'lru.next': 40, 'lru.prev': 8 },
    device: { mapping: 24, index: 32, private: 40 },
    free: { 'buddy_list.next': 24, 'buddy_list.prev': 32, buddy_order: 16 },
  },
]

let defined = 0
function define({ base, user = {}, free = {}, device = {}, tail = {} }: Moved): string {
  const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...rest } = layouts.get(base)
  const definition = structuredClone(rest) as LayoutDefinition
  const places: [string, Places][] = [
    ['anon', user],
    ['free', free],
    ['device-private-anon', device],
    ['tail', tail],
  ]
  const fields = definition.fields.map((field) => {
    const found = places.find(([type, to]) => field.types.includes(type as never) && to[field.name] !== undefined)
    return found === undefined ? field : { ...field, offsetBytes: found[1][field.name]! }
  })
  const name = `moved-${++defined}`
  layouts.define({ ...definition, fields, name })
  return name
}

const vectors = (name: string) => fileURLToPath(new URL(`../vectors/${name}`, import.meta.url))

async function conform(name: string, layout: string, scenarios: number) {
  const tally = new ConformTally(3, 3)
  const found: Mismatch[] = []
  for await (const recording of readRecordings(vectors(name))) {
    found.push(...tally.add(name, recording, runRecording(recording, { layout })))
    if (--scenarios === 0) break
  }
  return { report: tally.report(), found }
}

const boxes: Box[] = []
afterEach(() => {
  for (const box of boxes.splice(0)) box.close()
})

describe.each(moves)('$base, $what', (move) => {
  test('each word of a page in use holds what the layout says', () => {
    const box = Box.create({ pages: 1024, layout: define(move), frames: true })
    boxes.push(box)
    const buffer = box.createMm().mmap({ pages: 4 })
    buffer.store(0, 7n)
    buffer.store(3 * 4096, 9n)
    const pfn = buffer.pagemap()[3]!.pfn!
    const { fields } = box.page(pfn)
    expect(fields.mapping! & 3n, 'anon_vma with bit 0 set').toBe(1n)
    expect(fields.mapping! >> 36n, 'in the range of objects').toBe(0xffff888000000000n >> 36n)
    const first = box.page(buffer.pagemap()[0]!.pfn!).fields
    expect(fields.index! - first.index!).toBe(3n)
    expect(fields.private).toBe(0n)
    box.audit().assertClean()
  })

  // Faults, forks, swap, page caches, huge pages, devices: as the kernel, whose results name no word.
  test.skipIf(move.base !== 'linux-6.12').each([
    ['handwritten.jsonl.gz', 353],
    ['handwritten-thp.jsonl.gz', 20],
  ] as const)('%s: what the kernel did', async (name, scenarios) => {
    const { report, found } = await conform(name, define(move), scenarios)
    expect(found.slice(0, 1)).toEqual([])
    expect(report).toMatchObject({ scenarios, mismatched: 0, unsupported: 0, dirty: [] })
  })

  test('pins and lists without memory management', () => {
    const box = Box.create({ pages: 64, layout: define(move) })
    boxes.push(box)
    box.setupPage(8, { type: 'file', order: 2 })
    box.setupPage(16, { type: 'anon' })
    box.pins.pin(9)
    box.pins.unpin(9)
    expect([...box.lru.list('inactive_file')]).toEqual([8])
    expect(box.page(8).type).toBe('file')
    expect(box.page(9).type).toBe('tail')
    box.audit().assertClean()
  })

  test('threads and schedules', async () => {
    const layout = define(move)
    const raced = await race({ name: 'm', mixes: [{ mm: 1 }, { device: 1 }] }, { layout, ops: 2000 })
    expect(raced.audit).toEqual([])
    const scenario: Scenario = {
      name: 'pageout against a fork',
      threads: [
        {
          name: 'a',
          ops: [
            { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' },
            { op: 'store', buf: 'a', value: 1 },
            { op: 'madvise', buf: 'a', advice: 'pageout' },
            { op: 'load', buf: 'a' },
          ],
        },
        { name: 'b', ops: [{ op: 'fork', child: 'c' }] },
      ],
    } as Scenario
    expect((await explore(scenario, { layout, samples: 50 })).findings).toEqual([])
  })
})
