import * as Plot from '@observablehq/plot'
import type { Reached } from '../engine/scenario/scenarioTypes.ts'
import type { Latency } from '../engine/raceTypes.ts'
import { pageHeader, sectionsOf } from './frame.ts'
import { head } from './head.ts'
import { html, type Markup } from './html.ts'
import { drawPlot } from './plot.ts'

/** What one operation did in a stretch of the run. */
interface OpStretch {
  readonly op: string
  readonly ops: number
  readonly failures: Readonly<Record<string, number>>
  readonly latencyNs: Latency | null
}

/** A stretch of a run, by its end. */
export interface StressStretch {
  readonly seconds: number
  /** How long it was. */
  readonly length: number
  readonly residentBytes: number
  readonly ops: readonly OpStretch[]
}

export interface StressDocument {
  readonly title: string
  readonly command: string
  /** What the audits said. */
  readonly verdict: string
  readonly clean: boolean
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly stretches: readonly StressStretch[]
  readonly total: readonly OpStretch[]
  readonly reached: readonly Reached[]
}

const failed = ({ failures }: OpStretch): number => Object.values(failures).reduce((sum, count) => sum + count, 0)
const sum = (ops: readonly OpStretch[], of: (op: OpStretch) => number): number =>
  ops.reduce((total, op) => total + of(op), 0)

const size = {
  width: 460,
  height: 230,
  marginLeft: 58,
  marginRight: 12,
  marginTop: 14,
  marginBottom: 40,
  style: 'font-size: 13px',
}

/** Names of seconds that fit their number. */
function timeAxis(stretches: readonly StressStretch[]): { per: number; unit: string } {
  const last = stretches.at(-1)?.seconds ?? 0
  if (last > 2 * 3600) return { per: 3600, unit: 'hours' }
  return last > 180 ? { per: 60, unit: 'minutes' } : { per: 1, unit: 'seconds' }
}

interface Line {
  readonly at: number
  readonly value: number
  readonly name: string
}

const colours = ['var(--accent)', 'var(--second)', 'var(--third)']

function lines(
  stretches: readonly StressStretch[],
  points: readonly Line[],
  names: readonly string[],
  label: string,
  y: Plot.ScaleOptions,
): Markup {
  const { unit } = timeAxis(stretches)
  const marks = [
    ...(stretches.length < 2 ? [] : [Plot.lineY([...points], { x: 'at', y: 'value', stroke: 'name', strokeWidth: 2 })]),
    // One stretch makes no line.
    Plot.dot([...points], { x: 'at', y: 'value', fill: 'name', r: points.length > 60 ? 1.2 : 2.5 }),
  ]
  const plot = drawPlot(
    {
      ...size,
      x: {
        label: unit,
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 36,
        domain: [0, Math.max(...points.map(({ at }) => at))],
      },
      y: { grid: true, label: null, ...y },
      color: { domain: [...names], range: colours.slice(0, names.length) },
      marks,
    },
    label,
  )
  return plot
}

const legend = (names: readonly string[]): Markup =>
  html`<ul class="legend">${names.map(
    (name, i) => html`<li><span class="swatch" style="background: ${colours[i]}"></span>${name}</li>`,
  )}</ul>`

function figure(caption: string, names: readonly string[], plot: Markup): Markup {
  return html`<figure><figcaption>${caption}</figcaption>${names.length > 1 && legend(names)}${plot}</figure>`
}

function overall(stretches: readonly StressStretch[]): Markup {
  if (stretches.length === 0) return html`<p>Nothing was measured.</p>`
  const { per } = timeAxis(stretches)
  const at = (stretch: StressStretch): number => stretch.seconds / per
  const rates = stretches.flatMap((stretch): Line[] => {
    const all = sum(stretch.ops, ({ ops }) => ops)
    const useful = all - sum(stretch.ops, failed)
    const perSecond = (ops: number): number => ops / stretch.length / 1000
    return [
      { at: at(stretch), value: perSecond(all), name: 'all' },
      { at: at(stretch), value: perSecond(useful), name: 'useful' },
    ]
  })
  const failures = stretches.map((stretch): Line => {
    const all = sum(stretch.ops, ({ ops }) => ops)
    return { at: at(stretch), value: all === 0 ? 0 : (100 * sum(stretch.ops, failed)) / all, name: 'failed' }
  })
  const memory = stretches.map(
    (stretch): Line => ({ at: at(stretch), value: stretch.residentBytes / 2 ** 20, name: 'resident' }),
  )
  const zero = { zero: true, nice: true } as const
  return html`<div class="plots">
${figure('Operations, in thousands a second', ['all', 'useful'], lines(stretches, rates, ['all', 'useful'], 'Operations a second over time', zero))}
${figure('Operations that failed, in percent', [], lines(stretches, failures, ['failed'], 'Share of operations that failed over time', zero))}
${figure('Memory of the process, in MiB', [], lines(stretches, memory, ['resident'], 'Resident memory over time', zero))}
</div>`
}

