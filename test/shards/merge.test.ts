import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CompareDocument,
  type CostRow,
  compare,
  explore,
  mergeShards,
  parseShard,
  runShard,
  runZooEntry,
  scenario,
  type ShardDocument,
  type ShardedCommand,
  shardRequest,
  type WrittenScenario,
  type ZooResult,
  zoo,
} from 'pagebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareDocument } from '../../lib/compare/document.ts'
import { exploreDocument } from '../../lib/engine/explore/document.ts'
import { conformFiles } from '../../lib/engine/recording/conformFiles.ts'
import { zooDocument } from '../../lib/zoo/document.ts'

/** Its page is there: a pin finds it. */
const small = {
  name: 'two pins',
  pages: 64,
  setup: [
    { op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' },
    { op: 'store', buf: 'a', value: 7 },
  ],
  threads: [1, 2].map((id) => ({
    name: `thread ${id}`,
    ops: [
      { op: 'pin', id, via: 'gup', buf: 'a', page: 0, fast: 1 },
      { op: 'unpin', id },
    ],
  })),
} as unknown as WrittenScenario

const fork = scenario('a pin and a fork', { pages: 64 }, (b) => {
  const buf = b.mmap({ pages: 1 })
  b.thread('dma', (t) => t.unpin(t.pin(buf, { write: true })))
  b.thread('fork', (t) => t.fork())
}) as WrittenScenario

/** Through JSON, as files and queues have them. */
async function shards(command: ShardedCommand, options: object, of: number): Promise<ShardDocument[]> {
  const request = await shardRequest(command, options)
  const all: ShardDocument[] = []
  for (let index = 1; index <= of; index++) all.push(await runShard(request, { index, of }))
  return JSON.parse(JSON.stringify(all)) as ShardDocument[]
}

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, each: unknown) =>
      ['seconds', 'abandoned'].includes(key) ? undefined : typeof each === 'bigint' ? String(each) : each,
    ),
  )
const sameNumbers = (value: object): unknown =>
  plain(
    JSON.parse(
      JSON.stringify(value, (_k, v: unknown) =>
        typeof v === 'bigint' ? (Number.isSafeInteger(Number(v)) ? Number(v) : String(v)) : v,
      ),
    ),
  )

describe('an exploration in parts', () => {
  test.each([
    ['random', small, { strategy: 'random', samples: 101, seed: 5 }],
    ['pct', small, { strategy: 'pct', samples: 60 }],
    ['surw', small, { strategy: 'surw', samples: 40, outcomes: true }],
    ['a bound', fork, { strategy: 'depth-first', bound: 1, samples: 100_000, outcomes: true }],
    ['dpor', fork, { strategy: 'dpor', samples: 100_000 }],
  ] as const)('is the whole: %s', async (_name, s, options) => {
    const result = await explore(s, options)
    const facts = { scenario: s.name, scheme: 'refcount-bias', layout: 'linux-6.12', strategy: options.strategy }
    const whole = exploreDocument({ scenario: s, result, kinds: [] }, facts)
    for (const of of [1, 2, 7]) {
      const merged = mergeShards(await shards('explore', { ...options, scenario: s }, of))
      expect(merged.whole).toBe(true)
      expect(plain(merged.document)).toEqual(sameNumbers(whole))
    }
  })

  test('of a portfolio is complete where one machine is', async () => {
    const result = await explore(fork, { strategy: 'portfolio', samples: 20_000 })
    const merged = mergeShards(await shards('explore', { scenario: fork, samples: 20_000 }, 3))
    expect(result.complete).toBe(true)
    expect(merged.document).toMatchObject({ complete: true, classes: result.classes, guarantee: result.guarantee })
  })

  test('tells the same fault once, with its shortest token', async () => {
    const documents = await shards(
      'explore',
      { scenario: small, strategy: 'random', samples: 30, quirks: ['put-for-unpin'] },
      3,
    )
    const merged = mergeShards(documents)
    expect(merged.findings.length).toBeGreaterThan(0)
    for (const { signature, token } of merged.findings) {
      const same = documents.flatMap(({ findings }) => findings).filter((each) => each.signature === signature)
      expect(same.length).toBeGreaterThan(1)
      expect(token?.length).toBe(Math.min(...same.map((each) => each.token?.length ?? 0)))
    }
  })
})

