import { stripVTControlCharacters } from 'node:util'
import Table from 'cli-table3'

const none = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}

export interface Column {
  head: string
  align?: 'left' | 'right' | 'center'
  width?: number
}

export interface TableOptions {
  /** Spaces between two columns; 2. */
  gap?: number
  /** What the table must fit into: texts are broken, then columns go below the others. */
  columns?: number
}

/** As a terminal shows it. */
const widthOf = (line: string): number => [...stripVTControlCharacters(line)].length

const widest = (text: string): number => Math.max(0, ...text.split('\n').map(widthOf))

/** Narrower than this a text is no longer read. */
const narrowest = 12

/** The widths that columns take by themselves, the space behind them not counted. */
const naturalWidths = (columns: readonly Column[], rows: readonly (readonly string[])[], gap: number): number[] =>
  columns.map((column, at) =>
    Math.max(
      column.width === undefined ? 0 : column.width - gap,
      widest(column.head),
      ...rows.map((row) => widest(row[at] ?? '')),
    ),
  )

const isText = (column: Column): boolean => (column.align ?? 'left') === 'left'

/** Takes from the widest texts until all fits, as far as their longest words let it. */
function shrink(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  widths: number[],
  excess: number,
): void {
  const least = columns.map((column, at) => {
    const cells = [column.head, ...rows.map((row) => row[at] ?? '')]
    const words = cells.flatMap((cell) => cell.split(/\s+/)).map(widthOf)
    return Math.max(narrowest, ...words)
  })
  for (let left = excess; left > 0; left--) {
    let best = -1
    for (const [at, column] of columns.entries()) {
      if (at === 0 || !isText(column) || (widths[at] as number) <= (least[at] as number)) continue
      if (best < 0 || (widths[at] as number) > (widths[best] as number)) best = at
    }
    if (best < 0) return
    widths[best] = (widths[best] as number) - 1
  }
}

/** Which columns stand beside each other: the first in each part, since it names the row. */
function parts(widths: readonly number[], gap: number, most: number): number[][] {
  const found: number[][] = []
  let at: number[] = []
  let used = 0
  for (let column = 1; column < widths.length; column++) {
    const width = gap + (widths[column] as number)
    if (at.length > 0 && (widths[0] as number) + used + width > most) {
      found.push(at)
      at = []
      used = 0
    }
    at.push(column)
    used += width
  }
  return [...found, at].map((columns) => [0, ...columns])
}

function draw(columns: readonly Column[], rows: readonly (readonly string[])[], gap: number): string {
  const drawn = new Table({
    head: columns.map((column) => column.head),
    chars: none,
    style: { 'padding-left': 0, 'padding-right': gap, head: [], border: [], compact: true },
    colAligns: columns.map((column) => column.align ?? 'left'),
    colWidths: columns.map((column) => column.width ?? null),
    wordWrap: true,
    wrapOnWordBoundary: true,
  })
  for (const row of rows) drawn.push([...row])
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** A table without lines: what is aligned needs no frame. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { gap = 2, columns: most = Number.POSITIVE_INFINITY }: TableOptions = {},
): string {
  const widths = naturalWidths(columns, rows, gap)
  const total = (): number => widths.reduce((sum, width) => sum + width, 0) + gap * (columns.length - 1)
  if (total() <= most || columns.length < 2) return draw(columns, rows, gap)
  const narrow = [...widths]
  shrink(columns, rows, narrow, total() - most)
  const fits = narrow.reduce((sum, width) => sum + width, 0) + gap * (columns.length - 1) <= most
  if (fits || columns.length === 2) {
    const cell = (text: string, at: number): string =>
      narrow[at] === widths[at] ? text : wrap(text.replaceAll('\n', ' '), narrow[at] as number)
    const heads = columns.map((column, at) => ({
      ...column,
      head: cell(column.head, at),
      width: narrow[at] === widths[at] ? column.width : undefined,
    }))
    const wrapped = rows.map((row) => row.map(cell))
    return draw(heads, wrapped, gap)
  }
  return parts(widths, gap, most)
    .map((part) => {
      const own = part.map((at) => columns[at] as Column)
      const cells = rows.map((row) => part.map((at) => row[at] ?? ''))
      return table(own, cells, { gap, columns: most })
    })
    .join('\n\n')
}

/** Breaks prose at spaces. */
export function wrap(text: string, columns: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join('\n')
}
