import type { BitRange, Field, Layout } from '../../page/layout.ts'
import { pincountText } from '../../page/layoutDiff.ts'
import type { Room, Scheme } from '../../pins/scheme.ts'
import { inColumnOrder } from '../../report/pageTypes.ts'
import { bitsText } from '../../report/bits.ts'
import type { Io } from '../io.ts'
import { table, wrap } from './table.ts'

/** What a scheme does to a page type, if one was asked for. */
export interface Claim {
  scheme: Scheme
  roomOf(pageType: string): Room
}

const startBit = (at: { offsetBytes: number; shift: number }): number => at.offsetBytes * 8 + at.shift

const overlap = (field: Field, claim: BitRange): boolean =>
  startBit(field) < startBit(claim) + claim.bits && startBit(claim) < startBit(field) + field.bits

const bitsOf = (field: Field): string =>
  field.shift === 0 && field.bits % 8 === 0 ? '' : `${field.shift}-${field.shift + field.bits - 1}`

const sizeOf = (field: Field): string => String(Math.ceil((field.shift + field.bits) / 8))

/** Whole bytes, or bits of one byte or more, that no field of the type uses, as pahole reports holes. */
interface Hole {
  readonly offsetBytes: number
  readonly shift: number
  readonly bits: number
}

function holes(fields: readonly Field[], strideBytes: number): Hole[] {
  const used = new Array<boolean>(strideBytes * 8).fill(false)
  for (const field of fields) used.fill(true, startBit(field), startBit(field) + field.bits)
  const found: Hole[] = []
  const add = (first: number, end: number): void => {
    if (end > first) found.push({ offsetBytes: Math.floor(first / 8), shift: first % 8, bits: end - first })
  }
  for (let bit = 0; bit < used.length; bit++) {
    if (used[bit]) continue
    const first = bit
    while (bit < used.length && !used[bit]) bit++
    // Bits up to the next byte, whole bytes, and bits of the last one.
    const [from, to] = [Math.ceil(first / 8) * 8, Math.floor(bit / 8) * 8]
    if (to <= from) add(first, bit)
    else
      for (const [one, other] of [
        [first, from],
        [from, to],
        [to, bit],
      ] as const)
        add(one, other)
  }
  return found
}

const rangeText = (shift: number, bits: number): string => (bits === 1 ? String(shift) : `${shift}-${shift + bits - 1}`)

/** Bits of `flags` that neither a flag nor a high field has. */
function freeFlags({ flags, highFields, wordBytes }: Layout): { shift: number; bits: number }[] {
  const used = new Array<boolean>(wordBytes * 8).fill(false)
  for (const { bit } of flags) used[bit] = true
  for (const { shift, bits } of highFields) used.fill(true, shift, shift + bits)
  const found: { shift: number; bits: number }[] = []
  for (let bit = 0; bit < used.length; bit++) {
    if (used[bit]) continue
    const shift = bit
    while (bit < used.length && !used[bit]) bit++
    found.push({ shift, bits: bit - shift })
  }
  return found
}

/** What the marks in the tables mean: of those that are there. */
const legend = (tables: string, scheme: Scheme | undefined): string[] => [
  ...(tables.includes('(free)') ? ['(free): no field of this page type has these bits'] : []),
  ...(tables.includes('(contested)')
    ? ['(contested): the page needs this field, and the layout has given its place to another']
    : []),
  ...(scheme !== undefined && tables.includes('✓ by right')
    ? [
        `✓ by right: ${scheme.name} writes it, and may: _refcount, a field made for pins, or a list that it took the page off`,
      ]
    : []),
  ...(scheme !== undefined && tables.includes('✓ claimed')
    ? [`✓ claimed: ${scheme.name} writes bits that are free`]
    : []),
  ...(tables.includes('✗ collides') ? [`✗ collides: ${scheme?.name} writes bits that this field needs`] : []),
]

function claimMark(field: Field, room: Room, io: Io): string {
  const claims = room.claims.filter((claim) => claim.tail === 0 && overlap(field, claim))
  if (claims.length === 0) return ''
  const hit = room.collisions.some((collision) => collision.tail === 0 && overlap(field, collision))
  return hit ? io.colours.red('✗ collides') : io.colours.green('✓ by right')
}

