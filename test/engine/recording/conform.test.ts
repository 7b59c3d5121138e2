import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ConformTally, type Mismatch } from '../../../lib/engine/recording/conform.ts'
import { readRecordings } from '../../../lib/engine/recording/read.ts'
import { runRecording } from '../../../lib/engine/recording/runRecording.ts'
import type { ConformLevel } from '../../../lib/engine/recording/types.ts'

const file = (name: string) => fileURLToPath(new URL(`../../vectors/${name}`, import.meta.url))

async function conform(name: string, scheme: string, level: ConformLevel) {
  const tally = new ConformTally(level, 3)
  const found: Mismatch[] = []
  for await (const recording of readRecordings(file(name))) {
    found.push(...tally.add(name, recording, runRecording(recording, { scheme })))
  }
  return { report: tally.report(), found }
}

// The kernel's own schemes, so nothing may be explained away.
describe.each(['refcount-bias', 'folio-pincount'])('%s does what the kernel did', (scheme) => {
  test.each([
    ['handwritten.jsonl.gz', 3, { scenarios: 353, matched: 3169 }],
    ['handwritten-thp.jsonl.gz', 3, { scenarios: 20, matched: 287 }],
    ['random-mm-A.jsonl.gz', 3, { scenarios: 900, matched: 28704 }],
    ['random-simple.jsonl.gz', 3, { scenarios: 500, matched: 15377 }],
    ['random-fork.jsonl.gz', 3, { scenarios: 500, matched: 17660 }],
    ['random-pins.jsonl.gz', 3, { scenarios: 500, matched: 16570 }],
    // One operation of one scenario differs at level 3: REFERENCED on two pages of ext2.
    ['random-A.jsonl.gz', 2, { scenarios: 2395, matched: 79497 }],
  ] as const)('in every operation of %s, level %i', async (name, level, counts) => {
    const { report, found } = await conform(name, scheme, level)
    expect(found.slice(0, 1)).toEqual([])
    expect(report).toMatchObject({ ...counts, mismatched: 0, unsupported: 0, dirty: [] })
  })
})

test('a result that was changed is found, with what was expected', async () => {
  for await (const recording of readRecordings(file('random-mm-A.jsonl.gz'))) {
    const index = recording.ops.findIndex(({ op }) => op === 'load')
    if (index < 0) continue
    const results = recording.results.map((result, i) => (i === index ? { v: [123456789] } : result))
    const tally = new ConformTally(2, 3)
    const found = tally.add('changed', { ...recording, results }, runRecording(recording, {}))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ index, expected: { v: [123456789] }, explainedBy: [] })
    expect(tally.report().mismatched).toBe(1)
    return
  }
  expect.unreachable('the recordings have a load')
})
