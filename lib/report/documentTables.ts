import { html, type Markup } from './html.ts'

type Scalar = string | number | boolean | null

const isScalar = (value: unknown): value is Scalar =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Longer ones make a table that nobody reads; they stand in the JSON. */
const longestCell = 32
const mostColumns = 12
const mostRows = 200

/** `shortestSteps` as a heading. */
const heading = (key: string): string =>
  key.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  // Years stay as they are.
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toPrecision(3)
  if (typeof value === 'number') return Math.abs(value) < 10_000 ? `${value}` : value.toLocaleString('en')
  return String(value)
}

function columnsOf(rows: readonly Record<string, unknown>[]): string[] {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const isText = (key: string): boolean => rows.some((row) => typeof row[key] === 'string')
  const fits = (key: string): boolean =>
    rows.every((row) => row[key] === undefined || (isScalar(row[key]) && cell(row[key]).length <= longestCell)) &&
    rows.some((row) => row[key] !== undefined && row[key] !== null)
  // A word that stands in every row says nothing; a number or a yes does.
  const says = (key: string): boolean =>
    rows.length === 1 || !isText(key) || new Set(rows.map((row) => row[key])).size > 1
  // The first text says which row it is, however long.
  const name = keys.find((key) => rows.every((row) => typeof row[key] === 'string'))
  const shown = keys.filter((key) => key !== name && fits(key) && says(key))
  const numbers = shown.filter((key) => !isText(key))
  const texts = shown.filter(isText).slice(0, Math.max(0, mostColumns - numbers.length - 1))
  const kept = shown.filter((key) => texts.includes(key) || numbers.includes(key))
  return [...(name === undefined ? [] : [name]), ...kept].slice(0, mostColumns)
}

function table(name: string, rows: readonly Record<string, unknown>[]): Markup | false {
  const columns = columnsOf(rows)
  const [first, ...others] = columns
  if (first === undefined) return false
  const isNumber = (key: string): boolean => rows.some((row) => typeof row[key] === 'number')
  return html`<h3>${heading(name)}</h3>
<table class="list"><thead><tr>${columns.map((key) => html`<th>${heading(key)}</th>`)}</tr></thead><tbody>${rows
    .slice(0, mostRows)
    .map(
      (row) =>
        html`<tr><th>${cell(row[first])}</th>${others.map(
          (key) =>
            html`<td${isNumber(key) && html` class="number"`} data-head="${heading(key)}">${cell(row[key])}</td>`,
        )}</tr>`,
    )}</tbody></table>${rows.length > mostRows && html`<p class="note">${rows.length - mostRows} more stand in the JSON.</p>`}`
}

/** What a command prints as JSON, for people: its numbers, and its lists as tables. `without`: what is shown elsewhere. */
export function documentTables(document: unknown, without: readonly string[] = []): Markup {
  if (!isRecord(document)) return html`<p>Nothing yet.</p>`
  const shown = Object.entries(document).filter(([key]) => !without.includes(key))
  const facts = shown.filter(([, value]) => isScalar(value) && value !== null)
  const lists = shown.flatMap(([key, value]) => {
    if (!Array.isArray(value) || value.length === 0 || !value.every(isRecord)) return []
    const made = table(key, value)
    return made === false ? [] : [made]
  })
  return html`${facts.length > 0 && html`<dl class="facts">${facts.map(([key, value]) => html`<div><dt>${heading(key)}</dt><dd>${cell(value)}</dd></div>`)}</dl>`}${lists}`
}
