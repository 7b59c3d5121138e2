import { type ScenarioOp, type WrittenScenario, race, run, schemes } from 'pagebox'
import { expect, test } from 'vitest'

// Its flag is PG_locked: a pinned page looks locked for as long as it is pinned.
schemes.define({
  name: 'pinned-is-locked',
  protocol: 'flag-and-word',
  pinned: { word: 0, bit: 0 },
  countWord: 5,
  countBits: 32,
})

const scenario: WrittenScenario = {
  name: 'a read of a page that stays locked',
  setup: [
    { op: 'mmap', buf: 'a', pages: 1, kind: 'file-shared', prot: 'rw' },
    { op: 'store', buf: 'a', value: 7 },
  ] as ScenarioOp[],
  threads: [
    {
      name: 'dma',
      ops: [
        { op: 'pin', id: 1, via: 'gup', buf: 'a', write: 1 },
        { op: 'fd_read', buf: 'a' },
        { op: 'unpin', id: 1 },
      ] as ScenarioOp[],
    },
    { name: 'other', ops: [{ op: 'yield' } as ScenarioOp] },
  ],
}

const waited = {
  op: expect.stringContaining('"op":"fd_read"'),
  waitsFor: 'a folio to be unlocked',
  page: expect.any(Number),
  thread: 0,
  round: 0,
}

test('run says which operation waited in vain, and for which page', () => {
  const { ran, livelocks } = run(scenario, { scheme: 'pinned-is-locked' })
  expect(livelocks[0]).toEqual(waited)
  expect(ran.map(({ op }) => op.op)).toEqual(['mmap', 'store', 'pin', 'fd_read', 'unpin', 'yield'])
})

test('a race ends with it', async () => {
  const found = await race(scenario, { scheme: 'pinned-is-locked', rounds: 1000 })
  expect(found).toMatchObject({ stoppedBy: 'livelock', rounds: 1, audit: { clean: false, round: 0 } })
  expect(found.audit.livelocks[0]).toEqual(waited)
})

test('the same without the damage is clean', async () => {
  expect(run(scenario, { scheme: 'side-table' })).toMatchObject({ audit: [], leaks: '', livelocks: [] })
  const found = await race(scenario, { scheme: 'side-table', rounds: 20 })
  expect(found.audit).toEqual({ clean: true, rows: [], leaks: '', livelocks: [], round: null })
})
