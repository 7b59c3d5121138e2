import type { BitRange, Field, Layout } from '../../page/layout.ts'
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

/** Bytes that no field of the type uses, as pahole reports holes. */
function holes(fields: readonly Field[], strideBytes: number): { offsetBytes: number; bytes: number }[] {
  const used = new Set<number>()
  for (const field of fields) {
    const first = field.offsetBytes + Math.floor(field.shift / 8)
    const last = field.offsetBytes + Math.floor((field.shift + field.bits - 1) / 8)
    for (let byte = first; byte <= last; byte++) used.add(byte)
  }
  const found: { offsetBytes: number; bytes: number }[] = []
  for (let at = 0; at < strideBytes; at++) {
    if (used.has(at)) continue
    const previous = found.at(-1)
    if (previous !== undefined && previous.offsetBytes + previous.bytes === at) previous.bytes++
    else found.push({ offsetBytes: at, bytes: 1 })
  }
  return found
}

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
        startBit(claim) < (hole.offsetBytes + hole.bytes) * 8 &&
        hole.offsetBytes * 8 < startBit(claim) + claim.bits,
    )
    rows.push({
      at: hole.offsetBytes * 8,
      cells: [
        String(hole.offsetBytes),
        String(hole.bytes),
        '',
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
function groups(layout: Layout, claim: Claim | undefined, only: string | undefined): string[][] {
  const byContent = new Map<string, string[]>()
  for (const type of inColumnOrder(layout.types)) {
    if (only !== undefined && type !== only) continue
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

export function layoutText(layout: Layout, claim: Claim | undefined, only: string | undefined, io: Io): string {
  const { kconfig, era } = layout
  const facts = [
    `${layout.strideBytes} bytes, ${layout.wordBytes}-byte words; ${kconfig.name}: ${layout.freeFlagBits} free flag bits; ${era.kernel}`,
    layout.pincount.tail === 0
      ? 'no pin count in tail pages'
      : `pin count of large folios in page[${layout.pincount.tail}] byte ${layout.pincount.offsetBytes}, from order ${layout.pincount.minOrder} on`,
  ]
  return `${[
    wrap(`${io.colours.bold(layout.name)}  ${layout.summary}`, io.columns - 1).replace(' ', '  '),
    ...facts.map((fact) => wrap(fact, io.columns)),
    wrap(`flags: ${layout.flags.map(({ name, bit }) => `${bit} ${name}`).join(', ')}`, io.columns),
    `       ${layout.highFields.map(({ name, shift, bits }) => `${shift}-${shift + bits - 1} ${name}`).join(', ')}`,
    '',
    groups(layout, claim, only)
      .map((types) => typeText(layout, types, claim, io))
      .join('\n\n'),
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
