import * as Plot from '@observablehq/plot'
import type { CompareDocument, SchemeEntry } from '../compare/document.ts'
import { contentionNote } from '../compare/machine.ts'
import { mainOp } from '../compare/situation.ts'
import { html, type Markup } from './html.ts'
import { idOf } from './rows.ts'
import { drawPlot } from './plot.ts'

interface Point {
  threads: number
  median: number
  low: number
  high: number
  kind: string
}

/** Only sets measured with more than one number of threads make a curve. */
function curves(document: CompareDocument, scheme: SchemeEntry): Point[] {
  const rows = scheme.cost.filter((row) => row.op === mainOp && row.pageType === 'anon' && row.order === 0)
  const setOf = (row: { pattern: string; workingSetBytes: number }) => `${row.pattern} ${row.workingSetBytes}`
  const shared = new Set(rows.filter((row) => row.threads > 1).map(setOf))
  const points: Point[] = rows
    .filter((row) => shared.has(setOf(row)))
    .map((row) => ({
      threads: row.threads,
      ...row.nsPerOp,
      kind: row.pattern === 'hot' ? 'one hot line' : `${row.pattern} pages`,
    }))
  for (const row of document.limit) {
    if (row.scheme !== scheme.name || row.op !== mainOp || row.pattern !== 'hot') continue
    if (row.pageType !== 'anon' || row.order !== 0) continue
    points.push({ threads: row.threads, ...row.nsPerOp, kind: kinds[0] as string })
  }
  return points.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.threads - b.threads)
}

// Drawn in this order: the hand-written loop lies behind what is compared with it.
const kinds = ['hand-written loop, hot', 'one hot line', 'random pages', 'sequential pages']
const colours = ['var(--limit-line)', 'var(--accent)', 'var(--second)', 'var(--third)']

function curvePlot(points: Point[], name: string, highest: number, threads: number[]): Markup {
  const limit = points.filter((point) => point.kind === kinds[0])
  const own = points.filter((point) => point.kind !== kinds[0])
  const ticks = [1, 3, 10, 30, 100, 300, 1000, 3000, 10000].filter((ns) => ns <= highest)
  return drawPlot(
    {
      width: 240,
      height: 170,
      marginLeft: 44,
      marginRight: 14,
      marginTop: 10,
      marginBottom: 38,
      style: 'font-size: 12px',
      x: {
        type: 'point',
        domain: threads,
        label: 'threads',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 36,
      },
      y: { type: 'log', domain: [1, highest], ticks, tickFormat: (ns: number) => `${ns}`, label: null, grid: true },
      color: { domain: kinds, range: colours },
      marks: [
        Plot.line(limit, { x: 'threads', y: 'median', stroke: 'kind', strokeWidth: 7 }),
        Plot.line(own, { x: 'threads', y: 'median', stroke: 'kind', strokeWidth: 2 }),
        Plot.ruleX(own, { x: 'threads', y1: 'low', y2: 'high', stroke: 'kind', strokeWidth: 3 }),
        Plot.dot(own, { x: 'threads', y: 'median', fill: 'kind', r: 3.5 }),
      ],
    },
    `Cost of pin and unpin by number of threads, ${name}`,
  )
}

export function contentionSection(document: CompareDocument): Markup {
  const all = document.schemes
    .map((scheme) => ({ scheme, points: curves(document, scheme) }))
    .filter((each) => each.points.length > 0)
  const note = contentionNote(document.machine)
  if (all.length === 0) return html`<p>Contention was not measured. ${note}</p>`
  const everything = all.flatMap((each) => each.points)
  const highest = Math.max(10, ...everything.map((point) => point.high))
  const threads = [...new Set(everything.map((point) => point.threads))].sort((a, b) => a - b)
  const shown = kinds.filter((kind) => everything.some((point) => point.kind === kind))
  return html`<p>Nanoseconds of one thread for one pin and its unpin (logarithmic) while that many threads
do the same. A flat line scales; a rising one is the cache line, or the lock, passed from core to core. ${note}</p>
<ul class="legend">${shown.map(
    (kind) => html`<li><span class="swatch" style="background: ${colours[kinds.indexOf(kind)]}"></span>${kind}</li>`,
  )}</ul>
<div class="small-plots">${all.map(
    ({ scheme, points }) =>
      html`<figure id="${idOf('contention', scheme.name)}"><figcaption><a class="anchor" href="#${idOf('contention', scheme.name)}" aria-label="link to ${scheme.name}"></a>${scheme.name}</figcaption>${curvePlot(points, scheme.name, highest, threads)}</figure>`,
  )}</div>`
}
