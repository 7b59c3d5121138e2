import pc from 'picocolors'
import { expect, test } from 'vitest'
import type { Io } from '../../lib/cli/io.ts'
import { duration, progressText, reportText, runsText, workersText } from '../../lib/cli/text/fleet.ts'
import { patience, troubleOf } from '../../lib/fleet/patience.ts'
import { packResult, unpackResult } from '../../lib/fleet/records.ts'
import { shardsFor } from '../../lib/fleet/size.ts'
import { asideFindings, grouped, type RunReport, type RunSummary } from '../../lib/fleet/summary.ts'
import { differenceOf } from '../../lib/fleet/work.ts'

const io = { columns: 100, colours: pc.createColors(false) } as Io
const evil = 'a\x1b[2Jb\u202ec\nd'

const summary: RunSummary = {
  header: {
    format: 1,
    id: 'k3v9x2ab',
    command: evil,
    request: {},
    hash: 'h',
    of: 10,
    by: { pagebox: '1' },
    limitSeconds: 600,
    tries: 2,
  },
  state: 'running',
  counts: { done: 4, aside: 1, waiting: 4, active: 1, findings: 2 },
  filed: 0,
  seconds: 50,
  coordinator: evil,
  refusals: { [evil]: evil },
}

test('nothing that comes from a queue reaches a terminal as a command', () => {
  const losses = [{ worker: evil, ending: { kind: 'error', message: evil } as const }]
  const aside = [{ shard: 3, losses, repeat: evil }]
  const report: RunReport = {
    summary,
    aside,
    documents: [],
    merged: { findings: [], document: null, seconds: 9, done: 1 },
    findings: [...grouped(asideFindings(aside)), { signature: evil, text: evil, repeat: evil, shards: 2 }],
    refused: [evil],
  }
  const worker = {
    id: evil,
    host: evil,
    pid: 1,
    cores: 2,
    by: { [evil]: evil },
    doing: [{ run: evil, shard: 1 }],
    done: 3,
    seen: 0,
    isThere: true,
  }
  const texts = [
    reportText(report, '', io),
    runsText([summary, { id: evil, why: evil }], io),
    workersText([worker], io),
  ]
  for (const text of texts) {
    expect(text).toContain('\\x1b[2J')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u202e]/)
  }
})

test('how far a run is', () => {
  const { header, counts } = summary
  expect(progressText({ header, counts, workers: 2, cores: 8, perSecond: 0.5 })).toBe(
    '5 of 10 shards, 8 cores of 2 workers, 0.50/s, 10 s left, 2 findings, 1 set aside',
  )
  expect(progressText({ header, counts, workers: 0, cores: 0, perSecond: 0 })).toContain(
    'no worker is there, 0.00/s, 2 findings',
  )
  expect(progressText({ header, counts, workers: 2, cores: 8, perSecond: 0.5 }, true)).not.toContain('left')
  expect([8, 200, 20_000, 400_000].map(duration)).toEqual(['8 s', '3 min', '5.6 h', '4.6 d'])
})

test('findings of one signature are one, with the shortest way to repeat it', () => {
  const all = [
    { shard: 1, signature: 'a', text: 'long', repeat: 'xxxxxx' },
    { shard: 2, signature: 'a', text: 'short', repeat: 'xx' },
    { shard: 2, signature: 'b', text: 'other', repeat: undefined },
  ]
  expect(grouped(all)).toEqual([
    { signature: 'a', text: 'short', repeat: 'xx', shards: 2 },
    { signature: 'b', text: 'other', repeat: undefined, shards: 1 },
  ])
})

test.each([
  [new Error("OOM command not allowed when used memory > 'maxmemory'."), 'full'],
  [new Error('LOADING Redis is loading the dataset in memory'), 'starting'],
  [new Error("READONLY You can't write against a read only replica."), 'read-only'],
  [new Error('MISCONF Errors writing to the AOF file'), 'read-only'],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'away'],
  [new Error('Connection is closed.'), 'away'],
  [new Error('WRONGTYPE Operation against a key'), undefined],
  [new Error('NOAUTH Authentication required.'), undefined],
  ['text', undefined],
])('%s', (error, trouble) => expect(troubleOf(error)).toBe(trouble))

test('who waits says so once, and once that it goes on', async () => {
  const said: string[] = []
  let left = 3
  const { insist } = patience((text) => said.push(text))
  const done = await insist(async () => {
    if (left-- > 0) throw new Error('OOM command not allowed')
    return 'done'
  })
  expect(done).toBe('done')
  expect(said).toEqual([
    'the queue is full (its maxmemory is used up); waiting',
    expect.stringMatching(/^the queue is back after \d+ s; going on$/),
  ])
  await expect(insist(() => Promise.reject(new Error('WRONGTYPE')))).rejects.toThrow('WRONGTYPE')
  const stopped = insist(() => Promise.reject(new Error('OOM command not allowed')), AbortSignal.timeout(50))
  await expect(stopped).rejects.toThrow()
})

test('what differs is said of both sides', () => {
  expect(differenceOf({ a: '1', b: '2' }, { a: '1', b: '2' })).toBeUndefined()
  expect(differenceOf({ a: '1', b: '2' }, { a: '1', b: '3' })).toBe('b 2 there, b 3 here')
  expect(differenceOf({ a: '1' }, { b: '3' })).toBe('a 1 there, a (none) here; b (none) there, b 3 here')
})

test('packed results are unpacked as they were; bombs and garbage are not', () => {
  const record = { worker: 'w', document: { a: [1, 2, 3] } }
  expect(unpackResult(packResult(record), 'it')).toEqual(record)
  expect(() => unpackResult(Buffer.from('garbage'), 'it')).toThrow(/it in the queue is damaged: it cannot be unpacked/)
  const bomb = packResult({ worker: 'w', document: 'x'.repeat(17_000_000) })
  expect(bomb.length).toBeLessThan(100_000)
  expect(() => unpackResult(bomb, 'it')).toThrow(/cannot be unpacked/)
  expect(() => unpackResult(Buffer.alloc(300_000), 'it')).toThrow(/300000 bytes are too many/)
})

test('as many shards as their length asks for', () => {
  const sizing = { useful: 1000, shardSeconds: 10 }
  expect(shardsFor(0.5, 1000, sizing)).toBe(50)
  expect(shardsFor(100, 1000, sizing)).toBe(1000)
  expect(shardsFor(0.001, 10, sizing)).toBe(1)
})