const quantiles = ['p50', 'p99', 'p999'] as const
const quantileNames = ['median', '99 %', '99.9 %']

function latencies({ stretches, total }: StressDocument): Markup {
  const { per } = timeAxis(stretches)
  const shown = [...total].filter((op) => op.latencyNs !== null).sort((a, b) => b.ops - a.ops)
  if (shown.length === 0) return html`<p>No latency was sampled.</p>`
  const plotOf = (name: string): Markup => {
    const points = stretches.flatMap((stretch): Line[] => {
      const latency = stretch.ops.find(({ op }) => op === name)?.latencyNs
      if (latency === null || latency === undefined) return []
      return quantiles.map((key, i) => ({
        at: stretch.seconds / per,
        value: Math.max(1, latency[key]) / 1000,
        name: quantileNames[i] as string,
      }))
    })
    return html`<figure><figcaption>${name}</figcaption>${lines(stretches, points, quantileNames, `Latency of ${name} over time`, decades(points))}</figure>`
  }
  return html`<p>Microseconds of one operation (logarithmic), sampled: the operations that came most often first.</p>
${legend(quantileNames)}
<div class="plots">${shown.map(({ op }) => plotOf(op))}</div>`
}

/** A scale from one power of ten to another, with a line at each. */
function decades(points: readonly Line[]): Plot.ScaleOptions {
  const values = points.map(({ value }) => value)
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => Number((10 ** (low + i)).toPrecision(1)))
  return { type: 'log', domain: [10 ** low, 10 ** high], ticks, tickFormat: (each: number) => `${each}` }
}

const count = (value: number): string => value.toLocaleString('en')

function operations({ total }: StressDocument): Markup {
  return html`<table class="list"><thead><tr><th>operation</th><th>operations</th><th>failed</th><th>why</th></tr></thead><tbody>${total.map(
    (op) => {
      const reasons = Object.entries(op.failures).map(([errno, each]) => `${errno} ${count(each)}`)
      const share = op.ops === 0 ? 0 : (100 * failed(op)) / op.ops
      return html`<tr><th>${op.op}</th><td class="number" data-head="operations">${count(op.ops)}</td><td class="number" data-head="failed">${share.toFixed(1)} %</td><td data-head="why">${reasons.join(', ')}</td></tr>`
    },
  )}</tbody></table>`
}

function reachedSection({ reached }: StressDocument): Markup {
  return html`<p>Ways through memory management, and how often they were taken.</p>
<table class="list"><thead><tr><th>way</th><th>times</th><th>what it is</th></tr></thead><tbody>${reached.map(
    (each) =>
      html`<tr><th>${each.group} ${each.name}</th><td class="number${each.count === 0 && ' bad'}" data-head="times">${each.count === 0 ? 'never' : count(each.count)}</td><td data-head="what it is">${each.summary}</td></tr>`,
  )}</tbody></table>`
}

/** A stress run over time, as one page that needs neither network nor script. */
export function stressPage(document: StressDocument): string {
  const sections = [
    { id: 'time', title: 'Over time', content: overall(document.stretches) },
    { id: 'latency', title: 'Latencies', content: latencies(document) },
    { id: 'operations', title: 'Operations', content: operations(document) },
    ...(document.reached.length === 0
      ? []
      : [{ id: 'reached', title: 'What was reached', content: reachedSection(document) }]),
  ]
  return html`${head(`pagebox stress ${document.title}`, '')}
<body><main>
${pageHeader(`pagebox stress: ${document.title}`)}
<div class="answer"><p${!document.clean && html` class="bad"`}>${document.verdict}</p></div>
<p class="command"><code>$ ${document.command}</code></p>
<dl class="facts">${document.facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${sectionsOf(sections)}
</main></body>
</html>
`.text
}
