import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ConformTally } from '../../../lib/engine/recording/conform.ts'
import { readRecordings } from '../../../lib/engine/recording/read.ts'
import { runRecording } from '../../../lib/engine/recording/runRecording.ts'
import { schemes } from '../../../lib/index.ts'

const file = (name: string) => fileURLToPath(new URL(`../../vectors/${name}`, import.meta.url))
const files = ['handwritten.jsonl.gz', 'handwritten-thp.jsonl.gz', 'random-pins.jsonl.gz']

async function conform(scheme: string, names: readonly string[] = files) {
  const tally = new ConformTally(2, 3)
  for (const name of names)
    for await (const recording of readRecordings(file(name)))
      tally.add(name, recording, runRecording(recording, { scheme }))
  return tally.report()
}

const isolation = ['lru-clear', 'lru-skipped', 'pin-refused']

// The whole list: what a scheme shows of itself in these recordings, and nothing else.
const visible: readonly (readonly [string, readonly string[]])[] = [
  ['refcount', ['answer-unknown']],
  ['lru-overlay', isolation],
  ['packed-64', isolation],
  ['packed-32', isolation],
  ['flag-and-word', isolation],
  ['own-counter', []],
  ['mapcount-overlay', ['mapcount-raised']],
  ['refcount-bias', []],
  ['folio-pincount', []],
  ['side-table', []],
  ['sharded', []],
]

test('every scheme is here', () => {
  expect(visible.map(([name]) => name)).toEqual(schemes.list().flatMap(({ name, builtin }) => (builtin ? [name] : [])))
})

describe.each(visible)('%s', (scheme, effects) => {
  test('differs from the kernel only as it declares, and leaves every count right', async () => {
    const report = await conform(scheme)
    expect(report.mismatches).toEqual([])
    expect(report).toMatchObject({ mismatched: 0, unsupported: 0, dirty: [] })
    expect(Object.keys(report.explainedBy)).toEqual(effects)
    expect(schemes.get(scheme).visibleEffects).toEqual(expect.arrayContaining([...effects]))
    expect(report.matched + report.explained).toBe(report.operations)
    if (effects.length === 0) expect(report.explained).toBe(0)
  })
})

describe('what is not declared explains nothing', () => {
  const overlay = {
    protocol: 'list-overlay',
    countWord: 2,
    pinned: { word: 1, bit: 1 },
    wasLru: { word: 1, bit: 2 },
  } as const
  const [recordings] = files as [string]

  test('the same scheme without a declaration has the same differences, as mismatches', async () => {
    schemes.define({ ...overlay, name: 'overlay-silent', visibleEffects: [] })
    const [told, silent] = [await conform('lru-overlay', [recordings]), await conform('overlay-silent', [recordings])]
    expect(told.explained).toBeGreaterThan(0)
    expect(silent).toMatchObject({ explained: 0, explainedBy: {}, mismatched: told.explained, matched: told.matched })
  })

  test('half a declaration explains half of them', async () => {
    schemes.define({ ...overlay, name: 'overlay-half', visibleEffects: ['lru-clear'] })
    const [told, half] = [await conform('lru-overlay', [recordings]), await conform('overlay-half', [recordings])]
    expect(Object.keys(half.explainedBy)).toEqual(['lru-clear'])
    expect(half.mismatched).toBeGreaterThan(0)
    expect(half.explained + half.mismatched).toBe(told.explained)
  })

  test('a declaration of what never happens explains nothing either', async () => {
    schemes.define({ ...overlay, name: 'overlay-wrong', visibleEffects: ['answer-unknown', 'mapcount-raised'] })
    const [told, wrong] = [await conform('lru-overlay', [recordings]), await conform('overlay-wrong', [recordings])]
    expect(wrong).toMatchObject({ explained: 0, mismatched: told.explained })
  })

  test('a defined scheme that says nothing declares what its words imply', () => {
    expect(schemes.define({ ...overlay, name: 'overlay-implied' }).visibleEffects).toEqual(isolation)
  })
})
