import { countersNote, counterTables } from '../../compare/counters.ts'
import type { CompareDocument } from '../../compare/document.ts'
import type { Io } from '../io.ts'
import { table, wrap } from './table.ts'

/** What was counted, a table for each situation; empty if nothing was asked for. */
export function countersText(document: CompareDocument, io: Io): string {
  const tables = counterTables(document).map(({ at, heads, rows }) => {
    const columns = [{ head: 'scheme', width: 18 }, ...heads.map((head) => ({ head, align: 'right' as const }))]
    const lines = rows.map(({ scheme, cells }) => [scheme, ...cells])
    return `${io.colours.bold(`Counted a pair, ${at}`)}\n${table(columns, lines, { columns: io.columns })}`
  })
  return [...tables, wrap(countersNote(document), io.columns)].filter((part) => part !== '').join('\n\n')
}
