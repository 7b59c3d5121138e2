import type { Layout, PageType } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import type { Disagreement, FieldBits, ProbeRow, RoomRow } from './document.ts'
import type { Subject } from './subject.ts'

/** Single pages, the smallest compound pages with one and with two tails, and a 2 MiB page. */
export const orders = [0, 1, 2, 9] as const

const bitSet = (places: readonly FieldBits[]): string => {
  const bits = new Set<string>()
  for (const { tail, offsetBytes, shift, bits: width } of places) {
    const first = offsetBytes * 8 + shift
    for (let bit = first; bit < first + width; bit++) bits.add(`${tail}:${bit}`)
  }
  return [...bits].sort().join(' ')
}

/** Table and memory agree if the cell is the same and the very same bits are hit. */
export const agree = (room: RoomRow, probe: ProbeRow): boolean =>
  room.cell === probe.cell && bitSet(room.collisions) === bitSet(probe.damaged)

export interface RoomOutcome {
  room: RoomRow[]
  probe: ProbeRow[]
  disagreements: Disagreement[]
}

/** One place, bit by bit: what differs between two sides may be a single bit. */
const placeText = ({ field, tail, offsetBytes, shift, bits }: FieldBits): string => {
  const first = offsetBytes * 8 + shift
  const where = bits === 1 ? `bit ${first}` : `bits ${first}..${first + bits - 1}`
  return `${field} ${where}${tail === 0 ? '' : ` of page[${tail}]`}`
}

type Side = { cell: string; reason: string; places: readonly FieldBits[] }

const sideText = ({ cell, reason, places }: Side, place: (at: FieldBits) => string): string => {
  if (places.length > 0) return `${cell}: ${places.map(place).join(', ')}`
  return reason === '' ? cell : `${cell}: ${reason}`
}

/** Two sides that differ, in words that differ. */
function describe(table: Side, probe: Side): { table: string; probe: string } {
  const text = (place: (at: FieldBits) => string) => ({ table: sideText(table, place), probe: sideText(probe, place) })
  const short = text((at) => `${at.field} +${at.offsetBytes}`)
  return short.table === short.probe ? text(placeText) : short
}

/** All page types and orders of one scheme in one layout, from the table and from memory. */
export function examineRoom(
  subject: Subject,
  scheme: Scheme,
  layout: Layout,
  isWanted: (pageType: PageType) => boolean = () => true,
): RoomOutcome {
  const outcome: RoomOutcome = { room: [], probe: [], disagreements: [] }
  for (const pageType of subject.pageTypes.filter(isWanted)) {
    for (const order of orders) {
      const at = { layout: layout.name, pageType, order }
      const table = subject.room({ scheme, ...at })
      const seen = subject.probe({ scheme, ...at })
      // That a type does not exist is said once, not for each order.
      if (order > 0 && table.cell === 'impossible' && seen.cell === 'impossible') continue
      const room: RoomRow = {
        ...at,
        cell: table.cell,
        reason: table.reason,
        claims: [...table.claims],
        collisions: [...table.collisions],
      }
      const probe: ProbeRow = { ...at, cell: seen.cell, reason: seen.reason, damaged: [...seen.damaged] }
      outcome.room.push(room)
      outcome.probe.push(probe)
      if (!agree(room, probe)) {
        outcome.disagreements.push({
          ...at,
          scheme: scheme.name,
          ...describe({ ...room, places: room.collisions }, { ...probe, places: probe.damaged }),
        })
      }
    }
  }
  return outcome
}