describe('the zoo in parts', () => {
  test('is the whole, in its order', async () => {
    const entries = ['dirty-cow', 'gup-fork-2018'].filter((id) => zoo().some((each) => each.id === id))
    const ids =
      entries.length > 1
        ? entries
        : zoo()
            .slice(0, 3)
            .map(({ id }) => id)
    const results: ZooResult[] = []
    for (const id of ids) results.push(await runZooEntry(id))
    const merged = mergeShards((await shards('zoo', { entries: ids }, 2)).reverse())
    expect(plain(merged.document)).toEqual(plain(zooDocument(results)))
    expect(merged.findings).toEqual([])
  })
})

describe('stress in parts', () => {
  test('adds up, bucket by bucket', async () => {
    const plan = { box: { pages: 64 }, threads: 2, mix: { 'pin+unpin': 1 }, pattern: 'random', seconds: 0.6, seed: 7 }
    const documents = await shards('stress', { plan }, 3)
    const merged = mergeShards(documents)
    type Op = { ops: number; latencyNs: { samples: number; buckets: { upToNs: number; count: number }[] } }
    const of = (part: unknown): Op => ((part as { byOp: Op[] }).byOp as [Op])[0]
    const whole = (merged.document as unknown as { ops: [Op]; slices: number; complete: boolean }).ops[0]
    expect(merged.document).toMatchObject({ slices: 3, complete: true, failed: null })
    expect(whole.ops).toBe(documents.reduce((sum, { part }) => sum + of(part).ops, 0))
    const all = new Map<number, number>()
    for (const { part } of documents)
      for (const { upToNs, count } of of(part).latencyNs.buckets) all.set(upToNs, (all.get(upToNs) ?? 0) + count)
    expect(whole.latencyNs.buckets).toEqual(
      [...all].sort(([a], [b]) => a - b).map(([upToNs, count]) => ({ upToNs, count })),
    )
    expect(documents.map(({ part }) => (part as unknown as { slices: number }).slices)).toEqual([1, 1, 1])
  })

  test('that fails tells the seed of its slice', async () => {
    const plan = {
      box: { pages: 1, scheme: 'lru-overlay', quirks: ['double-last-unpin'] },
      threads: 2,
      mix: { 'pin+unpin': 1 },
      pattern: 'random',
      seconds: 0.4,
      seed: 40,
    }
    const merged = mergeShards(
      await shards('stress', { plan, repeat: 'pagebox stress --seconds {seconds} --seed {seed}' }, 2),
    )
    expect(merged.findings).toHaveLength(1)
    const { failed } = merged.document as unknown as { failed: { seed: number; repeat: string } }
    expect([40, 41]).toContain(failed.seed)
    expect(failed.repeat).toBe(`pagebox stress --seconds 0.2 --seed ${failed.seed}`)
  })
})

describe('recordings in parts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pagebox-shards-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('are the whole, whatever the names of their files here', async () => {
    const vectors = join(import.meta.dirname, '../vectors')
    const [one, other] = ['handwritten-thp.jsonl.gz', 'handwritten.jsonl.gz'].map((name) => join(vectors, name)) as [
      string,
      string,
    ]
    const same = join(folder, 'another-name.gz')
    copyFileSync(other, same)
    const settings = { scheme: 'refcount-bias', quirks: ['put-for-unpin'], level: 3 } as const
    const whole = await conformFiles([one, other], settings)
    expect(whole.mismatched + whole.dirty.length).toBeGreaterThan(0)
    const request = await shardRequest('conform', { files: [one, other], ...settings })
    for (const of of [1, 2, 7]) {
      const all: ShardDocument[] = []
      for (let index = 1; index <= of; index++)
        all.push(await runShard(request, { index, of }, { recordings: [same, one] }))
      const merged = mergeShards(JSON.parse(JSON.stringify(all)) as ShardDocument[])
      expect(plain(merged.document)).toEqual(
        sameNumbers({ ...whole, level: 3, scheme: 'refcount-bias', layout: 'linux-6.12' }),
      )
    }
    await expect(runShard(request, { index: 1, of: 2 }, { recordings: [one] })).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_SHARD',
      message: expect.stringContaining('handwritten.jsonl.gz') as string,
    })
  })
})

