import * as Plot from '@observablehq/plot'
import { JSDOM } from 'jsdom'
import { Markup } from './html.ts'

let page: Document | undefined

/**
 * Draws a plot once, here, as static SVG: the report needs no script. Text and
 * axes take the page's own colour, so they follow the reader's theme.
 */
export function drawPlot(options: Plot.PlotOptions, label: string): Markup {
  page ??= new JSDOM('').window.document
  const drawn = Plot.plot({ document: page, ...options }) as unknown as Element
  const svg = drawn.matches('svg') ? drawn : (drawn.querySelector('svg') as Element)
  // Plot's own style sheet repeats in each plot; the page has it once.
  for (const style of svg.querySelectorAll('style')) style.remove()
  svg.setAttribute('class', 'plot')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  svg.removeAttribute('fill')
  svg.removeAttribute('font-family')
  return new Markup(svg.outerHTML)
}
