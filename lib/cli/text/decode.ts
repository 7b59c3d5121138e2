import type { DecodedDump } from '../../dump/types.ts'
import type { Io } from '../io.ts'
import { table, wrap } from './table.ts'

const digits = (value: bigint, wordBytes: number): string => value.toString(16).padStart(wordBytes * 2, '0')

const or = (value: number | null): string => (value === null ? '?' : String(value))

function pinsText({ pins, pinsReason }: DecodedDump): string {
  if (pins === null) return `unknown: ${pinsReason}`
  return pins.exact ? `${pins.pins} (${pinsReason})` : `at most ${pins.pins} (references look like pins)`
}

function whereText(dump: DecodedDump, several: boolean): string[] {
  const parts: string[] = []
  if (several) parts.push(`line ${dump.line}`)
  if (dump.who !== null) parts.push(dump.who)
  if (dump.pfn !== null) parts.push(`pfn ${dump.pfn.toString(16)}`)
  if (dump.process !== null) parts.push(`process ${dump.process}`)
  if (dump.kernel !== null) parts.push(`kernel ${dump.kernel}`)
  return parts.length === 0 ? [] : [parts.join(', ')]
}

function folioText({ folio }: DecodedDump): string | null {
  if (folio === null) return null
  const known = [
    ['order', folio.order],
    ['mapcount', folio.mapcount],
    ['entire_mapcount', folio.entireMapcount],
    ['nr_pages_mapped', folio.nrPagesMapped],
    ['pincount', folio.pincount],
  ] as const
  const said = known.flatMap(([name, value]) => (value === null ? [] : [`${name}:${value}`]))
  return said.length === 0 ? null : said.join(' ')
}

/** Flags as one word would run over the line; it breaks between them. */
const breakable = (flags: readonly string[]): string =>
  flags.length === 0 ? 'none' : flags.join('| ').replaceAll('| ', ' |')

const width = 9

/** `name: text`, wrapped and indented. */
function item(name: string, text: string, columns: number): string {
  const lines = wrap(text, Math.max(24, columns - width)).split('\n')
  return lines.map((line, i) => (i === 0 ? `${name}:`.padEnd(width) : ' '.repeat(width)) + line).join('\n')
}

function rows(label: string, words: readonly bigint[], wordBytes: number): string[] {
  const each = wordBytes === 8 ? 4 : 6
  return Array.from({ length: Math.ceil(words.length / each) }, (_, row) => {
    const part = words.slice(row * each, row * each + each)
    return `${label}: ${part.map((word) => digits(word, wordBytes)).join(' ')}`
  })
}

/** A descriptor as dump_page would say it, with what can be concluded. */
function dumpText(dump: DecodedDump, io: Io, several: boolean): string {
  const { bold, yellow, dim } = io.colours
  const columns = Math.max(40, Math.min(io.columns, 100))
  const counts = `refcount:${or(dump.refcount)} mapcount:${or(dump.mapcount)} order:${or(dump.order)} zone:${or(dump.zone)} node:${or(dump.node)}`
  const folio = folioText(dump)
  const flags = breakable([...dump.flags, ...dump.unknownFlags])
  const kernels = dump.kernels === null ? '' : ` (kernels ${dump.kernels})`
  const lines = [
    ...whereText(dump, several).map((text) => wrap(text, columns)),
    `${bold(dump.type)}  ${counts}`,
    item('type', dump.typeReason, columns),
    ...(dump.why === null ? [] : [bold(item('why', dump.why, columns))]),
    item('flags', flags, columns).replaceAll(/ ?\|/g, '|'),
    item('pins', pinsText(dump), columns),
    item('mapping', dump.mapping.text, columns),
    ...(folio === null ? [] : [item('folio', folio, columns)]),
    item('layout', `${dump.layout}${kernels}, confidence ${dump.confidence}: ${dump.layoutReason}`, columns),
    ...[...rows('raw', dump.words, dump.wordBytes), ...rows('head', dump.headWords, dump.wordBytes)].map(dim),
  ]
  if (dump.fields.length > 0) {
    lines.push(
      '',
      table(
        [
          { head: 'byte', align: 'right' },
          { head: 'field' },
          { head: 'value', align: 'right' },
          { head: 'what it is', width: columns - 48 },
        ],
        dump.fields.map((field) => [String(field.offsetBytes), field.name, field.value.toString(16), field.text]),
      ),
    )
  }
  for (const text of dump.unknown) lines.push(dim(item('unknown', text, columns)))
  for (const text of dump.warnings) lines.push(yellow(item('warning', text, columns)))
  return lines.join('\n')
}

/** All dumps of a log. */
export function decodeText(dumps: readonly DecodedDump[], io: Io): string {
  return `${dumps.map((dump) => dumpText(dump, io, dumps.length > 1)).join('\n\n')}\n`
}
