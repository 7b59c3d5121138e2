import type { Asked, BitSpan, FreeBits, HeldSpan } from '../../page/freeBits.ts'
import type { Layout } from '../../page/layout.ts'
import { inColumnOrder } from '../../report/pageTypes.ts'
import type { Io } from '../io.ts'
import { table, wrap } from './table.ts'

const bitsText = ({ shift, bits }: BitSpan): string => (bits === 1 ? `${shift}` : `${shift}-${shift + bits - 1}`)

const place = (layout: Layout, span: BitSpan): string[] => [
  span.tail === 0 ? 'page' : `page[${span.tail}]`,
  String(span.offsetBytes / layout.wordBytes),
  String(span.offsetBytes),
  bitsText(span),
  String(span.bits),
]

const columns = [
  { head: 'of' },
  { head: 'word', align: 'right' },
  { head: 'byte', align: 'right' },
  { head: 'bits' },
  { head: 'how many', align: 'right' },
] as const

function holdersText({ holders }: HeldSpan, all: number): string {
  return holders
    .map(({ field, types }) => `${field}${types.length === all ? '' : ` on ${inColumnOrder(types).join(', ')}`}`)
    .join('; ')
}

const count = (n: number): string => `${n} ${n === 1 ? 'bit' : 'bits'}`

/** The answer to `--free-bits`, in words and places. */
export function freeBitsText(layout: Layout, asked: Asked, wanted: number, found: FreeBits, io: Io): string {
  const types = inColumnOrder(asked.types)
  const orders = asked.orders.length === 1 ? `order ${asked.orders[0]}` : `orders ${asked.orders.join(', ')}`
  const said = {
    'one piece': `${count(wanted)} side by side: yes`,
    pieces: `${count(wanted)}: only in pieces; no ${wanted} lie side by side in one word`,
    no: `${count(wanted)}: no; ${found.freeBits === 0 ? 'none is free' : `${count(found.freeBits)} ${found.freeBits === 1 ? 'is' : 'are'}`}`,
  }[found.enough]
  const lines = [
    io.colours.bold(layout.name),
    wrap(`${types.join(', ')}, ${orders}`, io.columns),
    '',
    found.enough === 'one piece' ? io.colours.green(said) : io.colours.red(said),
  ]
  if (found.free.length > 0)
    lines.push(
      '',
      'free on all of them:',
      table(
        [...columns, { head: '' }],
        found.free.map((span) => [...place(layout, span), span.bits >= wanted ? io.colours.green('✓ enough') : '']),
      ),
    )
  if (found.nearest.length > 0) {
    const width = Math.max(30, io.columns - 48)
    lines.push(
      '',
      'nearest to it, and who holds them:',
      table(
        [...columns, { head: 'held', align: 'right' }, { head: 'by' }],
        found.nearest.map((span) => [
          ...place(layout, span),
          String(span.heldBits),
          wrap(holdersText(span, span.tail === 0 ? types.length : 1), width),
        ]),
      ),
    )
  }
  return `${lines.join('\n')}\n`
}
