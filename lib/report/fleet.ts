import { documentTables } from './documentTables.ts'
import type { FleetDocument } from './fleetTypes.ts'
import { pageHeader, sectionsOf } from './frame.ts'
import { head } from './head.ts'
import { html, type Markup } from './html.ts'

// What is shown came through a queue: it is text, whatever stands in it.

const count = (value: number): string => value.toLocaleString('en')

function time(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}

function verdict({ findings, aside, done, of, state }: FleetDocument): { text: string; isBad: boolean } {
  const missing = of - done - aside.length
  const so = missing > 0 ? `${count(done)} of ${count(of)} shards are done (${state}). ` : ''
  if (findings.length === 0) return { text: `${so}Nothing was found.`, isBad: false }
  const many = findings.length === 1 ? 'One thing was found.' : `${count(findings.length)} different things were found.`
  return { text: `${so}${many}`, isBad: true }
}

/** Done, set aside and missing as one strip. */
function strip({ done, aside, of, active }: FleetDocument): Markup {
  const parts = [
    { name: 'done', value: done, colour: 'var(--accent)' },
    { name: 'set aside', value: aside.length, colour: 'var(--hit)' },
    { name: 'at work', value: active, colour: 'var(--second)' },
  ].filter(({ value }) => value > 0)
  return html`<div class="strip" role="img" aria-label="${count(done)} of ${count(of)} shards done">${parts.map(
    ({ name, value, colour }) =>
      html`<span title="${name}: ${count(value)}" style="width: ${((100 * value) / of).toFixed(3)}%; background: ${colour}"></span>`,
  )}</div>
<ul class="legend">${parts.map(
    ({ name, value, colour }) =>
      html`<li><span class="swatch" style="background: ${colour}"></span>${name}: ${count(value)}</li>`,
  )}<li>of ${count(of)}</li></ul>`
}

function findingsSection({ findings }: FleetDocument): Markup {
  if (findings.length === 0) return html`<p>Nothing was found.</p>`
  return html`${findings.map(
    ({ text, repeat, shards, signature }, at) => html`<article class="finding" id="finding-${at + 1}"><p>${text}</p>
<p class="note">${shards === 1 ? 'in one shard' : `in ${count(shards)} shards`}${signature !== text && html`; signature <code>${signature}</code>`}</p>
${repeat !== null && html`<pre><code>$ ${repeat}</code></pre>`}</article>`,
  )}`
}

function asideSection({ aside }: FleetDocument): Markup {
  return html`<p>These shards have no result: what they ended, where, and the command that does them again.</p>
<table class="list"><thead><tr><th>shard</th><th>what happened</th><th>to repeat it</th></tr></thead><tbody>${aside.map(
    ({ shard, repeat, endings }) =>
      html`<tr><th>${shard}</th><td data-head="what happened"><span>${endings.map(
        ({ worker, text }, at) => html`${at > 0 && html`<br>`}${text} on ${worker}`,
      )}</span></td><td data-head="to repeat it"><code>${repeat}</code></td></tr>`,
  )}</tbody></table>`
}

function refusedSection({ refusals, refusedResults }: FleetDocument): Markup {
  return html`<ul>${Object.entries(refusals).map(([worker, why]) => html`<li><code>${worker}</code>: ${why}</li>`)}${refusedResults.map(
    (why) => html`<li>${why}</li>`,
  )}</ul>`
}

const rules = `
.strip { display: flex; height: .9rem; margin: 1rem 0 .3rem; max-width: 84rem; background: var(--raised); border: 1px solid var(--line); border-radius: 3px; overflow: hidden }
.strip span { min-width: 2px }
.finding { border-left: 4px solid var(--hit); background: var(--raised); padding: .5rem .9rem; margin: .8rem 0; max-width: 84rem }
.finding p { margin: .2rem 0; max-width: none; overflow-wrap: anywhere }
.finding pre { border: 1px solid var(--line); background: var(--ground) }`

/** A run of a fleet as one page that needs neither network nor script. */
export function fleetPage(run: FleetDocument): string {
  const { text, isBad } = verdict(run)
  const facts: (readonly [string, string])[] = [
    ['run', run.run],
    ['state', run.state],
    ['filed', run.filed.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
    ['time', time(run.seconds)],
    ['work of all workers', time(run.workSeconds)],
    ...Object.entries(run.by).map(([name, value]) => [name, value] as const),
  ]
  const sections = [
    { id: 'findings', title: 'Findings', content: findingsSection(run) },
    ...(run.aside.length > 0 ? [{ id: 'aside', title: 'Set aside', content: asideSection(run) }] : []),
    { id: 'result', title: 'What was covered', content: documentTables(run.document, ['findings']) },
    ...(Object.keys(run.refusals).length + run.refusedResults.length > 0
      ? [{ id: 'refused', title: 'Refused', content: refusedSection(run) }]
      : []),
  ]
  return html`${head(`pagebox fleet ${run.run}`, rules)}
<body><main>
${pageHeader(`pagebox fleet: run ${run.run}`)}
<div class="answer"><p${isBad && html` class="bad"`}>${text}</p></div>
<p class="command"><code>$ ${run.command}</code></p>
${strip(run)}
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${sectionsOf(sections)}
</main></body>
</html>
`.text
}
