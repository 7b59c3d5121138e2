import { describe, expect, test } from 'vitest'
import { type AuditRow, Box, type RaceScenarioResult, explore, explorePins, race, run, scenario } from 'pagebox'
import { assertBox } from 'pagebox/assert'
import { toJson } from '../../lib/cli/json.ts'
import { raceAuditText } from '../../lib/engine/findingText.ts'
import { withText } from '../../lib/engine/withText.ts'
import { toPassAudit } from '../../lib/vitest/matchers.ts'

const messageOf = (received: unknown): string => toPassAudit(received).message()

const small = scenario('two readers', { pages: 64 }, (b) => {
  const buffer = b.mmap({ pages: 1 })
  for (const name of ['a', 'b']) b.thread(name, (t) => t.load(buffer))
})

describe('what a run returned passes the audit, or says why not and how to repeat it', () => {
  test('clean ones', async () => {
    const raced = await race(small, { rounds: 2 })
    for (const each of [raced, raced.audit, run(small), await race({ pages: 64 }, { rounds: 1 })])
      assertBox.toPassAudit(each)
    expect(`${raced}`).toContain("of 'two readers', seed 1")
  })

  test('a race of pins: rows, seed, and the call', async () => {
    const pins = { scheme: 'refcount-bias', pages: 64, quirks: ['put-for-unpin'] }
    const result = await race(pins, { rounds: 1, ops: 1000, threads: 2, seed: 7 })
    expect(result.audit.clean).toBe(false)
    for (const text of [messageOf(result), messageOf(result.audit)]) {
      expect(text).toContain('refcount-accounted')
      expect(text).toContain('seed 7')
      expect(text).toContain(
        'to repeat it: await race({"scheme":"refcount-bias","pages":64,"quirks":["put-for-unpin"]}',
      )
      expect(text).not.toContain('[object Object]')
    }
  })

  test('a race of a scenario: rows, seed, round, and the command', () => {
    const row: AuditRow = {
      invariant: 'pincount-exact',
      place: { kind: 'page', pfn: 42 },
      pfn: 42,
      field: 'pins',
      expected: 1n,
      found: 2n,
      explanation: 'one was lost',
    }
    const livelock = { op: '{"op":"pageout"}', waitsFor: 'a folio to be unlocked', page: 7, thread: 1, round: 3 }
    const audit = { clean: false, rows: [row], leaks: 'a file is held', livelocks: [livelock], round: 3 }
    const result = { audit, seed: 9n, rounds: 4 }
    const text = raceAuditText('mine', result, { scheme: 'refcount-bias', layout: 'linux-6.12' })
    withText(audit, () => text, true)
    const message = messageOf({ ...result, audit } as Partial<RaceScenarioResult>)
    expect(message).toContain("'mine', seed 9, round 3")
    expect(message).toContain('pincount-exact at page 42 pins: expected 1, found 2 (one was lost)')
    expect(message).toContain('a file is held')
    expect(message).toContain('livelock of {"op":"pageout"}: waited in vain for a folio to be unlocked at 7')
    expect(message).toContain(
      "await race(scenario, { scheme: 'refcount-bias', layout: 'linux-6.12', seed: 9n, rounds: 4 })",
    )
    expect(message).toContain('pagebox stress FILE.json --scheme refcount-bias --layout linux-6.12 --seed 9')
    // The text is no field of the data.
    expect(Object.keys(audit)).toEqual(['clean', 'rows', 'leaks', 'livelocks', 'round'])
    expect(JSON.parse(toJson(audit))).toEqual({ ...audit, rows: [{ ...row, expected: 1, found: 2 }] })
  })

  test('what was injected stands in the call and in the command, whatever a thread is named', async () => {
    const pinned = scenario('pinned', { pages: 64 }, (b) => {
      const buffer = b.mmap({ pages: 1, fill: 1 })
      b.thread("it's \\ a", (t) => t.unpin(t.pin(buffer)))
    })
    const failures = [{ site: 'page', nth: 2, thread: "it's \\ a" }, { site: 'copy' }]
    const quirks = ['put-for-unpin']
    const text = messageOf(await race(pinned, { rounds: 1, quirks, failures }))
    const call = /to repeat it: (await race.*)/.exec(text)?.[1] ?? ''
    const again = new Function('race', 'scenario', `return (async () => ${call})()`)
    expect(messageOf(await again(race, pinned))).toContain(call)
    expect(text).toContain("--quirks put-for-unpin --fail 'page:2@it'\\''s \\ a' --fail copy --seed 1")
    const explored = await explore(pinned, { quirks, failures })
    expect(`${explored}`).toContain("failures: [{ site: 'page', thread: 'it\\'s \\\\ a', nth: 2 }, { site: 'copy' }]")
  })

  test('an audit of another copy of the package is shown field by field', () => {
    expect(messageOf({ clean: false, rows: [{ pfn: 3, expected: 1n }], rowsTotal: 1 })).toContain('"pfn": 3')
  })

  test('an exploration of pins', async () => {
    const found = await explorePins({ scheme: 'lru-overlay', quirks: ['double-last-unpin'], schedules: 2000 })
    expect(found.violations).toBeGreaterThan(0)
    const text = messageOf(found)
    expect(text).toContain('of 2000 schedules of pins ended badly')
    expect(text).toMatch(/await explorePins\(\{ scheme: 'lru-overlay',.* firstRun: \d+, schedules: 1 \}\)/)
    assertBox.not.toPassAudit(found)
    assertBox.toPassAudit(await explorePins({ schedules: 10 }))
  })

  test('anything else is a typed error', () => {
    for (const value of [undefined, 3, {}, { audit: 3 }]) expect(() => toPassAudit(value)).toThrow(/takes a box/)
  })
})

describe('a quirk that a scheme cannot show is refused', () => {
  test('by the box, the race and the exploration, with the schemes that can', async () => {
    const options = { pages: 64, scheme: 'refcount', quirks: ['double-last-unpin'] }
    const expected = expect.objectContaining({
      code: 'ERR_PAGEBOX_ARG_RANGE',
      message: expect.stringMatching(/'refcount' cannot show 'double-last-unpin': that is a defect of 'lru-overlay'/),
    })
    expect(() => Box.create(options)).toThrow(expected)
    await expect(race(options)).rejects.toEqual(expected)
    await expect(explorePins({ scheme: 'refcount', quirks: ['double-last-unpin'] })).rejects.toEqual(expected)
  })
})

test('a race says beforehand that its scheme has no place on the pages', async () => {
  const result = await race(
    { pages: 64, scheme: 'lru-overlay', layout: 'linux-4.20', pageType: 'fsdax' },
    { rounds: 1, ops: 1 },
  )
  expect(result.warnings).toEqual([
    expect.stringMatching(/'lru-overlay' collides with .*pgmap.* of fsdax pages in linux-4.20/),
  ])
  expect((await race({ pages: 64 }, { rounds: 1, ops: 1 })).warnings).toEqual([])
})
