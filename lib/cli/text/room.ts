import type { Cell, CompareDocument, LayoutEntry } from '../../compare/document.ts'
import { cells } from '../../compare/document.ts'
import { contestedFields, contestedText, pinnable, roomCell, summaryCell, verdict } from '../../compare/verdict.ts'
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

const legend = (paint: Paint): string =>
  cells.map((cell) => `${paint[cell](symbols[cell])} ${meanings[cell]}`).join('   ')

function matrix(document: CompareDocument, layout: LayoutEntry, paint: Paint): string {
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
    1,
  )
}

/** Fields that are hit, by scheme, one line each. */
function collisions(document: CompareDocument, layout: LayoutEntry, columns: number): string {
  const lines = document.schemes.flatMap((scheme) => {
    const { collides, hitFields } = verdict(scheme, layout.name, layout.types)
    if (collides.length === 0) return []
    const text = `${scheme.name} hits ${hitFields.join(', ')}`
    return [wrap(text, columns - 4).replaceAll('\n', '\n    ')]
  })
  return lines.map((line) => `  ${line}`).join('\n')
}

/** How many page types fit, a column each layout: the matrices in one line a scheme. */
function overview(document: CompareDocument, paint: Paint): string {
  const widest = 8
  const parts: string[] = []
  for (let at = 0; at < document.layouts.length; at += widest) {
    const layouts = document.layouts.slice(at, at + widest)
    const short = (name: string): string => name.replace(/^linux-/, '')
    parts.push(
      table(
        [
          { head: 'scheme', width: 18 },
          ...layouts.map((layout) => ({
            head: short(layout.name) + (contestedFields(layout).size > 0 ? '*' : ''),
            align: 'right' as const,
          })),
        ],
        document.schemes.map((scheme) => [
          scheme.name,
          ...layouts.map((layout) => {
            const types = layout.types.filter(pinnable)
            const found = verdict(scheme, layout.name, types)
            return paint[summaryCell(found)](`${found.fits.length}/${types.length}`)
          }),
        ]),
      ),
    )
  }
  return parts.join('\n\n')
}

/** Which scheme fits where: an overview, then the layouts `detailed` cell by cell. */
export function roomText(document: CompareDocument, detailed: readonly string[], io: Io): string {
  const paint = painter(io)
  const { bold } = io.colours
  const conflicts = document.layouts.map(contestedText).filter((text) => text !== '')
  const parts = [
    bold('Page types that fit, of those that can be pinned'),
    overview(document, paint),
    ...conflicts.map((text) => wrap(`* ${text}`, io.columns)),
  ]
  for (const layout of document.layouts) {
    if (!detailed.includes(layout.name)) continue
    parts.push(
      '',
      `${bold(layout.name)}  ${layout.strideBytes} bytes, ${layout.freeFlagBits} free flag bits (${layout.kconfig})`,
      matrix(document, layout, paint),
    )
    const hits = collisions(document, layout, io.columns)
    if (hits !== '') parts.push(hits)
  }
  parts.push('', legend(paint))
  return parts.join('\n')
}
