import { baselineSummary, type BaselineReport } from '../compare/baseline.ts'
import { type CompareDocument, cells, type LayoutEntry, type SchemeEntry } from '../compare/document.ts'
import { bytes, count, digits, range } from '../compare/format.ts'
import { countersNote, counterTables } from '../compare/counters.ts'
import { contentionNote, machineWarnings, processorText } from '../compare/machine.ts'
import { costAt, situationLabel, situations } from '../compare/situation.ts'
import { workingSetsText } from '../compare/workingSets.ts'
import { contestedText, pinnable, refusals, roomCell, summaryCell, verdict } from '../compare/verdict.ts'
import { bitsText } from './bits.ts'
import { inColumnOrder, shortPageType } from './pageTypes.ts'
import { meanings, symbols } from './symbols.ts'

// Signs that mean something within a line, and those that would begin something at its start.
const within = /[\\`*_[\]<>|~&#]/g
const controls = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/** Text that is a name or a sentence of somebody else's: it stays text, in one line. */
export const markdownText = (text: string): string =>
  text
    .replace(controls, ' ')
    .replace(within, '\\$&')
    .replace(/^(\s*)([-+=])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])/, '$1\\$2')

const row = (cellTexts: readonly string[]): string => `| ${cellTexts.join(' | ')} |`

function grid(heads: readonly string[], rows: readonly (readonly string[])[], numbers = true): string {
  const line = heads.map((_, at) => (at > 0 && numbers ? '--:' : '---'))
  return [row(heads.map(markdownText)), row(line), ...rows.map((each) => row(each.map(markdownText)))].join('\n')
}

function overview(document: CompareDocument): string {
  return grid(
    ['scheme', 'bytes/page', ...document.layouts.map(({ name }) => name)],
    document.schemes.map((scheme) => [
      scheme.name,
      `${scheme.bytesPerPage ?? ''}`,
      ...document.layouts.map((layout) => {
        const types = layout.types.filter(pinnable)
        const found = verdict(scheme, layout.name, types)
        return `${symbols[summaryCell(found)]} ${found.fits.length}/${types.length}`
      }),
    ]),
  )
}

function matrix(document: CompareDocument, layout: LayoutEntry): string {
  const types = inColumnOrder(layout.types)
  return grid(
    ['scheme', ...types.map(shortPageType)],
    document.schemes.map((scheme) => [
      scheme.name,
      ...types.map((type) => symbols[roomCell(scheme, layout.name, type)?.cell ?? 'impossible']),
    ]),
    false,
  )
}

function hits(document: CompareDocument, layout: LayoutEntry): string {
  const lines = document.schemes.flatMap((scheme) => {
    const byFields = new Map<string, string[]>()
    for (const type of inColumnOrder(layout.types)) {
      const cell = roomCell(scheme, layout.name, type)
      if (cell?.cell !== 'collides') continue
      const fields = cell.collisions.map(bitsText).join('; ')
      byFields.set(fields, [...(byFields.get(fields) ?? []), type])
    }
    const line = (types: readonly string[], text: string): string =>
      `- **${markdownText(scheme.name)}** on ${markdownText(types.join(', '))}: ${markdownText(text)}`
    return [
      ...[...byFields].map(([fields, types]) => line(types, fields)),
      ...refusals(scheme, layout).map(({ reason, types }) => line(types, `refused: ${reason}`)),
    ]
  })
  return lines.length === 0 ? 'Nothing collides in this layout.' : lines.join('\n')
}

function costs(document: CompareDocument): string {
  const shown = situations(document)
  if (shown.length === 0) return 'No costs were measured.'
  const cell = (scheme: SchemeEntry, at: (typeof shown)[number]): string => {
    const cost = costAt(scheme.cost, at)
    if (cost === undefined) return ''
    return range(cost.nsPerOp) + (cost.timesLimit === null ? '' : `, ${digits(cost.timesLimit.median)}×`)
  }
  return grid(
    ['scheme', ...shown.map(situationLabel)],
    document.schemes
      .filter(({ cost }) => cost.length > 0)
      .map((scheme) => [scheme.name, ...shown.map((at) => cell(scheme, at))]),
  )
}

function counted(document: CompareDocument): string[] {
  const tables = counterTables(document).flatMap(({ at, heads, rows }) => [
    `### Counted a pair, ${markdownText(at)}`,
    grid(
      ['scheme', ...heads],
      rows.map(({ scheme, cells }) => [scheme, ...cells]),
    ),
  ])
  return [...tables, markdownText(countersNote(document))].filter((part) => part !== '')
}

