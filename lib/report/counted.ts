import { countersNote, counterTables } from '../compare/counters.ts'
import type { CompareDocument } from '../compare/document.ts'
import { html, type Markup } from './html.ts'
import { idOf, listTable } from './rows.ts'

/** Whether counters were asked for. */
export const hasCounted = ({ schemes }: CompareDocument): boolean =>
  schemes.some(({ counted }) => counted !== undefined && counted.length > 0)

/** What processor and system counted in the loops, a table for each situation. */
export function countedSection(document: CompareDocument): Markup {
  return html`<p>For one pin and its unpin of one thread, in samples of their own. ${countersNote(document)}</p>
${counterTables(document).map(
  ({ at, heads, rows }) =>
    html`<h3>${at}</h3>${listTable(
      ['scheme', ...heads],
      rows.map(({ scheme, cells }) => ({
        id: idOf('counted', at, scheme),
        name: scheme,
        cells: cells.map((content) => ({ content, number: true })),
      })),
      'sortable',
    )}`,
)}`
}
