import pc from 'picocolors'
import type { BaselineReport } from '../../compare/baseline.ts'
import type { CompareDocument } from '../../compare/document.ts'
import type { Io } from '../io.ts'
import { baselineText } from './baseline.ts'
import { compareText, printable } from './compare.ts'
import { wrap } from './table.ts'

/** What a mailing list takes: quoted a few times, a line still fits 80 columns. */
const mailColumns = 72

/** The comparison as plain text for a mail, with the command that made it. */
export function mailText(
  document: CompareDocument,
  detailed: readonly string[],
  report: BaselineReport | undefined,
): string {
  const io = { columns: mailColumns, colours: pc.createColors(false) } as Io
  const { command, pagebox, date } = printable(document)
  const parts = [
    `pagebox ${pagebox}, ${date}`,
    command ? `$ ${wrap(command, mailColumns - 4).replaceAll('\n', ' \\\n    ')}` : '',
    compareText(document, detailed, io).trimEnd(),
    report === undefined ? '' : baselineText(report, io).trimEnd(),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}
