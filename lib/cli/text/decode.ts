import type { DecodedPage } from '../../page/page.ts'
import type { Io } from '../io.ts'
import { table } from './table.ts'

const hex = (value: bigint, wordBytes: number): string => value.toString(16).padStart(wordBytes * 2, '0')

function pinsText({ pins, scheme }: DecodedPage): string {
  if (pins === null) return scheme === null ? 'no scheme given' : `${scheme} keeps none in these words`
  return pins.exact ? `${pins.pins}` : `at most ${pins.pins} (references look like pins)`
}

/** A descriptor as dump_page would say it. */
export function decodeText(page: DecodedPage, wordBytes: number, io: Io): string {
  const { bold, yellow, dim } = io.colours
  const mapcount = page.mapcount === null ? '' : ` mapcount:${page.mapcount}`
  const lines = [
    `${bold(page.type)}  refcount:${page.refcount}${mapcount} zone:${page.zone} node:${page.node}  (${page.layout}; ${page.typeReason})`,
    `flags: ${page.flags.length === 0 ? 'none' : page.flags.join('|')}`,
    `pins:  ${pinsText(page)}`,
    ...Array.from({ length: Math.ceil(page.words.length / 4) }, (_, row) =>
      dim(
        `raw: ${page.words
          .slice(row * 4, row * 4 + 4)
          .map((word) => hex(word, wordBytes))
          .join(' ')}`,
      ),
    ),
    '',
    table(
      [{ head: 'byte', align: 'right' }, { head: 'field' }, { head: 'value', align: 'right' }, { head: 'what it is' }],
      page.fields.map((field) => [String(field.offsetBytes), field.name, field.value.toString(16), field.text]),
    ),
    ...page.warnings.map((warning) => yellow(`warning: ${warning}`)),
  ]
  return `${lines.join('\n')}\n`
}
