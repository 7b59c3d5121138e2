import type { CompareDocument, FieldBits } from './document.ts'

const columns = [
  'kind',
  'scheme',
  'layout',
  'pageType',
  'order',
  'cell',
  'fields',
  'pattern',
  'workingSetBytes',
  'threads',
  'op',
  'median',
  'low',
  'high',
  'timesLimit',
  'bytesPerPage',
] as const

type Row = Partial<Record<(typeof columns)[number], string | number>>

/** RFC 4180, and no field that a spreadsheet would run as a formula. */
function csvField(value: string | number | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const tame = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame
}

const fieldNames = (places: readonly FieldBits[]): string => [...new Set(places.map(({ field }) => field))].join(' ')

/** All rooms, probes and costs as one table, a line each, `kind` first. */
export function toCsv(document: CompareDocument): string {
  const rows: Row[] = []
  for (const scheme of document.schemes) {
    const name = scheme.name
    for (const { layout, pageType, order, cell, collisions } of scheme.room) {
      rows.push({ kind: 'room', scheme: name, layout, pageType, order, cell, fields: fieldNames(collisions) })
    }
    for (const { layout, pageType, order, cell, damaged } of scheme.probe) {
      rows.push({ kind: 'probe', scheme: name, layout, pageType, order, cell, fields: fieldNames(damaged) })
    }
    for (const [kind, costs] of [
      ['cost', scheme.cost],
      ['ledger', scheme.ledger],
    ] as const) {
      for (const { nsPerOp, timesLimit, rounds: _, ...at } of costs) {
        rows.push({
          kind,
          scheme: name,
          bytesPerPage: scheme.bytesPerPage,
          ...at,
          ...nsPerOp,
          ...(timesLimit && { timesLimit: timesLimit.median }),
        })
      }
    }
  }
  for (const { nsPerOp, rounds: _, ...at } of document.limit) rows.push({ kind: 'limit', ...at, ...nsPerOp })
  for (const { nsPerOp, variant, rounds: _, timesPureJs: __, ...at } of document.pureJs) {
    rows.push({ kind: `javascript: ${variant}`, ...at, ...nsPerOp })
  }
  const lines = rows.map((row) => columns.map((column) => csvField(row[column])).join(','))
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`
}
