import fc from 'fast-check'
import { JSDOM } from 'jsdom'
import { expect, test } from 'vitest'
import { html } from '../../lib/report/html.ts'

test('whatever is inserted comes back as text, in content and in attributes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
      const { document } = new JSDOM(html`<p title="${text}">${text}</p>`.text).window
      const paragraph = document.querySelector('p')
      expect(paragraph?.textContent).toBe(text)
      expect(paragraph?.getAttribute('title')).toBe(text)
      expect(paragraph?.children.length).toBe(0)
    }),
  )
})

test('markup is inserted as it is, lists one after the other, nothing for what is not there', () => {
  const items = ['a', 'b'].map((each) => html`<li>${each}</li>`)
  expect(html`<ul>${items}${null}${undefined}${false}${0}</ul>`.text).toBe('<ul><li>a</li><li>b</li>0</ul>')
})