describe('a comparison in parts', () => {
  test('has every room, limit and cost once, in the order of the whole', { timeout: 300_000 }, async () => {
    const options = {
      effort: 'quick',
      schemes: ['refcount-bias', 'lru-overlay'],
      layouts: ['linux-4.20'],
      seed: 3,
    } as const
    const whole = await compare(options)
    const documents = await shards('compare', options, 3)
    const merged = mergeShards(documents).document as unknown as CompareDocument
    expect(compareDocument.safeParse(merged).success).toBe(true)
    const situations = (rows: readonly CostRow[]) =>
      rows.map(({ pageType, order, pattern, workingSetBytes, threads, op }) => ({
        pageType,
        order,
        pattern,
        workingSetBytes,
        threads,
        op,
      }))
    for (const [i, scheme] of whole.schemes.entries()) {
      const one = merged.schemes[i]
      for (const key of ['name', 'room', 'probe', 'boundaries', 'falsePositivesSeen'] as const)
        expect(one?.[key], key).toEqual(plain(scheme[key]))
      expect(situations(one?.cost ?? [])).toEqual(situations(scheme.cost))
    }
    expect(merged.disagreements).toEqual(whole.disagreements)
    expect(merged.settings).toEqual(whole.settings)
    expect(merged.limit.map(({ scheme }) => scheme)).toEqual(whole.limit.map(({ scheme }) => scheme))
    expect(merged.machines).toBeUndefined()
  })
})

describe('bad documents', () => {
  const refused = (documents: unknown[], says: string | RegExp) =>
    expect(() =>
      mergeShards(documents as ShardDocument[], { names: documents.map((_, i) => `${i + 1}.json`) }),
    ).toThrowError(
      expect.objectContaining({ code: 'ERR_PAGEBOX_SHARD', message: expect.stringMatching(says) as string }) as Error,
    )
  const altered = (document: ShardDocument, change: (copy: never) => void): ShardDocument => {
    const copy = JSON.parse(JSON.stringify(document)) as ShardDocument
    change(copy as never)
    return copy
  }
  let three: ShardDocument[]
  beforeAll(async () => {
    three = await shards('explore', { scenario: small, strategy: 'random', samples: 30 }, 3)
  })

  test('are refused by name', async () => {
    const [one, two, last] = three as [ShardDocument, ShardDocument, ShardDocument]
    refused([one, last], /2 shards are|one is missing: 2/)
    refused([one, two, two, last], 'shard 2/3 is there twice: 2.json and 3.json')
    refused([], 'there are none')
    const [other] = await shards('explore', { scenario: small, strategy: 'random', samples: 31 }, 3)
    refused([other, two, last], '1.json is of samples 31, 2.json of 30')
    const [halves] = await shards('explore', { scenario: small, strategy: 'random', samples: 30 }, 2)
    refused([halves, two, last], '1.json is one of 2 shards, 2.json one of 3')
    expect(mergeShards([one, last], { allowMissing: true })).toMatchObject({ missing: [2], whole: false, done: 20 })
  })

  test.each<
    [
      string,
      (copy: {
        shard: { index: number }
        done: number
        part: { result: Record<string, unknown> }
        request: { pagebox: string; options: { samples: number } }
      }) => void,
      string,
    ]
  >([
    [
      'says it is another shard',
      (copy) => {
        copy.shard.index = 4
      },
      '4/3 is none',
    ],
    [
      'has negative counts',
      (copy) => {
        copy.part.result.schedules = -1
      },
      '1.json: part: result.schedules',
    ],
    [
      'has more schedules than its part',
      (copy) => {
        copy.part.result.schedules = 11
        ;(copy.part.result.outcomes as { clean: number }).clean = 11
      },
      'it cannot be shard 1/3: 11 schedules, and its part has 10',
    ],
    [
      'has outcomes that do not add up',
      (copy) => {
        copy.part.result.schedules = 9
      },
      'its outcomes are of 10 schedules, not of 9',
    ],
    [
      'has an altered request',
      (copy) => {
        copy.request.options.samples = 40
      },
      'its hash is another',
    ],
    [
      'is of another version',
      (copy) => {
        copy.request.pagebox = '0.0.1'
      },
      'its hash is another',
    ],
    [
      'has a field too many',
      (copy) => {
        copy.part.result.extra = 1
      },
      'part: result',
    ],
    [
      'has none',
      (copy) => {
        copy.part = {} as never
      },
      'part: result',
    ],
  ])('one that %s', (_what, change, says) => {
    refused([altered(three[0] as ShardDocument, change as never), three[1], three[2]], says)
  })

  test.each([null, 3, 'text', [], {}, { kind: 'pagebox-shard' }, Object.create({ kind: 'pagebox-shard' })])(
    '%o is none',
    (value) => {
      refused([value], '1.json: ')
    },
  )
})

describe('a shard', () => {
  test.each(['3/2', '0/1', '1/0', 'a/b', '1', '', '1/99999999', '-1/2', '1.5/2', ' 1/2'])('%o is none', (text) => {
    expect(() => parseShard(text)).toThrowError(expect.objectContaining({ code: 'ERR_PAGEBOX_SHARD' }) as Error)
  })
  test('is its number and of how many', () => expect(parseShard('3/7')).toEqual({ index: 3, of: 7 }))
})
