import type { BaselineReport } from '../compare/baseline.ts'
import type { CompareDocument } from '../compare/document.ts'
import { contentionSection } from './contention.ts'
import { costSection } from './cost.ts'
import { countedSection, hasCounted } from './counted.ts'
import { claimRules, descriptorSection } from './descriptor.ts'
import { bytes } from '../compare/format.ts'
import { pageHeader, sectionsOf } from './frame.ts'
import { head } from './head.ts'
import { html, type Markup } from './html.ts'
import { baselineSection } from './baseline.ts'
import { definitionsSection, hasDefinitions } from './definitions.ts'
import { choiceRules, schemesSection } from './schemes.ts'
import { roomSection } from './room.ts'
import { limitsTable, machineFacts, operationsTable, pureJsTable } from './tables.ts'

interface Part {
  id: string
  title: string
  content: (document: CompareDocument) => Markup
}

const always: Part[] = [
  { id: 'schemes', title: 'The schemes side by side', content: schemesSection },
  { id: 'room', title: 'Which scheme fits where', content: roomSection },
  { id: 'descriptor', title: 'The descriptor, word by word', content: descriptorSection },
  { id: 'cost', title: 'What a pin costs', content: costSection },
  { id: 'contention', title: 'Contention', content: contentionSection },
  {
    id: 'operations',
    title: 'Each operation by itself',
    content: (document) =>
      html`<p>Nanoseconds on one hot line, one thread: median and 95 % interval.</p>${operationsTable(document)}`,
  },
  { id: 'limits', title: 'Limits and false positives', content: limitsTable },
  {
    id: 'javascript',
    title: 'From JavaScript',
    content: (document) =>
      html`<p>The same pin and unpin through each way that JavaScript has, against an implementation in JavaScript alone
(<code>Atomics</code> on a SharedArrayBuffer of the same stride).</p>${pureJsTable(document.pureJs)}`,
  },
]

function heading(document: CompareDocument): Markup {
  return html`${pageHeader('pagebox compare: where a pin count fits')}
<div class="answer"><p>${document.answer}</p></div>
${document.command && html`<p class="command"><code>$ ${document.command}</code></p>`}
${document.complete ? '' : html`<p class="bad">This run was interrupted; what it had measured until then is shown.</p>`}`
}

function provenance(document: CompareDocument): Markup {
  const { settings } = document
  return html`<footer>pagebox ${document.pagebox}, ${document.date}; ${settings.effort} run of ${document.elapsedSeconds.toFixed(0)} s,
seed ${settings.seed}, interleaved rounds of ${settings.sampleMs} ms in blocks of ${settings.rounds}, costs measured on ${settings.costLayout}.
Descriptors of ${document.layouts.map((each) => `${each.name} (${bytes(each.strideBytes)})`).join(', ')}.
Times on another machine differ; the ratios to the hand-written loop travel better.</footer>`
}

/**
 * The whole report as one page that needs neither network nor script: its
 * policy forbids both, so an inserted name could not run even if it got past
 * the escaping.
 */
export function reportPage(document: CompareDocument, report?: BaselineReport): string {
  const sections: Part[] = [
    ...(report ? [{ id: 'baseline', title: 'Against the baseline', content: () => baselineSection(report) }] : []),
    ...always,
    ...(hasCounted(document) ? [{ id: 'counted', title: 'What was counted', content: countedSection }] : []),
    ...(hasDefinitions(document) ? [{ id: 'definitions', title: 'Own schemes', content: definitionsSection }] : []),
  ]
  const css = `${claimRules(document)}\n${choiceRules(document)}`
  return html`${head('pagebox compare', css)}
<body><main>
${heading(document)}
${machineFacts(document.machine)}
${sectionsOf(sections.map(({ content, ...rest }) => ({ ...rest, content: content(document) })))}
${provenance(document)}
</main></body>
</html>
`.text
}
