import { counted } from '../../base/describe.ts'
import type { CompareDocument } from '../../compare/document.ts'
import { bytes } from '../../compare/format.ts'
import { machineWarnings, processorText } from '../../compare/machine.ts'
import type { Io } from '../io.ts'
import { costTable, limitsText } from './cost.ts'
import { countersText } from './counters.ts'
import { foreign } from './foreign.ts'
import { layoutRoomText, overviewText } from './room.ts'
import { wrap } from './table.ts'

export { baselineText } from './baseline.ts'

function disagreementsText(document: CompareDocument, io: Io): string {
  if (document.disagreements.length === 0) return ''
  return [
    io.colours.red(
      `Table and probe differ in ${counted(document.disagreements.length, 'cell')}, which is a bug of pagebox:`,
    ),
    ...document.disagreements
      .slice(0, 20)
      .flatMap((each) => [
        `  ${each.scheme}, ${each.layout}, ${each.pageType} order ${each.order}`,
        `    table:  ${each.table}`,
        `    probe:  ${each.probe}`,
      ]),
  ].join('\n')
}

/** Layouts that are shown cell by cell: the thread's start and today's, or those asked for. */
export function detailedLayouts({ layouts }: { layouts: readonly { name: string }[] }, asked: boolean): string[] {
  const all = layouts.map((layout) => layout.name)
  return asked ? all : all.filter((name) => name === 'linux-4.20' || name === 'linux-6.12')
}

/** Texts of a document may be somebody else's: a terminal must not obey them. */
export const printable = (document: CompareDocument): CompareDocument =>
  JSON.parse(JSON.stringify(document), (_key, value: unknown) => (typeof value === 'string' ? foreign(value) : value))

/** Where it was measured. */
export function machineText(document: CompareDocument, io: Io): string {
  const { machine } = document
  const warnings = machineWarnings(machine)
  const facts = `${processorText(machine)}, ${bytes(machine.lastLevelCacheBytes)} last-level cache, ${machine.kernel}, Node ${machine.node}`
  return [wrap(facts, io.columns), ...warnings.map((text) => io.colours.yellow(wrap(text, io.columns)))].join('\n')
}

/** JSON in one line that can be broken between any two of its parts. */
const spaced = (value: unknown): string => JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, ' ')

/** What each own scheme is: fields as they were declared. */
export function definitionsText(document: CompareDocument, io: Io): string {
  const own = document.schemes.filter(({ definition }) => definition)
  if (own.length === 0) return ''
  const lines = own.map(({ definition }) => {
    const fields = Object.entries(definition ?? {}).map(([key, value]) =>
      key === 'name' ? `${value}:` : `${key} ${typeof value === 'string' ? value : spaced(value)},`,
    )
    return wrap(`  ${fields.join(' ').replace(/,$/, '')}`, io.columns - 4).replaceAll('\n', '\n    ')
  })
  return [io.colours.bold('Own schemes'), ...lines.map((line) => `  ${line.trimStart()}`)].join('\n')
}

/** The end of the comparison, when everything is measured: costs, limits and the answer. */
export function resultText(document: CompareDocument, io: Io): string {
  const parts = [
    disagreementsText(document, io),
    costTable(document, io),
    countersText(document, io),
    limitsText(document, io),
    definitionsText(document, io),
    document.complete ? '' : io.colours.yellow('Interrupted: this is what was measured until then.'),
    wrap(document.answer, Math.min(io.columns, 100)),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** One layout cell by cell. */
export function layoutText(document: CompareDocument, name: string, io: Io): string {
  const layout = document.layouts.find((each) => each.name === name)
  return layout === undefined ? '' : layoutRoomText(document, layout, io)
}

/** The comparison for a terminal, or for whatever else is `io.columns` wide. */
export function compareText(given: CompareDocument, detailed: readonly string[], io: Io): string {
  const document = printable(given)
  const parts = [
    machineText(document, io),
    ...detailed.map((layout) => layoutText(document, layout, io)),
    overviewText(document, io),
    resultText(document, io),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}
