import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ConformTally, type Mismatch } from '../../../lib/engine/recording/conform.ts'
import { readRecordings } from '../../../lib/engine/recording/read.ts'
import { runRecording } from '../../../lib/engine/recording/runRecording.ts'
import type { ConformLevel, Recording } from '../../../lib/engine/recording/types.ts'
import { vocabulary } from '../../../lib/engine/scenario/vocabulary.ts'

const file = (name: string) => fileURLToPath(new URL(`../../vectors/${name}`, import.meta.url))

const needsDevice = ({ ops }: Recording): boolean =>
  ops.some((op) => vocabulary().ops.get(op.op)?.device === true || op.kind === 'dmirror')

async function conform(name: string, scheme: string, level: ConformLevel) {
  const tally = new ConformTally(level, 3)
  const found: Mismatch[] = []
  for await (const recording of readRecordings(file(name))) {
    if (needsDevice(recording)) continue
    found.push(...tally.add(name, recording, runRecording(recording, { scheme })))
  }
  return { report: tally.report(), found }
}

// The kernel's own schemes, so nothing may be explained away.
describe.each(['refcount-bias', 'folio-pincount'])('%s does what the kernel did', (scheme) => {
  test('in every operation of 900 random scenarios, every flag', async () => {
    const { report, found } = await conform('random-mm-A.jsonl.gz', scheme, 3)
    expect(found.slice(0, 1)).toEqual([])
    expect(report).toMatchObject({ scenarios: 900, matched: 28704, mismatched: 0, unsupported: 0, dirty: [] })
  })

  test('in the handwritten scenarios without a device', async () => {
    const { report, found } = await conform('handwritten.jsonl.gz', scheme, 2)
    expect(found.slice(0, 1)).toEqual([])
    expect(report).toMatchObject({ scenarios: 85, mismatched: 0, unsupported: 0, dirty: [] })
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
