import { type ScenarioOp, type WrittenScenario, race, run, schemes } from 'pagebox'
import { expect, test } from 'vitest'

schemes.define({
  name: 'over-the-swap-entry',
  protocol: 'flag-and-word',
  pinned: { word: 0, bit: 'lowest-free' },
  countWord: 5,
  countBits: 32,
})

/** Swapped out, then forked; who faults first leaves the page in the swap cache, where a pin counts over its slot. */
const scenario: WrittenScenario = {
  name: 'a pin over a swap entry',
  setup: [
    { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' },
    { op: 'store', buf: 'a', value: 7 },
    { op: 'madvise', buf: 'a', advice: 'pageout' },
    { op: 'fork', child: 'c' },
    { op: 'load', proc: 'c', buf: 'a' },
  ] as ScenarioOp[],
  threads: [
    {
      name: 'dma',
      ops: [
        { op: 'pin', proc: 'c', id: 1, via: 'gup', buf: 'a' },
        { op: 'load', buf: 'a' },
        { op: 'unpin', proc: 'c', id: 1 },
      ] as ScenarioOp[],
    },
    { name: 'other', ops: [{ op: 'yield' } as ScenarioOp] },
  ],
}

const waited = {
  op: expect.stringContaining('"op":"load"'),
  waitsFor: 'a fault to map a page',
  page: expect.any(Number),
  thread: 0,
  round: 0,
}

test('run says which operation waited in vain, and for which page', () => {
  const { ran, livelocks } = run(scenario, { scheme: 'over-the-swap-entry' })
  expect(livelocks[0]).toEqual(waited)
  expect(ran.map(({ op }) => op.op)).toEqual([
    'mmap',
    'store',
    'madvise',
    'fork',
    'load',
    'pin',
    'load',
    'unpin',
    'yield',
  ])
  expect(ran[6]?.result).toEqual({ v: ['SIGBUS'] })
})

test('a race ends with it', async () => {
  const found = await race(scenario, { scheme: 'over-the-swap-entry', rounds: 1000 })
  expect(found).toMatchObject({ stoppedBy: 'livelock', rounds: 1, audit: { clean: false, round: 0 } })
  expect(found.audit.livelocks[0]).toEqual(waited)
})

test('the same without the damage is clean', async () => {
  expect(run(scenario, { scheme: 'side-table' })).toMatchObject({ audit: [], leaks: '', livelocks: [] })
  const found = await race(scenario, { scheme: 'side-table', rounds: 20 })
  expect(found.audit).toEqual({ clean: true, rows: [], leaks: '', livelocks: [], round: null })
})
