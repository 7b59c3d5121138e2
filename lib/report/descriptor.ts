import type { CompareDocument, FieldBits, LayoutEntry, SchemeEntry } from '../compare/document.ts'
import { roomCell } from '../compare/verdict.ts'
import { bitsText } from './bits.ts'
import { html, type Markup } from './html.ts'
import { inColumnOrder } from './pageTypes.ts'

type Field = LayoutEntry['fields'][number]

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(3)}%`

/** Where bits lie in a drawn row: bytes ascend to the right, and bits within them. */
function place(at: { offsetBytes: number; shift: number; bits: number }, strideBytes: number): string {
  const total = strideBytes * 8
  const first = at.offsetBytes * 8 + at.shift
  return `left: ${percent(first, total)}; width: ${percent(at.bits, total)}`
}

const fieldTip = (field: Field): string => {
  const last = field.shift + field.bits - 1
  const where = `byte ${field.offsetBytes}, bits ${field.shift}-${last}`
  return `${field.name}: ${field.meaning} (${where})${field.contested ? '; contested: the page type needs it here' : ''}`
}

/** The claims that fall into this descriptor: those on tails are drawn in the tail's own row. */
function claimsIn(scheme: SchemeEntry, layout: string, type: string): { claim: FieldBits; hit: boolean }[] {
  const tail = type === 'tail' ? 1 : type === 'second-tail' ? 2 : 0
  const row = roomCell(scheme, layout, tail === 0 ? type : 'compound-head')
  if (row === undefined || row.cell === 'impossible' || row.cell === 'refused') return []
  const overlaps = (a: FieldBits, b: FieldBits): boolean => {
    const from = (each: FieldBits): number => each.offsetBytes * 8 + each.shift
    return a.tail === b.tail && from(a) < from(b) + b.bits && from(b) < from(a) + a.bits
  }
  return row.claims
    .filter((claim) => claim.tail === tail)
    .map((claim) => ({ claim, hit: row.collisions.some((collision) => overlaps(claim, collision)) }))
}

function drawnRow(document: CompareDocument, layout: LayoutEntry, type: string): Markup {
  const fields = layout.fields.filter((field) => field.types.includes(type))
  return html`<div class="word-row"><div class="word-type">${type}</div><div class="words">${fields.map(
    (field) =>
      html`<div class="field kind-${field.kind}${field.contested ? ' contested' : ''}${field.bits <= 32 ? ' narrow' : ''}${field.bits < 16 ? ' tiny' : ''}" style="${place(field, layout.strideBytes)}" tabindex="0" data-tip="${fieldTip(field)}"><span data-byte="${field.offsetBytes}">${field.name}</span></div>`,
  )}${document.schemes.flatMap((scheme) =>
    claimsIn(scheme, layout.name, type).map(
      ({ claim, hit }) =>
        html`<div class="claim claim-${scheme.name}${hit ? ' hit' : ''}" style="${place(claim, layout.strideBytes)}" title="${scheme.name} claims ${claim.field}" data-claim="claims ${bitsText(claim)}${hit && ', which is live'}"></div>`,
    ),
  )}</div></div>`
}

function ruler(layout: LayoutEntry): Markup {
  const offsets: number[] = []
  for (let at = 0; at < layout.strideBytes; at += layout.wordBytes) offsets.push(at)
  return html`<div class="word-row ruler"><div class="word-type">byte</div><div class="words">${offsets.map(
    (at) => html`<span style="left: ${percent(at, layout.strideBytes)}">${at}</span>`,
  )}</div></div>`
}

const drawn = (document: CompareDocument, layout: LayoutEntry): Markup =>
  html`<div class="scroll"><div class="descriptor">${ruler(layout)}${inColumnOrder(layout.types).map((type) =>
    drawnRow(document, layout, type),
  )}</div></div>`

/** Names become part of a class name here, so only plain ones can be chosen. */
const choosable = (scheme: SchemeEntry): boolean => /^[\w-]+$/.test(scheme.name)

export function descriptorSection(document: CompareDocument): Markup {
  const schemes = document.schemes.filter(choosable)
  // The layout whose costs are shown; if it is not drawn, the first.
  const all = document.layouts.map((layout) => layout.name)
  const opened = all.includes(document.settings.costLayout) ? document.settings.costLayout : all[0]
  const first = schemes.find((scheme) => scheme.name === 'lru-overlay') ?? schemes[0]
  return html`<p>Each row is the descriptor of one page type, as wide as its bytes. The stripe below the fields
is what the chosen scheme claims: <span class="key-claim"></span> free bits, <span class="key-claim hit"></span> bits of a
live field.</p>
<fieldset class="choice"><legend>Show the claims of</legend>${schemes.map(
    (scheme) =>
      html`<label><input type="radio" name="scheme" id="show-${scheme.name}"${scheme === first && html` checked`}>${scheme.name}</label>`,
  )}</fieldset>
${document.layouts.map(
  (layout) =>
    html`<details class="layout"${layout.name === opened && html` open`}><summary><b>${layout.name}</b>, ${layout.strideBytes} bytes</summary>${drawn(document, layout)}</details>`,
)}`
}

/** Shows the stripes of the scheme whose button is on: no script needed. */
export const claimRules = (document: CompareDocument): string =>
  document.schemes
    .filter(choosable)
    .map(({ name }) => `main:has(#show-${name}:checked) .claim-${name} { display: block }`)
    .join('\n')
