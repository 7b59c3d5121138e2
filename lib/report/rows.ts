import type { CompareDocument, SchemeEntry } from '../compare/document.ts'
import { fitsEverywhere } from '../compare/verdict.ts'
import { html, type Markup } from './html.ts'

/** An id out of names that may be anything: whatever is not plain becomes a number. */
export const idOf = (...names: readonly string[]): string =>
  names.map((name) => name.replace(/[^\w-]/g, (sign) => `_${sign.codePointAt(0)?.toString(16)}`)).join('-')

/** The first cell of a row: its name, and a link to send. */
export const rowHead = (id: string, name: string): Markup =>
  html`<th scope="row"><a class="anchor" href="#${id}" title="link to this row" aria-label="link to ${name}"></a>${name}</th>`

/** What rows can be filtered by, wherever a scheme has one. */
export const filters = [
  { id: 'exact', label: 'exact' },
  { id: 'fits', label: 'fit everywhere' },
  { id: 'frugal', label: 'need no memory beside the descriptor' },
  { id: 'own', label: 'own schemes' },
] as const

/** Classes of each scheme's rows. */
export function rowClasses(document: CompareDocument): (scheme: SchemeEntry) => string {
  const everywhere = new Set(fitsEverywhere(document))
  return (scheme) =>
    [
      'scheme',
      ...(scheme.exact ? ['exact'] : []),
      ...(everywhere.has(scheme) ? ['fits'] : []),
      ...((scheme.bytesPerPage ?? 0) === 0 ? ['frugal'] : []),
      ...(scheme.builtin === false ? ['own'] : []),
    ]
      .map((name) => (name === 'scheme' ? name : `is-${name}`))
      .join(' ')
}

/** One cell of a list: a number keeps its line. */
export interface ListCell {
  content: Markup | string
  number?: boolean
}

export interface ListRow {
  id: string
  name: string
  classes?: string
  style?: string
  cells: readonly ListCell[]
}

/** A table that is a list of cards on a narrow screen: each cell carries its heading. */
export function listTable(heads: readonly string[], rows: readonly ListRow[], classes = ''): Markup {
  return html`<div class="scroll"><table class="list ${classes}" style="--columns: ${heads.length}"><thead><tr>${heads.map(
    (head) => html`<th scope="col">${head}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr id="${row.id}" class="${row.classes ?? ''}" style="${row.style ?? ''}">${rowHead(row.id, row.name)}${row.cells.map(
        ({ content, number }, at) =>
          html`<td data-head="${heads[at + 1] ?? ''}"${number && html` class="number"`}>${content}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`
}
