import MarkdownIt from 'markdown-it'
import { JSDOM } from 'jsdom'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareWithBaseline } from '../../lib/compare/baseline.ts'
import { markdownText, reportMarkdown } from '../../lib/report/markdown.ts'
import { measuredFixture } from '../compare/measured.ts'
import { documentFixture } from './fixture.ts'

const render = (text: string): Document => new JSDOM(new MarkdownIt({ html: true }).render(text)).window.document

describe('the report in Markdown', () => {
  const page = render(reportMarkdown(documentFixture()))

  test('has a row for each scheme in each table', () => {
    const tables = [...page.querySelectorAll('table')]
    expect(tables.length).toBe(1 + 2 + 1 + 1)
    for (const table of tables) {
      const names = [...table.querySelectorAll('tbody tr td:first-child')].map((each) => each.textContent)
      expect(names).toEqual(['refcount', 'lru-overlay', 'packed-64', 'refcount-bias'])
    }
  })

  test('says what changed', () => {
    const before = measuredFixture({ seed: 1 })
    const now = measuredFixture({ seed: 2, changed: { scheme: 'packed-64', factor: 1.4 } })
    const text = reportMarkdown(now, compareWithBaseline(before, now))
    expect(text).toMatch(/Against the baseline[\s\S]*packed-64 \| one hot line \| pin\+unpin/)
  })

  test('defines own schemes, as declared', () => {
    const document = documentFixture()
    const definition = { name: 'mine', summary: 'has ```` in it\n```', countBits: 8 }
    document.schemes[0]!.definition = definition
    const code = render(reportMarkdown(document)).querySelector('pre code.language-json')
    expect(JSON.parse(code?.textContent ?? '')).toEqual(definition)
  })
})

test('a name is text, wherever it is shown', () => {
  const evil = '<img src=x onerror=alert(1)> | [a](http://b) ![c](d) `e` *f* _g_ &lt; #h\n# i\n|j|'
  const document = documentFixture({ answer: evil, command: evil })
  document.machine.cpu = evil
  for (const scheme of document.schemes) {
    scheme.name += evil
    scheme.locks = evil
    scheme.falsePositives = evil
  }
  for (const layout of document.layouts) layout.summary = evil
  const page = render(reportMarkdown(document))
  expect(page.querySelectorAll('img, a, em, h1 + h1').length).toBe(0)
  expect([...page.querySelectorAll('h1')].map((each) => each.textContent)).toEqual([
    'pagebox compare: where a pin count fits',
  ])
  for (const row of page.querySelectorAll('tbody tr'))
    expect(row.children.length).toBe(row.closest('table')?.querySelectorAll('thead th').length)
})

test('whatever text comes back as it was, but for controls', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), (text) => {
      const shown = render(`x ${markdownText(text)}`).body.textContent?.trim() ?? ''
      expect(shown.replace(/\s+/g, ' ')).toBe(`x ${text}`.trim().replace(/\s+/g, ' '))
    }),
  )
})
