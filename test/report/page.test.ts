import { JSDOM } from 'jsdom'
import { describe, expect, test } from 'vitest'
import { symbols } from '../../lib/report/symbols.ts'
import { reportPage } from '../../lib/report/page.ts'
import { documentFixture } from './fixture.ts'

const parse = (page: string): Document => new JSDOM(page).window.document

describe('the report', () => {
  const text = reportPage(documentFixture())
  const page = parse(text)

  test('needs no network and no script', () => {
    expect(page.querySelectorAll('script, link, iframe, img').length).toBe(0)
    expect(text.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:|url\(|@import/)
    const policy = page.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content')
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('script')
  })

  test('tells cells apart by sign as well as by colour', () => {
    const cells = [...page.querySelectorAll('table.matrix:not(.overview) td')]
    expect(cells.length).toBeGreaterThan(0)
    for (const cell of cells) expect(Object.values(symbols)).toContain(cell.textContent)
    const hit = page.querySelector('table.matrix:not(.overview) td.collides')
    expect(hit?.getAttribute('data-tip')).toMatch(/collides with .*byte/)
  })

  test('draws fields where their bytes are', () => {
    const fields = [...page.querySelectorAll<HTMLElement>('.field')]
    const mapping = fields.find((each) => each.textContent === 'mapping')
    expect(mapping?.getAttribute('style')).toBe('left: 37.500%; width: 12.500%')
  })

  test('has a plot for each situation, with text for those who cannot see it', () => {
    const plots = [...page.querySelectorAll('svg.plot')]
    expect(plots.length).toBe(6 + 4)
    for (const plot of plots) expect(plot.getAttribute('aria-label')).toMatch(/^Cost of pin/)
  })

  test('uses no colour that ignores the theme', () => {
    const svg = [...page.querySelectorAll('svg *')]
    for (const node of svg) {
      for (const name of ['fill', 'stroke']) {
        const colour = node.getAttribute(name)
        if (colour !== null) expect(colour).toMatch(/^(var\(--[\w-]+\)|currentColor|none)$/)
      }
    }
  })

  test('repeats no id', () => {
    const ids = [...page.querySelectorAll('[id]')].map((each) => each.id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

test('a name is text, wherever it is shown', () => {
  const evil = '"></style></script><img src=x onerror=alert(1)>'
  const document = documentFixture({ answer: evil })
  document.machine.cpu = evil
  for (const scheme of document.schemes) scheme.name += evil
  for (const layout of document.layouts) {
    layout.summary = evil
    for (const field of layout.fields) field.meaning = evil
  }
  const page = parse(reportPage(document))
  expect(page.querySelectorAll('img, script').length).toBe(0)
  expect(page.body.textContent).toContain(evil)
})

test('an interrupted run says so', () => {
  expect(reportPage(documentFixture({ complete: false }))).toContain('was interrupted')
})
