import type { CompareDocument, LayoutEntry, RoomRow, SchemeEntry } from '../compare/document.ts'
import { counted } from '../base/describe.ts'
import { cells } from '../compare/document.ts'
import {
  contestedFields,
  contestedText,
  pinnable,
  refusals,
  roomCell,
  summaryCell,
  verdict,
} from '../compare/verdict.ts'
import { bitsText } from './bits.ts'
import { html, type Markup } from './html.ts'
import { inColumnOrder, shortPageType } from './pageTypes.ts'
import { idOf, rowClasses, rowHead } from './rows.ts'
import { meanings, symbols } from './symbols.ts'

const orderText = (row: RoomRow): string => (row.order === 0 ? '' : `, order ${row.order}`)

export function cellTip(scheme: string, row: RoomRow): string {
  const what = `${scheme} on ${row.pageType}${orderText(row)}: ${meanings[row.cell]}`
  if (row.cell === 'collides') return `${what} with ${row.collisions.map(bitsText).join('; ')}`
  return row.reason === '' ? what : `${what}: ${row.reason}`
}

function cellMarkup(scheme: SchemeEntry, layout: string, type: string): Markup {
  const row = roomCell(scheme, layout, type)
  if (row === undefined) return html`<td class="impossible">${symbols.impossible}</td>`
  if (row.cell === 'impossible') {
    return html`<td class="impossible" title="${type} does not exist here">${symbols.impossible}</td>`
  }
  const tip = cellTip(scheme.name, row)
  return html`<td class="${row.cell}" tabindex="0" data-tip="${tip}" aria-label="${tip}">${symbols[row.cell]}</td>`
}

function layoutMatrix(document: CompareDocument, layout: LayoutEntry): Markup {
  const types = inColumnOrder(layout.types)
  const classes = rowClasses(document)
  return html`<div class="scroll"><table class="matrix cells">
<thead><tr><th scope="col">scheme</th>${types.map(
    (type) => html`<th scope="col" title="${type}"><abbr title="${type}">${shortPageType(type)}</abbr></th>`,
  )}</tr></thead>
<tbody>${document.schemes.map(
    (scheme) =>
      html`<tr id="${idOf('room', layout.name, scheme.name)}" class="${classes(scheme)}">${rowHead(idOf('room', layout.name, scheme.name), scheme.name)}${types.map((type) => cellMarkup(scheme, layout.name, type))}</tr>`,
  )}</tbody></table></div>`
}

function collisionList(document: CompareDocument, layout: LayoutEntry): Markup {
  const lines: Markup[] = []
  for (const scheme of document.schemes) {
    const byFields = new Map<string, string[]>()
    for (const type of inColumnOrder(layout.types)) {
      const row = roomCell(scheme, layout.name, type)
      if (row?.cell !== 'collides') continue
      const fields = row.collisions.map(bitsText).join('; ')
      byFields.set(fields, [...(byFields.get(fields) ?? []), type])
    }
    for (const [fields, types] of byFields) {
      lines.push(html`<li><b>${scheme.name}</b> on ${types.join(', ')}: ${fields}</li>`)
    }
    for (const { reason, types } of refusals(scheme, layout))
      lines.push(html`<li><b>${scheme.name}</b> on ${types.join(', ')}: refused: ${reason}</li>`)
  }
  if (lines.length === 0) return html`<p>Nothing collides in this layout.</p>`
  return html`<details><summary>What collides, bit by bit, and what is refused (${lines.length})</summary><ul>${lines}</ul></details>`
}

/** How many page types fit, a column each layout: all matrices in one. */
function overview(document: CompareDocument): Markup {
  const classes = rowClasses(document)
  return html`<div class="scroll"><table class="matrix overview">
<thead><tr><th scope="col">scheme</th>${document.layouts.map(
    (layout) =>
      html`<th scope="col"><a href="#${idOf('room', layout.name)}">${layout.name.replace(/^linux-/, '')}${contestedFields(layout).size > 0 && '*'}</a></th>`,
  )}</tr></thead>
<tbody>${document.schemes.map(
    (scheme) =>
      html`<tr id="${idOf('fits', scheme.name)}" class="${classes(scheme)}">${rowHead(idOf('fits', scheme.name), scheme.name)}${document.layouts.map(
        (layout) => {
          const types = layout.types.filter(pinnable)
          const found = verdict(scheme, layout.name, types)
          const { fits, collides, refused, hitFields } = found
          const tip = [
            `${scheme.name} in ${layout.name}: fits ${fits.length} of ${types.length} page types`,
            ...(collides.length > 0 ? [`hits ${hitFields.join(', ')} on ${collides.join(', ')}`] : []),
            ...(refused.length > 0 ? [`is refused on ${refused.join(', ')}`] : []),
          ].join('; ')
          const cell = summaryCell(found)
          return html`<td class="${cell}" tabindex="0" data-tip="${tip}" aria-label="${tip}">${symbols[cell]} <span>${fits.length}/${types.length}</span></td>`
        },
      )}</tr>`,
  )}</tbody></table></div>`
}

/** Layouts that stand open: where the thread began, and today. The others are a click away. */
const opened = ['linux-4.20', 'linux-6.12']

function layoutBlock(document: CompareDocument, layout: LayoutEntry): Markup {
  const open = document.layouts.length <= 2 || opened.includes(layout.name)
  return html`<details class="layout" id="${idOf('room', layout.name)}"${open && html` open`}><summary><b>${layout.name}</b></summary>
<p class="note">${layout.summary}; ${layout.strideBytes} bytes; ${layout.freeFlagBits} free flag bits (${layout.kconfig}).</p>
${layoutMatrix(document, layout)}${collisionList(document, layout)}</details>`
}

const legend = html`<ul class="legend">${cells.map(
  (cell) => html`<li><span class="key ${cell}">${symbols[cell]}</span>${meanings[cell]}</li>`,
)}</ul>`

export function roomSection(document: CompareDocument): Markup {
  const disagreements = document.disagreements.length
  return html`<p>For each scheme and page type: do the bits that the scheme claims belong to a live field?
Derived from the layout's table and probed in memory by filling, pinning and reading back; ${
    disagreements === 0
      ? html`table and probe agree in every cell.`
      : html`<strong class="bad">they disagree in ${counted(disagreements, 'cell')}, which is a bug of pagebox.</strong>`
  } Point at a cell, or tap it, for the bits.</p>
${legend}
<h3>Page types that fit, of those that can be pinned</h3>
${overview(document)}
${document.layouts
  .map(contestedText)
  .filter((text) => text !== '')
  .map((text) => html`<p class="note">* ${text}</p>`)}
<h3>Cell by cell</h3>
${document.layouts.map((layout) => layoutBlock(document, layout))}`
}