const limits = (document: CompareDocument): string =>
  grid(
    ['scheme', 'where', 'count bits', 'answer', 'largest count', 'bytes/page', 'false positives', 'locks'],
    document.schemes.map((scheme) => [
      scheme.name,
      scheme.where,
      String(scheme.bits),
      scheme.answer,
      count(scheme.maxPins),
      `${scheme.bytesPerPage ?? ''}`,
      scheme.falsePositives || 'none',
      scheme.locks || 'none',
    ]),
    false,
  )

/** Longer than any fence inside it. */
const fenced = (text: string, language = ''): string => {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}

function definitions(document: CompareDocument): string[] {
  const own = document.schemes.filter(({ definition }) => definition)
  if (own.length === 0) return []
  return ['## Own schemes', ...own.map(({ definition }) => fenced(JSON.stringify(definition, null, 2), 'json'))]
}

function baseline(report: BaselineReport): string[] {
  const changed = report.differences.filter(({ verdict: found }) => found !== 'same')
  const rows = changed.map(({ scheme, ledger, row: now, before, ratio, verdict: found }) => [
    scheme,
    situationLabel({ ...now }),
    ledger ? `${now.op}, ledger` : now.op,
    digits(before.nsPerOp.median),
    digits(now.nsPerOp.median),
    range(ratio),
    found,
  ])
  const rooms = report.roomChanges.map(
    (each) =>
      `- ${markdownText(`${each.scheme}, ${each.layout}, ${each.pageType} order ${each.order}: ${each.before} then, ${each.now} now`)}`,
  )
  const heads = ['scheme', 'where', 'op', 'then ns', 'now ns', 'by its loop, now/then', 'verdict']
  return [
    '## Against the baseline',
    ...report.machineDiffers.map(({ fact, before, now }) =>
      markdownText(`The machine differs in ${fact}: ${before} then, ${now} now.`),
    ),
    ...report.warnings.map(markdownText),
    markdownText(baselineSummary(report)),
    ...(rows.length > 0 ? [grid(heads, rows)] : []),
    ...(rooms.length > 0 ? [rooms.join('\n')] : []),
  ]
}

/** The comparison as GitHub-flavoured Markdown, for an issue, a merge request or a wiki. */
export function reportMarkdown(document: CompareDocument, report?: BaselineReport): string {
  const { machine, settings } = document
  const facts = `${processorText(machine)}, ${bytes(machine.lastLevelCacheBytes)} last-level cache, ${machine.kernel}, Node ${machine.node}; pagebox ${document.pagebox}, ${document.date}, ${settings.effort} run of ${document.elapsedSeconds.toFixed(0)} s, seed ${settings.seed}.`
  const notes = [...machineWarnings(machine), contentionNote(machine), workingSetsText(document)].filter(
    (text) => text !== '',
  )
  const legend = cells.map((cell) => `${symbols[cell]} ${meanings[cell]}`).join(', ')
  return `${[
    '# pagebox compare: where a pin count fits',
    `**${markdownText(document.answer)}**`,
    ...(document.complete ? [] : ['This run was interrupted; what it had measured until then is shown.']),
    ...(document.command ? [fenced(`$ ${document.command.replace(controls, ' ')}`, 'console')] : []),
    markdownText(facts),
    ...notes.map(markdownText),
    ...(report === undefined ? [] : baseline(report)),
    '## Which scheme fits where',
    `Page types that fit, of those that can be pinned; ${legend}.`,
    overview(document),
    ...document.layouts
      .map(contestedText)
      .filter((text) => text !== '')
      .map(markdownText),
    ...document.layouts.flatMap((layout) => [
      `### ${markdownText(layout.name)}`,
      markdownText(
        `${layout.summary}; ${layout.strideBytes} bytes, ${layout.freeFlagBits} free flag bits (${layout.kconfig}).`,
      ),
      matrix(document, layout),
      hits(document, layout),
    ]),
    '## What a pin costs',
    markdownText(
      `Nanoseconds of one thread for a pin and its unpin on anonymous pages of ${settings.costLayout}: median, 95 % interval, times the hand-written loop.`,
    ),
    costs(document),
    ...counted(document),
    '## Limits',
    limits(document),
    ...definitions(document),
  ].join('\n\n')}\n`
}
