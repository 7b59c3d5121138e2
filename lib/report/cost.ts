import * as Plot from '@observablehq/plot'
import type { CompareDocument } from '../compare/document.ts'
import { workingSetsText } from '../compare/workingSets.ts'
import { costAt, mainOp, type Situation, situationLabel, situations, sameSituation } from '../compare/situation.ts'
import { digits } from '../compare/format.ts'
import { html, type Markup } from './html.ts'
import { idOf } from './rows.ts'
import { drawPlot } from './plot.ts'

interface Mark {
  scheme: string
  median: number
  low: number
  high: number
  label: string
}

function costPlot(document: CompareDocument, at: Situation): Markup {
  const marks: Mark[] = []
  const limits: Mark[] = []
  for (const scheme of document.schemes) {
    const row = costAt(scheme.cost, at)
    if (row === undefined) continue
    const ratio = row.timesLimit === null ? '' : `  ${digits(row.timesLimit.median)}×`
    marks.push({ scheme: scheme.name, ...row.nsPerOp, label: digits(row.nsPerOp.median) + ratio })
    const limit = document.limit.find(
      (each) => each.scheme === scheme.name && each.op === mainOp && sameSituation(each, at),
    )
    if (limit) limits.push({ scheme: scheme.name, ...limit.nsPerOp, label: '' })
  }
  const furthest = Math.max(1, ...marks.map((mark) => mark.high), ...limits.map((mark) => mark.high))
  const label = situationLabel(at)
  return drawPlot(
    {
      width: 440,
      height: 50 + 24 * marks.length,
      marginLeft: 128,
      marginRight: 86,
      marginTop: 6,
      marginBottom: 40,
      style: 'font-size: 13px',
      x: {
        domain: [0, furthest],
        label: 'ns per pin and unpin',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 38,
        ticks: 4,
        grid: true,
      },
      y: { type: 'band', domain: marks.map((mark) => mark.scheme), label: null, tickSize: 0, padding: 0.3 },
      marks: [
        Plot.rectX(limits, {
          x1: 0,
          x2: 'median',
          y: 'scheme',
          fill: 'var(--limit)',
        }),
        Plot.ruleY(marks, { x1: 'low', x2: 'high', y: 'scheme', stroke: 'var(--accent)', strokeWidth: 3 }),
        Plot.dot(marks, { x: 'median', y: 'scheme', fill: 'var(--accent)', r: 4 }),
        Plot.text(marks, { x: furthest, y: 'scheme', text: 'label', textAnchor: 'start', dx: 8, fill: 'currentColor' }),
      ],
    },
    `Cost of pin and unpin, ${label}`,
  )
}

export function costSection(document: CompareDocument): Markup {
  const all = situations(document)
  if (all.length === 0) return html`<p>No costs were measured.</p>`
  return html`<p>Nanoseconds of one thread for one pin and its unpin, on anonymous pages of order 0.
The dot is the median of interleaved rounds, the line its 95 % interval (from the spread between blocks of rounds, each on
memory of its own), the grey bar the hand-written
loop of the same atomics; the number behind is the median and how many times that loop it takes. ${workingSetsText(document)}</p>
<div class="plots">${all.map(
    (at) =>
      html`<figure id="${idOf('cost', situationLabel(at))}"><figcaption><a class="anchor" href="#${idOf('cost', situationLabel(at))}" aria-label="link to ${situationLabel(at)}"></a>${situationLabel(at)}</figcaption>${costPlot(document, at)}</figure>`,
  )}</div>`
}
