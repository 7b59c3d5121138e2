import { JSDOM } from 'jsdom'
import { expect, test } from 'vitest'
import { stressDocument } from '../../lib/cli/stress/page.ts'
import { mostPoints, StressSeries } from '../../lib/engine/stress/series.ts'
import type { StressPlan } from '../../lib/engine/stress/stress.ts'
import { StressTotal } from '../../lib/engine/stress/total.ts'
import type { RaceResult } from '../../lib/engine/raceTypes.ts'
import { stressPage } from '../../lib/report/stress.ts'

const slice = (i: number, op = 'store') =>
  ({
    seconds: 0.5,
    ops: [
      {
        op,
        ops: 1000 + i,
        retries: 0,
        failures: { EFAULT: 100 },
        latencyNs: {
          samples: 10,
          min: 100,
          mean: 900,
          max: 90_000,
          buckets: [
            { upToNs: 600, count: 9 },
            { upToNs: 60_000, count: 1 },
          ],
        },
      },
      { op: 'yield', ops: 10, retries: 0, failures: {}, latencyNs: null },
    ],
    audit: { clean: true, pages: 0, rows: [] },
    reached: [
      { group: 'cow', name: 'unshare', summary: 'a copy', count: 2 },
      { group: 'swap', name: 'lazyfree', summary: 'given up', count: 0 },
    ],
  }) as unknown as RaceResult

function runOf(slices: number, op?: string) {
  const [total, series] = [new StressTotal(), new StressSeries()]
  for (let i = 0; i < slices; i++) {
    total.add(slice(i, op))
    series.add(slice(i, op), 2 ** 20 * (i + 1))
  }
  return { total, series, failed: undefined }
}
const plan = { box: { pages: 1, scheme: 'refcount-bias' }, threads: 2, seed: 1 } as unknown as StressPlan
const pageOf = (run: ReturnType<typeof runOf>, name = 'mm') =>
  new JSDOM(stressPage(stressDocument(name, plan, run, 'pagebox stress mm'))).window.document

test('a run over time loses nothing, and stays in bounded memory', () => {
  for (const slices of [1, 7, mostPoints, mostPoints + 1, 1777]) {
    const { total, series } = runOf(slices)
    expect(series.points.length).toBeLessThanOrEqual(mostPoints)
    const ops = series.points.reduce((sum, point) => sum + point.total.ops, 0)
    expect(ops).toBe(total.ops)
    expect(series.points.at(-1)?.seconds).toBe(slices * 0.5)
    expect(series.points.at(-1)?.residentBytes).toBe(slices * 2 ** 20)
    const ends = series.points.map(({ seconds }) => seconds)
    expect(ends).toEqual([...ends].sort((a, b) => a - b))
    const reached = series.points.reduce((sum, point) => sum + (point.total.reached[0]?.count ?? 0), 0)
    expect(reached).toBe(2 * slices)
  }
})

test('the page draws rates, failures, memory and a latency for each operation that has one', () => {
  const page = pageOf(runOf(40))
  const labels = [...page.querySelectorAll('svg.plot')].map((svg) => svg.getAttribute('aria-label'))
  expect(labels).toEqual([
    'Operations a second over time',
    'Share of operations that failed over time',
    'Resident memory over time',
    'Latency of store over time',
  ])
  // Two lines of forty points each.
  expect(page.querySelectorAll('svg[aria-label^="Operations a second"] circle').length).toBe(80)
  expect(page.querySelector('.answer')?.textContent).toMatch(
    /^Every audit was clean: .* operations in 20\.0 s, 9\d\.\d %/,
  )
  const rows = [...page.querySelectorAll('#reached ~ table tbody tr')].map((row) => row.textContent)
  expect(rows).toEqual(['cow unshare80a copy', 'swap lazyfreenevergiven up'])
})

test.each([1, 2])('%d slices are drawn too', (slices) => {
  const page = pageOf(runOf(slices))
  expect(page.documentElement.outerHTML).not.toMatch(/NaN|Infinity|undefined/)
  expect(page.querySelectorAll('svg.plot').length).toBe(4)
})

test('a run without a slice has a page that says so', () => {
  const page = pageOf(runOf(0))
  expect(page.documentElement.outerHTML).not.toMatch(/NaN|Infinity|undefined/)
  expect(page.querySelector('main')?.textContent).toContain('Nothing was measured')
})

test('names stay text', () => {
  const page = pageOf(runOf(3, '</style><script>x</script>'), '<b>mm</b>')
  expect(page.querySelector('script')).toBeNull()
  expect(page.querySelector('h1 b')).toBeNull()
})