function fieldRows(fields: readonly Field[], layout: Layout, room: Room | undefined, io: Io): string[][] {
  const rows = fields.map((field) => ({
    at: startBit(field),
    cells: [
      String(field.offsetBytes),
      sizeOf(field),
      bitsOf(field),
      field.name,
      ...(room ? [claimMark(field, room, io)] : []),
      wrap(field.contested ? `${field.meaning} (contested)` : field.meaning, room ? 36 : 48),
    ],
  }))
  for (const hole of holes(fields, layout.strideBytes)) {
    const claimed = room?.claims.some(
      (claim) =>
        claim.tail === 0 &&
        startBit(claim) < startBit(hole) + hole.bits &&
        startBit(hole) < startBit(claim) + claim.bits,
    )
    rows.push({
      at: startBit(hole),
      cells: [
        String(hole.offsetBytes),
        String(Math.ceil((hole.shift + hole.bits) / 8)),
        hole.bits % 8 === 0 ? '' : rangeText(hole.shift, hole.bits),
        io.colours.dim('(free)'),
        ...(room ? [claimed ? io.colours.green('✓ claimed') : ''] : []),
        '',
      ],
    })
  }
  return rows.sort((a, b) => a.at - b.at).map((row) => row.cells)
}

function typeText(layout: Layout, types: string[], claim: Claim | undefined, io: Io): string {
  const type = types[0] as string
  const fields = layout.fields.filter((field) => (field.types as readonly string[]).includes(type))
  const room = claim?.roomOf(type)
  const lines = [
    io.colours.bold(types.join(', ')),
    table(
      [
        { head: 'byte', align: 'right' },
        { head: 'size', align: 'right' },
        { head: 'bits' },
        { head: 'field' },
        ...(room ? [{ head: claim?.scheme.name ?? '' }] : []),
        { head: 'meaning' },
      ],
      fieldRows(fields, layout, room, io),
      { columns: io.columns },
    ),
  ]
  if (room !== undefined) {
    const what = room.cell === 'collides' ? `collides with ${room.collisions.map(bitsText).join('; ')}` : room.cell
    lines.push(wrap(`${claim?.scheme.name}: ${what}${room.reason === '' ? '' : `: ${room.reason}`}`, io.columns))
  }
  return lines.join('\n')
}

/** Page types with the same fields, and the same fate under the scheme, are drawn once. */
function groups(layout: Layout, claim: Claim | undefined, only: readonly string[] | undefined): string[][] {
  const byContent = new Map<string, string[]>()
  for (const type of inColumnOrder(layout.types)) {
    if (only?.includes(type) === false) continue
    const fields = layout.fields.filter((field) => (field.types as readonly string[]).includes(type))
    const room = claim?.roomOf(type)
    const key = JSON.stringify([
      fields.map((field) => [field.name, field.offsetBytes, field.meaning]),
      room?.cell,
      room?.reason,
      room?.claims,
      room?.collisions,
    ])
    byContent.set(key, [...(byContent.get(key) ?? []), type])
  }
  return [...byContent.values()]
}

export function layoutText(
  layout: Layout,
  claim: Claim | undefined,
  only: readonly string[] | undefined,
  io: Io,
): string {
  const { kconfig, era } = layout
  const facts = [
    `${layout.strideBytes} bytes, ${layout.wordBytes}-byte words; ${kconfig.name}: ${layout.freeFlagBits} free flag bits; ${era.kernel}`,
    layout.pincount.tail === 0
      ? 'no pin count in tail pages'
      : `pin count of large folios in ${pincountText(layout)}`,
  ]
  const tables = groups(layout, claim, only)
    .map((types) => typeText(layout, types, claim, io))
    .join('\n\n')
  const marks = legend(tables, claim?.scheme)
  return `${[
    wrap(`${io.colours.bold(layout.name)}  ${layout.summary}`, io.columns - 1).replace(' ', '  '),
    ...facts.map((fact) => wrap(fact, io.columns)),
    wrap(`flags: ${layout.flags.map(({ name, bit }) => `${bit} ${name}`).join(', ')}`, io.columns),
    wrap(
      [
        ...layout.highFields.map(({ name, shift, bits }) => `${rangeText(shift, bits)} ${name}`),
        ...freeFlags(layout).map(({ shift, bits }) => `${rangeText(shift, bits)} free`),
      ].join(', '),
      io.columns - 7,
    ).replace(/^/gm, '       '),
    '',
    tables,
    ...(marks.length > 0 ? ['', ...marks.map((line) => io.colours.dim(wrap(line, io.columns)))] : []),
  ].join('\n')}\n`
}

export function layoutList(layouts: readonly Layout[], io: Io): string {
  const rows = layouts.map((layout) => [
    layout.name,
    String(layout.strideBytes),
    String(layout.freeFlagBits),
    String(layout.types.length),
    wrap(layout.kconfig.name, 26),
    wrap(layout.summary, Math.max(24, Math.min(io.columns, 100) - 74)),
  ])
  return `${table(
    [
      { head: 'layout' },
      { head: 'bytes', align: 'right' },
      { head: 'free flags', align: 'right' },
      { head: 'types', align: 'right' },
      { head: 'Kconfig' },
      { head: 'what it is' },
    ],
    rows,
    { columns: Math.min(io.columns, 100) },
  )}\n`
}
