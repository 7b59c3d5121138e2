import { stripVTControlCharacters } from 'node:util'
import type { Cell, CompareDocument, LayoutEntry } from '../../compare/document.ts'
import { cells } from '../../compare/document.ts'
import {
  contestedFields,
  contestedText,
  pinnable,
  refusals,
  roomCell,
  summaryCell,
  verdict,
} from '../../compare/verdict.ts'
import { inColumnOrder, shortPageType } from '../../report/pageTypes.ts'
import { meanings, symbols } from '../../report/symbols.ts'
import type { Io } from '../io.ts'
import { table, wrap } from './table.ts'

type Paint = Record<Cell, (text: string) => string>

const painter = ({ colours }: Io): Paint => ({
  fits: colours.green,
  collides: colours.red,
  refused: colours.yellow,
  impossible: colours.dim,
})

const legend = (paint: Paint, columns: number): string => {
  const lines: string[] = []
  for (const cell of cells) {
    const sign = `${paint[cell](symbols[cell])} ${meanings[cell]}`
    const joined = `${lines.at(-1)}   ${sign}`
    if (lines.length > 0 && stripVTControlCharacters(joined).length <= columns) lines[lines.length - 1] = joined
    else lines.push(sign)
  }
  return lines.join('\n')
}

function matrix(document: CompareDocument, layout: LayoutEntry, paint: Paint, columns: number): string {
  const types = inColumnOrder(layout.types)
  return table(
    [
      { head: 'scheme', width: 18 },
      ...types.map((type) => ({ head: shortPageType(type), align: 'center' as const, width: 5 })),
    ],
    document.schemes.map((scheme) => [
      scheme.name,
      ...types.map((type) => {
        const cell = roomCell(scheme, layout.name, type)?.cell ?? 'impossible'
        return paint[cell](symbols[cell])
      }),
    ]),
    { gap: 1, columns },
  )
}

/** Fields that are hit, and why others are refused, by scheme, one line each. */
function whyNot(document: CompareDocument, layout: LayoutEntry, columns: number): string {
  const all = layout.types.filter(pinnable).length
  const lines = document.schemes.flatMap((scheme) => {
    const { collides, hitFields } = verdict(scheme, layout.name, layout.types)
    const texts = refusals(scheme, layout).map(
      ({ reason, types }) =>
        `${scheme.name} refuses ${types.length === all ? 'all of them' : types.join(', ')}: ${reason}`,
    )
    if (collides.length > 0) texts.unshift(`${scheme.name} hits ${hitFields.join(', ')}`)
    return texts.map((text) => wrap(text, columns - 4).replaceAll('\n', '\n    '))
  })
  return lines.map((line) => `  ${line}`).join('\n')
}

/** How many page types fit, a column each layout: the matrices in one line a scheme. */
function overview(document: CompareDocument, paint: Paint, columns: number): string {
  const short = (name: string): string => name.replace(/^linux-/, '')
  return table(
    [
      { head: 'scheme', width: 18 },
      ...document.layouts.map((layout) => ({
        head: short(layout.name) + (contestedFields(layout).size > 0 ? '*' : ''),
        align: 'right' as const,
      })),
    ],
    document.schemes.map((scheme) => [
      scheme.name,
      ...document.layouts.map((layout) => {
        const types = layout.types.filter(pinnable)
        const found = verdict(scheme, layout.name, types)
        return paint[summaryCell(found)](`${found.fits.length}/${types.length}`)
      }),
    ]),
    { columns },
  )
}

/** One layout cell by cell, and what is hit. */
export function layoutRoomText(document: CompareDocument, layout: LayoutEntry, io: Io): string {
  const paint = painter(io)
  const facts = `${layout.strideBytes} bytes, ${layout.freeFlagBits} free flag bits (${layout.kconfig})`
  const hits = whyNot(document, layout, io.columns)
  return [
    `${io.colours.bold(layout.name)}  ${wrap(facts, io.columns - layout.name.length - 2).replaceAll('\n', '\n  ')}`,
    matrix(document, layout, paint, io.columns),
    ...(hits === '' ? [] : [hits]),
    legend(paint, io.columns),
  ].join('\n')
}

/** Which scheme fits where, all layouts in one table. */
export function overviewText(document: CompareDocument, io: Io): string {
  const conflicts = document.layouts.map(contestedText).filter((text) => text !== '')
  return [
    io.colours.bold('Page types that fit, of those that can be pinned'),
    overview(document, painter(io), io.columns),
    ...conflicts.map((text) => wrap(`* ${text}`, io.columns)),
  ].join('\n')
}
