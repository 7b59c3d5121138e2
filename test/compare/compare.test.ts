import { expect, test } from 'vitest'
import { compare } from '../../lib/compare/compare.ts'
import { compareDocument } from '../../lib/compare/document.ts'
import type { Subject } from '../../lib/compare/subject.ts'
import { toJson } from '../../lib/cli/json.ts'
import { fakeLayout, fakeScheme, fakeSubject } from './fakeSubject.ts'

const runQuick = (subject: Subject, more: { signal?: AbortSignal } = {}) =>
  compare(subject, {
    effort: 'quick',
    schemes: subject.schemes,
    layouts: subject.layouts,
    costLayout: subject.layouts[0] as Subject['layouts'][number],
    seed: 1,
    ...more,
  })

test('the document is what its schema promises, also after a trip through JSON', async () => {
  const document = await runQuick(fakeSubject())
  expect(compareDocument.parse(JSON.parse(toJson(document)))).toEqual(document)
  expect(document.complete).toBe(true)
})

test('a cost is what the sampler took, and its ratio is to the loop of the same rounds', async () => {
  const subject = fakeSubject({ nsPerOp: (_scheme, loop) => (loop === 'limit' ? 4 : 5) })
  const document = await runQuick(subject)
  const hot = document.schemes[0]?.cost.find((row) => row.op === 'pin+unpin' && row.pattern === 'hot')
  expect(hot?.nsPerOp.median).toBeCloseTo(5)
  expect(hot?.timesLimit?.median).toBeCloseTo(1.25)
  expect(document.limit[0]?.nsPerOp.median).toBeCloseTo(4)
})

test('a table that its probe contradicts is reported cell by cell', async () => {
  const pgmap = { field: 'pgmap', tail: 0, offsetBytes: 8, shift: 0, bits: 2 }
  const subject = fakeSubject({
    probe: ({ pageType }) => (pageType === 'fsdax' ? { cell: 'collides', damaged: [pgmap] } : {}),
  })
  const document = await runQuick(subject)
  expect(document.disagreements.map(({ pageType, probe }) => ({ pageType, probe }))).toContainEqual({
    pageType: 'fsdax',
    probe: 'collides: pgmap +8',
  })
})

test('the same collisions in other pieces are no disagreement', async () => {
  const at = (shift: number, bits: number) => ({ field: 'w', tail: 0, offsetBytes: 8, shift, bits })
  const subject = fakeSubject({
    room: () => ({ cell: 'collides', collisions: [at(0, 8)] }),
    probe: () => ({ cell: 'collides', damaged: [at(4, 4), at(0, 4)] }),
  })
  expect((await runQuick(subject)).disagreements).toEqual([])
})

test('an abort keeps what was measured and says that it is not all', async () => {
  const abort = new AbortController()
  let samples = 0
  const subject = fakeSubject({
    onSample() {
      if (++samples === 30) abort.abort()
    },
  })
  const document = await runQuick(subject, { signal: abort.signal })
  expect(document.complete).toBe(false)
  expect(document.schemes[0]?.room.length).toBeGreaterThan(0)
  expect(samples).toBe(30)
  expect(compareDocument.safeParse(document).success).toBe(true)
})

test('limits and false positives are those of the page, not of the table', async () => {
  const lying = fakeScheme('refcount-bias', { falsePositives: '' })
  const [entry] = (await runQuick(fakeSubject({ schemes: [lying] }))).schemes
  // 2^21-1 fit below the sign bit; the one that crosses is kept, the next one refused.
  expect(entry?.boundaries[0]).toMatchObject({
    granted: 2 ** 21,
    refusal: 'ERR_PAGEBOX_PIN_LIMIT (ENOMEM)',
    agrees: true,
  })
  const yes = entry?.falsePositivesSeen.filter((row) => row.maybePinned).map((row) => row.references)
  expect(yes).toEqual([1024, 4096])
})

test('the answer names who fits everywhere and who does not', async () => {
  const field = { field: 'pgmap', tail: 0, offsetBytes: 8, shift: 0, bits: 2 }
  const subject = fakeSubject({
    schemes: [fakeScheme('lru-overlay'), fakeScheme('refcount-bias')],
    layouts: [fakeLayout('linux-4.20')],
    room: ({ scheme, pageType }) =>
      (typeof scheme === 'string' ? scheme : scheme.name) === 'lru-overlay' && pageType === 'fsdax'
        ? { cell: 'collides', collisions: [field] }
        : {},
  })
  const { answer } = await runQuick(subject)
  expect(answer).toContain('the LRU overlay destroys pgmap on 1 kind')
  expect(answer).toContain('refcount-bias fits every page')
  expect(answer).toContain('Somewhere without room: lru-overlay.')
})

test('raw samples stand in the document, in blocks, beside those of their loop', async () => {
  const subject = fakeSubject({ nsPerOp: (_scheme, loop) => (loop === 'limit' ? 4 : 5) })
  const document = await runQuick(subject)
  for (const row of document.schemes.flatMap(({ cost, ledger }) => [...cost, ...ledger])) {
    expect(row.samples?.length).toBe(row.rounds)
    expect(row.blocks?.reduce((sum, rounds) => sum + rounds, 0)).toBe(row.rounds)
    expect(row.blocks?.length).toBeGreaterThanOrEqual(2)
    expect(row.samples?.every((ns) => ns === 5)).toBe(true)
    if (row.reference) expect(row.reference.samples).toHaveLength(row.rounds)
  }
  const hot = document.schemes[0]?.cost[0]
  expect(hot?.reference).toMatchObject({ scheme: 'refcount-bias', op: 'pin+unpin' })
})

test('what has no loop of its own is held against that of refcount', async () => {
  const subject = fakeSubject({ schemes: [fakeScheme('refcount'), fakeScheme('mine', { builtin: false })] })
  const document = await runQuick(subject)
  const query = document.schemes[1]?.cost.find((row) => row.op === 'maybe_pinned')
  expect(query?.reference).toMatchObject({ scheme: 'refcount', op: 'maybe_pinned' })
  expect(query?.timesLimit).toBeNull()
})

test('an operation is held against a loop of the same one: what else the processor does slows both', async () => {
  const document = await runQuick(fakeSubject({}))
  const rows = document.schemes.flatMap(({ cost }) => cost)
  expect(rows.some(({ op }) => op === 'maybe_pinned')).toBe(true)
  for (const { op, reference } of rows) expect(reference?.op).toBe(op)
})
