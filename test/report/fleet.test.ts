import { expect, test } from 'vitest'
import { fleetPage } from '../../lib/report/fleet.ts'
import type { FleetDocument } from '../../lib/report/fleetTypes.ts'

const hostile = '</code><script>alert(1)</script><img src=x onerror="alert(2)">'

const run: FleetDocument = {
  run: 'k3v9x2ab',
  command: `pagebox explore ${hostile}`,
  state: 'running',
  by: { pagebox: '0.1.0', addon: hostile },
  of: 100,
  done: 60,
  active: 4,
  waiting: 35,
  aside: [
    {
      shard: 7,
      repeat: `pagebox zoo --shard 7/100 ${hostile}`,
      endings: [{ worker: hostile, text: 'ends the process (SIGSEGV)' }],
    },
  ],
  filed: '2026-01-02T03:04:05.678Z',
  seconds: 4000,
  workSeconds: 16_000,
  ran: 123_456,
  findings: [{ signature: hostile, text: `a page is lost ${hostile}`, repeat: `pagebox replay ${hostile}`, shards: 3 }],
  refusals: { [hostile]: hostile },
  refusedResults: [hostile],
  document: {
    classes: 1234,
    complete: true,
    name: hostile,
    entries: [
      { id: hostile, runs: 12, long: 'x'.repeat(99) },
      { id: 'b', runs: 3 },
    ],
  },
}

test('says how far it is, what was found and how to repeat it, and what was set aside', () => {
  const page = fleetPage(run)
  expect(page).toContain('60 of 100 shards are done (running). One thing was found.')
  expect(page).toMatch(/\$ pagebox replay/)
  expect(page).toMatch(/ends the process \(SIGSEGV\)/)
  expect(page).toContain('2026-01-02 03:04:05 UTC')
  expect(page).toContain('<td class="number" data-head="runs">12</td>')
  // A column that nobody reads.
  expect(page).not.toContain('xxxxxxxx')
})

test('what came through a queue is text there, wherever it stands', () => {
  const page = fleetPage(run)
  expect(page).not.toMatch(/<(script|img)/i)
  expect(page.match(/&lt;script&gt;/g)?.length).toBeGreaterThanOrEqual(10)
  expect(page).toContain('default-src &#39;none&#39;')
})

test('nothing yet, and nothing found', () => {
  const page = fleetPage({ ...run, done: 0, aside: [], findings: [], document: null, refusals: {}, refusedResults: [] })
  expect(page).toContain('0 of 100 shards are done (running). Nothing was found.')
  expect(page).not.toContain('Set aside')
})
