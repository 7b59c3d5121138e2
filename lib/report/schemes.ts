import type { CompareDocument, SchemeEntry } from '../compare/document.ts'
import { count, digits, range } from '../compare/format.ts'
import { costAt, type Situation, situationLabel, situations } from '../compare/situation.ts'
import { pinnable, verdict } from '../compare/verdict.ts'
import { html, type Markup } from './html.ts'
import { filters, idOf, listTable, rowClasses } from './rows.ts'

interface Sorting {
  label: string
  /** Smaller comes first; what is not known comes last. */
  value(scheme: SchemeEntry): number | string | undefined
}

const fitting = (document: CompareDocument, scheme: SchemeEntry): number =>
  document.layouts.filter((layout) => {
    const { collides, refused } = verdict(scheme, layout.name, layout.types.filter(pinnable))
    return collides.length === 0 && refused.length === 0
  }).length

/** The situations that the table has a column for: one thread, small and large, and two threads. */
const shownSituations = (document: CompareDocument): Situation[] => situations(document).slice(0, 4)

export const sortings = (document: CompareDocument): Sorting[] => [
  { label: 'as given', value: (scheme) => document.schemes.indexOf(scheme) },
  { label: 'name', value: (scheme) => scheme.name },
  { label: 'layouts that fit', value: (scheme) => -fitting(document, scheme) },
  { label: 'bytes on every page', value: (scheme) => scheme.bytesPerPage },
  ...shownSituations(document).map((at) => ({
    label: situationLabel(at),
    value: (scheme: SchemeEntry) => costAt(scheme.cost, at)?.nsPerOp.median,
  })),
  {
    label: 'largest count',
    value: (scheme) => (scheme.maxPins === null ? Number.NEGATIVE_INFINITY : -Number(scheme.maxPins)),
  },
]

const compareValues = (a: number | string | undefined, b: number | string | undefined): number => {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b))
}

/** The place of each scheme under each sorting, as properties that a rule picks from. */
export function ranks(document: CompareDocument): (scheme: SchemeEntry) => string {
  const orders = sortings(document).map(({ value }) =>
    [...document.schemes].sort((a, b) => compareValues(value(a), value(b))),
  )
  return (scheme) => orders.map((order, at) => `--by-${at}: ${order.indexOf(scheme)}`).join('; ')
}

/** Rules for what is chosen: sorting and filtering are the browser's own, no script is needed. */
export const choiceRules = (document: CompareDocument): string =>
  [
    ...sortings(document).map(
      (_, at) => `main:has(#sort-${at}:checked) table.sortable tbody tr { order: var(--by-${at}) }`,
    ),
    ...filters.map(({ id }) => `main:has(#only-${id}:checked) tr.scheme:not(.is-${id}) { display: none }`),
  ].join('\n')

export const choices = (document: CompareDocument): Markup => html`<div class="choices">
<fieldset class="choice"><legend>Sort by</legend>${sortings(document).map(
  ({ label }, at) =>
    html`<label><input type="radio" name="sort" id="sort-${at}"${at === 0 && html` checked`}>${label}</label>`,
)}</fieldset>
<fieldset class="choice"><legend>Show only those that are or</legend>${filters
  .filter(({ id }) => id !== 'own' || document.schemes.some((scheme) => scheme.builtin === false))
  .map(({ id, label }) => html`<label><input type="checkbox" id="only-${id}">${label}</label>`)}</fieldset></div>`

export function schemesSection(document: CompareDocument): Markup {
  const shown = shownSituations(document)
  const classes = rowClasses(document)
  const rank = ranks(document)
  const heads = [
    'scheme',
    'layouts that fit',
    'answer',
    'bytes on every page',
    ...shown.map((at) => `ns, ${situationLabel(at)}`),
    'largest count',
  ]
  const rows = document.schemes.map((scheme) => ({
    id: idOf('scheme', scheme.name),
    name: scheme.name,
    classes: classes(scheme),
    style: rank(scheme),
    cells: [
      { content: `${fitting(document, scheme)} of ${document.layouts.length}` },
      { content: scheme.answer },
      { content: scheme.bytesPerPage === undefined ? '' : String(scheme.bytesPerPage), number: true },
      ...shown.map((at) => {
        const row = costAt(scheme.cost, at)
        const loop = row?.timesLimit ? html` <small>${digits(row.timesLimit.median)}× its loop</small>` : ''
        return { content: row === undefined ? '' : html`${range(row.nsPerOp)}${loop}` }
      }),
      { content: count(scheme.maxPins), number: true },
    ],
  }))
  const memory = document.schemes.filter((scheme) => scheme.memory)
  return html`<p>A layout fits if every page type of it that can be pinned has room. Costs are of a pin and its unpin:
median and 95 % interval. Where intervals overlap, this measurement tells no difference.</p>
${choices(document)}
${listTable(heads, rows, 'sortable')}
${memory.length > 0 && html`<p class="note">Bytes on every page, pinned or not: ${memory.map((scheme) => `${scheme.name}: ${scheme.memory}`).join('; ')}.</p>`}`
}
