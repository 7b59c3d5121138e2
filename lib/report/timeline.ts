import { createHash } from 'node:crypto'
import { counted } from '../base/describe.ts'
import type { ReplayResult, ReplayStep } from '../engine/explore/replayTypes.ts'
import { scenarioText } from '../engine/explore/scenarioText.ts'
import { isAside, noteWords, placeWords, stepWords, valueWords } from '../engine/explore/timelineWords.ts'
import { pageHeader } from './frame.ts'
import { head } from './head.ts'
import { html, Markup } from './html.ts'
import { timelineScript } from './timelineScript.ts'
import { timelineStyle } from './timelineStyle.ts'

/** A word, by where it stands: groups of a page's, of entries, of the rest. */
function wordOf(step: ReplayStep): { word: string; group: string; name: string } | undefined {
  if (step.before === null || isAside(step)) return undefined
  const word = placeWords(step.place)
  const [, page, name] = /^(page \d+) (.*)$/.exec(word) ?? []
  if (page !== undefined && name !== undefined) return { word, group: page, name }
  const isEntry = /^(pte|pmd) /.test(word)
  return { word, group: isEntry ? 'page table entries' : 'others', name: word }
}

/** What the script knows of a step. */
function dataOf(result: ReplayResult): Markup {
  const groups = (word: { group: string } | undefined): number =>
    word === undefined
      ? 3
      : word.group.startsWith('page ') && word.group !== 'page table entries'
        ? 0
        : word.group === 'others'
          ? 2
          : 1
  const data = result.steps.map((step) => {
    const word = wordOf(step)
    return {
      thread: step.thread,
      text: stepWords(step),
      aside: isAside(step),
      broke: step.number === result.broke,
      held: step.held.map(({ lock, by }) => `${lock}: ${by.join(', ')}`),
      ...(word !== undefined && {
        ...word,
        order: groups(word),
        before: valueWords(step.before, step.beforeText),
        after: valueWords(step.after, step.afterText),
      }),
    }
  })
  // A word's text might end the element.
  return new Markup(JSON.stringify(data).replaceAll('<', '\\u003c'))
}

interface Row {
  readonly kind: string
  readonly step: number | null
  readonly thread: string
  readonly text: string
  readonly mark: string
}

function rowsOf({ steps, notes, broke }: ReplayResult): Row[] {
  const rows: Row[] = []
  let noted = 0
  const note = (at: number): void => {
    for (; notes[noted]?.at === at; noted++) {
      const each = notes[noted] as (typeof notes)[number]
      rows.push({
        kind: `note ${each.what}`,
        step: null,
        thread: each.thread,
        text: noteWords(each),
        mark: each.what === 'begins' ? '▶ ' : '■ ',
      })
    }
  }
  for (const step of steps) {
    note(step.number)
    const kinds = [
      ...(isAside(step) ? ['aside'] : []),
      ...(step.before !== step.after ? ['change'] : []),
      ...(step.lock === null ? [] : ['lock']),
      ...(step.number === broke ? ['broke'] : []),
    ]
    const mark = step.number === broke ? '✗ ' : ''
    rows.push({ kind: kinds.join(' '), step: step.number, thread: step.thread, text: stepWords(step), mark })
  }
  note(steps.length)
  return rows
}

function lanes(result: ReplayResult): Markup {
  const { threads } = result
  const open = new Set<string>()
  const cells = (row: Row): Markup[] => {
    if (row.kind === 'note begins') open.add(row.thread)
    const found = threads.map((thread) => {
      const kind = [open.has(thread) ? 'open' : '', thread === row.thread ? 'here' : ''].filter(Boolean).join(' ')
      return html`<td class="${kind}">${thread === row.thread && `${row.mark}${row.text}`}</td>`
    })
    if (row.kind === 'note ends') open.delete(row.thread)
    return found
  }
  const line = (row: Row): Markup =>
    row.step === null
      ? html`<tr class="${row.kind}"><th></th>${cells(row)}</tr>`
      : html`<tr class="${row.kind}" data-step="${row.step}"><th scope="row">${row.step}</th>${cells(row)}</tr>`
  return html`<div class="lanes" tabindex="0" role="region" aria-label="Timeline"><table>
<thead><tr><th class="count">step</th>${threads.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rowsOf(result).map(line)}</tbody></table></div>`
}

function panel({ steps, broke }: ReplayResult): Markup {
  const last = Math.max(0, steps.length - 1)
  return html`<div class="panel" hidden>
<div class="controls">
<input type="range" min="0" max="${last}" step="1" value="${broke ?? 0}" aria-label="Step">
<button type="button" data-to="0" aria-label="First step">|◀</button><button type="button" data-by="-1" aria-label="Step back">◀</button>
<button type="button" data-by="1" aria-label="Step on">▶</button><button type="button" data-to="${last}" aria-label="Last step">▶|</button>
${broke !== null && html`<button type="button" data-to="${broke}">✗ where it broke</button>`}
<label><input type="checkbox"> every access</label><span class="at"></span>
</div>
<div class="step"><span class="who"></span><div class="what"></div><div class="broke" hidden>✗ here it broke</div></div>
<div class="state"><h3>Words after this step</h3><dl class="contents"></dl><h3>Locks</h3><ul class="locks"></ul></div>
</div>`
}

function facts(result: ReplayResult): Markup {
  const { scheme, layout, rules, quirks, ops, switches, steps } = result
  const all: [string, string][] = [
    ['scheme', scheme],
    ['layout', layout],
    ...(rules === '' ? [] : ([['rules', rules]] as [string, string][])),
    ...(quirks.length === 0 ? [] : ([['quirks', quirks.join(', ')]] as [string, string][])),
    ['size', `${counted(ops, 'operation')}, ${switches} switches, ${counted(steps.length, 'step')}`],
  ]
  return html`<dl class="facts">${all.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

function section(result: ReplayResult, at: number): Markup {
  const { outcome, text, scenario, token } = result
  return html`<section class="timeline" id="timeline-${at + 1}">
<h2>'${scenario.name}': ${outcome}</h2>
<div class="answer outcome${outcome === 'clean' && ' clean'}"><p>${text === '' ? outcome : text}</p></div>
${facts(result)}
<p class="command"><code>$ pagebox replay ${token}</code></p>
<details><summary>The scenario</summary><pre>${scenarioText(scenario)}</pre></details>
<div class="stage">${panel(result)}${lanes(result)}</div>
<script type="application/json">${dataOf(result)}</script>
</section>`
}

/**
 * Schedules step by step, as one page that needs no network. Without a script it is a list to read; with the one
 * that its policy names by hash, a slider goes through the steps. Inserted names are text in both.
 */
export function timelinePage(title: string, results: readonly ReplayResult[]): string {
  const hash = createHash('sha256').update(timelineScript).digest('base64')
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`
  return html`${head(`pagebox ${title}`, timelineStyle, policy)}
<body><main>
${pageHeader(`pagebox ${title}`)}
${results.length === 0 && html`<div class="answer outcome clean"><p>No schedule ended badly.</p></div>`}
${results.length > 1 && html`<nav>${results.map(({ outcome, invariant }, at) => html`<a href="#timeline-${at + 1}">${outcome}${invariant && ` of ${invariant}`}</a>`)}</nav>`}
${results.map(section)}
</main>
<script>${new Markup(timelineScript)}</script>
</body>
</html>
`.text
}
