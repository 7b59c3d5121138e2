import { JSDOM } from 'jsdom'
import { describe, expect, test } from 'vitest'
import { compareWithBaseline } from '../../lib/compare/baseline.ts'
import { reportPage } from '../../lib/report/page.ts'
import { measuredFixture } from '../compare/measured.ts'
import { documentFixture } from './fixture.ts'

const parse = (page: string): Document => new JSDOM(page).window.document

describe('rows of the report', () => {
  const document = documentFixture()
  document.schemes[0]!.bytesPerPage = 16
  document.schemes[1]!.bytesPerPage = 0
  document.schemes[3]!.builtin = false
  document.schemes[3]!.definition = { name: 'refcount-bias', countBits: 21, summary: '</code><b>' }
  document.command = 'pagebox compare --scheme-file mine.js'
  const text = reportPage(document)
  const page = parse(text)

  test('each have a link of their own, to themselves', () => {
    const rows = [...page.querySelectorAll('tbody tr')]
    expect(rows.length).toBeGreaterThan(20)
    for (const row of rows) {
      expect(row.id).not.toBe('')
      expect(row.querySelector('a.anchor')?.getAttribute('href')).toBe(`#${row.id}`)
    }
  })

  test('are sorted by rules that know each place', () => {
    const rows = [
      ...page.querySelectorAll<HTMLElement>('#schemes ~ * table.sortable tbody tr, table.sortable tbody tr'),
    ]
    expect(rows.length).toBeGreaterThanOrEqual(4)
    const sortings = page.querySelectorAll('input[name=sort]').length
    expect(sortings).toBeGreaterThan(4)
    for (let at = 0; at < sortings; at++) {
      expect(text).toContain(`main:has(#sort-${at}:checked) table.sortable tbody tr { order: var(--by-${at}) }`)
      const places = rows.slice(0, 4).map((row) => Number(row.style.getPropertyValue(`--by-${at}`)))
      expect([...places].sort()).toEqual([0, 1, 2, 3])
    }
    const hot = [...page.querySelectorAll('input[name=sort]')].findIndex(
      (each) => each.parentElement?.textContent === 'one hot line',
    )
    const byHot = rows
      .slice(0, 4)
      .sort((a, b) => Number(a.style.getPropertyValue(`--by-${hot}`)) - Number(b.style.getPropertyValue(`--by-${hot}`)))
    expect(byHot.map((row) => row.id)).toEqual([
      'scheme-refcount',
      'scheme-refcount-bias',
      'scheme-packed-64',
      'scheme-lru-overlay',
    ])
  })

  test('are filtered by what their scheme is', () => {
    const classes = (id: string): string[] => [...(page.getElementById(id)?.classList ?? [])]
    expect(classes('scheme-refcount')).not.toContain('is-frugal')
    expect(classes('scheme-lru-overlay')).toEqual(expect.arrayContaining(['is-frugal', 'is-exact']))
    expect(classes('limit-refcount-bias')).toContain('is-own')
    for (const id of ['exact', 'fits', 'frugal', 'own']) {
      expect(page.getElementById(`only-${id}`)?.getAttribute('type')).toBe('checkbox')
      expect(text).toContain(`main:has(#only-${id}:checked) tr.scheme:not(.is-${id}) { display: none }`)
    }
  })

  test('say what memory costs, how it was made, and what the own ones are', () => {
    expect(page.querySelector('#scheme-refcount [data-head="bytes on every page"]')?.textContent).toBe('16')
    expect(page.querySelector('.command')?.textContent).toContain('pagebox compare --scheme-file mine.js')
    expect(JSON.parse(page.querySelector('.definition code')?.textContent ?? '')).toEqual(
      document.schemes[3]?.definition,
    )
  })

  test('cells carry their heading, for a screen too narrow for a table', () => {
    for (const cell of page.querySelectorAll('table.list td')) expect(cell.getAttribute('data-head')).toBeTruthy()
  })

  test('the descriptor stands open on the layout whose costs are shown', () => {
    const open = [...page.querySelectorAll('details.layout[open]')].filter((each) => each.querySelector('.descriptor'))
    expect(open.map((each) => each.querySelector('b')?.textContent)).toEqual([document.settings.costLayout])
  })
})

test('the baseline is part of the page', () => {
  const before = measuredFixture({ seed: 1 })
  const now = measuredFixture({ seed: 2, changed: { scheme: 'packed-64', factor: 1.4 } })
  const page = parse(reportPage(now, compareWithBaseline(before, now)))
  const slower = [...page.querySelectorAll('tr[id^=baseline] .bad')]
  expect(slower.length).toBeGreaterThan(3)
  expect(slower.every((each) => each.closest('tr')?.id.startsWith('baseline-packed-64'))).toBe(true)
})

test('on one CPU the page says why nothing was contended', () => {
  const document = documentFixture()
  document.machine.cores = 1
  expect(reportPage(document)).toContain('One CPU')
})
