import { counted } from '../../base/describe.ts'
import type { ReplayResult } from './replayTypes.ts'
import { isAside, noteWords, stepWords } from './timelineWords.ts'

export interface TimelineTextOptions {
  /** Width; 80. */
  columns?: number
  /** Accesses to the sandbox's own books too. */
  all?: boolean
}

/** In a column narrower than this nothing can be read. */
const narrowest = 18
const numberWidth = 5

/** Lines of at most `width`; words that are longer are cut. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (let word of text.split(' ')) {
    const room = (): number => width - (lines.length > 0 || line !== '' ? indent.length : 0)
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    for (; line === '' && word.length > room(); word = word.slice(room()))
      lines.push((lines.length > 0 ? indent : '') + word.slice(0, room()))
    line = line === '' ? (lines.length > 0 ? indent : '') + word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}

interface Line {
  readonly number: string
  readonly thread: string
  readonly sign: string
  readonly text: string
}

function linesOf(result: ReplayResult, all: boolean): Line[] {
  const { steps, notes, broke } = result
  const lines: Line[] = []
  const notesAt = new Map<number, typeof notes>()
  for (const note of notes) notesAt.set(note.at, [...(notesAt.get(note.at) ?? []), note])
  const note = (at: number): void => {
    for (const each of notesAt.get(at) ?? [])
      lines.push({ number: '', thread: each.thread, sign: each.what === 'begins' ? '┌ ' : '└ ', text: noteWords(each) })
  }
  for (const step of steps) {
    note(step.number)
    if (!all && isAside(step) && step.number !== broke) continue
    const mark = step.number === broke ? '✗' : ''
    lines.push({ number: `${mark}${step.number}`, thread: step.thread, sign: '│ ', text: stepWords(step) })
  }
  note(steps.length)
  return lines
}

/** Words above the columns. */
function headOf(result: ReplayResult, columns: number): string[] {
  const { scenario, scheme, layout, rules, quirks, outcome, text, ops, switches, steps, broke } = result
  const of = [
    `'${scenario.name}' with ${scheme} on ${layout}`,
    ...(rules === '' ? [] : [`rules ${rules}`]),
    ...(quirks.length === 0 ? [] : [`quirks ${quirks.join(', ')}`]),
  ].join(', ')
  const where =
    broke === null ? '' : outcome === 'violation' ? ` (✗: the last change of that page)` : ' (✗: the last step)'
  return [
    ...wrapped(of, columns, '  '),
    ...wrapped(`${outcome}${text === '' ? '' : `: ${text}`}${where}`, columns, '  '),
    `${counted(ops, 'operation')}, ${counted(switches, 'switch').replace('switchs', 'switches')}, ${counted(steps.length, 'step')}`,
  ]
}

/** A column a thread, time downwards; fits `columns`. */
export function timelineText(result: ReplayResult, { columns = 80, all = false }: TimelineTextOptions = {}): string {
  const { threads, steps } = result
  const lines = linesOf(result, all)
  const room = columns - numberWidth - 1
  const width = Math.floor(room / threads.length) - 1
  const isNarrow = width < narrowest
  const column = isNarrow ? room - 1 : width
  const rows: string[] = []
  const row = (number: string, at: number, text: string): void => {
    rows.push(`${number.padStart(numberWidth)} ${' '.repeat(at * (column + 1))}${text}`.trimEnd())
  }
  const title = threads.map((name) => name.slice(0, column).padEnd(column)).join(' ')
  rows.push(
    isNarrow
      ? `${' '.repeat(numberWidth)} threads: ${threads.join(', ')}`.slice(0, columns)
      : `${' '.repeat(numberWidth)} ${title}`.trimEnd(),
  )
  for (const { number, thread, sign, text } of lines) {
    const who = isNarrow ? `${thread}: ` : ''
    const at = isNarrow ? 0 : threads.indexOf(thread)
    const indent = sign === '└ ' ? '  ' : '│ '
    for (const [i, part] of wrapped(who + text, column - 2, '  ').entries())
      row(i === 0 ? number : '', at, `${i === 0 ? sign : indent}${part}`)
  }
  const shown = lines.filter(({ number }) => number !== '').length
  const hidden = steps.length - shown
  return [
    ...headOf(result, columns),
    '',
    ...rows,
    ...(hidden > 0 ? ['', `${counted(hidden, 'step')} on the sandbox's own books not shown`] : []),
  ].join('\n')
}
