import { memoryOf } from '../compare/memory.ts'
import type { Layout } from '../page/layout.ts'
import { room } from '../pins/room.ts'
import type { Scheme } from '../pins/scheme.ts'
import { type Kind, mostPins, pinnedTypes, type Question } from './ask.ts'
import type { Form } from './forms.ts'
import { type User, usersText } from './places.ts'
import type { SearchPlace } from './types.ts'

/** A demand that is not met. */
interface Broken {
  /** As it is dropped: `'--no-lock'`; null: it cannot be. */
  readonly demand: string | null
  readonly because: string
}

/** A kind of page that it has no room on: the live fields that it writes over, or why it is refused there. */
interface NoRoom extends Kind {
  readonly fields: readonly string[]
  readonly reason: string
}

/** A form on a layout, held against the demands. */
export interface Judged extends Form {
  readonly scheme: Scheme
  readonly exact: boolean
  readonly fuzzyFrom: number | null
  readonly maxPins: number
  readonly bytesPerPage: number
  readonly places: readonly SearchPlace[]
  readonly broken: readonly Broken[]
  /** Kinds of pages that have no room for it. */
  readonly noRoom: readonly NoRoom[]
}

const meaning = (layout: Layout, name: string, type: string): string =>
  layout.fields.find((each) => each.name === name && (each.types as readonly string[]).includes(type))?.meaning ?? ''

/** Whether the count lies in a tail on all kinds of pages. */
const inTails = ({ pincount }: Layout, kinds: readonly Kind[]): boolean =>
  pincount.tail !== 0 && kinds.every(({ order }) => order >= Math.max(1, pincount.minOrder))

/** From how many references, or pins at a time, on the answer may be wrong; null: it is never. */
function fuzzyFromOf(
  { place, answer, atLimit, countBits, refsPerPin, falsePositives }: Scheme,
  tails: boolean,
): number | null {
  if (place === 'tail' && tails) return null
  if (answer === 'unknown') return 1
  if (atLimit === 'saturate') return 2 ** countBits - 1
  if (place === 'refcount' || place === 'tail') return refsPerPin
  return falsePositives === '' ? null : 1
}

export function judge(form: Form, scheme: Scheme, { layout, asked, kinds }: Question, cpus: number): Judged {
  const tails = inTails(layout, kinds)
  const fuzzyFrom = fuzzyFromOf(scheme, tails)
  const bound = scheme.maxPins === null ? mostPins : Number(scheme.maxPins)
  const ofTail = Math.min(mostPins, 2 ** layout.pincount.bits - 1)
  const maxPins = scheme.place === 'tail' && tails ? ofTail : Math.min(mostPins, bound)
  const broken: Broken[] = []
  const must = (met: boolean, demand: string | null, because: string): void => {
    if (!met) broken.push({ demand, because })
  }
  must(scheme.answer !== 'unknown', null, 'nobody can tell a pin from a reference')
  const wrong = scheme.falsePositives === '' ? `fuzzy from ${fuzzyFrom} on` : `says yes for ${scheme.falsePositives}`
  must(!asked.exact || fuzzyFrom === null, '--exact', wrong)
  must(
    asked.fuzzyFrom === null || fuzzyFrom === null || fuzzyFrom >= asked.fuzzyFrom,
    '--fuzzy-from',
    `${wrong}, and ${asked.fuzzyFrom} is asked for`,
  )
  must(
    maxPins >= asked.minPins,
    '--min-pins',
    `counts at most ${maxPins} ${maxPins === 1 ? 'pin' : 'pins'}, and ${asked.minPins} are asked for`,
  )
  must(
    !asked.noGrowth || form.where !== 'growth',
    '--no-growth',
    `the descriptor grows from ${layout.strideBytes} to ${layout.ownCounterStrideBytes} bytes`,
  )
  must(!asked.noLock || scheme.locks === '', '--no-lock', `takes ${scheme.locks}`)
  must(
    asked.maxFlagBits === null || form.flagBits <= asked.maxFlagBits,
    '--max-flag-bits',
    `needs ${form.flagBits} spare ${form.flagBits === 1 ? 'bit' : 'bits'} of page->flags, and ${asked.maxFlagBits} may be used`,
  )
  const noRoom: NoRoom[] = []
  const places = new Map<string, SearchPlace>()
  for (const kind of kinds) {
    const found = room({ scheme, layout, ...kind })
    if (found.cell === 'refused') noRoom.push({ ...kind, fields: [], reason: found.reason })
    if (found.cell === 'collides')
      noRoom.push({ ...kind, fields: [...new Set(found.collisions.map(({ field }) => field))], reason: '' })
    for (const { field, tail, offsetBytes, shift, bits } of found.claims)
      if (field !== '_refcount' || scheme.place === 'refcount')
        places.set([tail, offsetBytes, shift, bits].join(), { tail, offsetBytes, shift, bits })
  }
  const { bytesPerPage } = memoryOf(scheme, layout, cpus)
  const exact = fuzzyFrom === null
  // What spills needs the table outside, wherever its count begins.
  const where = form.where === 'inside' && bytesPerPage > 0 ? 'outside' : form.where
  return {
    ...form,
    where,
    scheme,
    exact,
    fuzzyFrom,
    maxPins,
    bytesPerPage,
    places: [...places.values()],
    broken,
    noRoom,
  }
}

export const isCandidate = ({ broken, noRoom }: Judged): boolean => broken.length === 0 && noRoom.length === 0

/** Why not, in as few words as it takes: pages of one reason together. */
export function whyNot({ broken, noRoom }: Pick<Judged, 'broken' | 'noRoom'>, layout: Layout): string {
  const refused = new Set(noRoom.map(({ reason }) => reason).filter((reason) => reason !== ''))
  const live = new Map<string, User>()
  for (const { pageType, order, fields } of noRoom)
    for (const field of fields) {
      const type = order === 0 ? pageType : `${pageType} of order ${order}`
      const before = live.get(field) ?? { field, types: [], meaning: meaning(layout, field, pageType) }
      live.set(field, { ...before, types: [...before.types, type] })
    }
  const held = live.size === 0 ? [] : [usersText([...live.values()])]
  return [...broken.map(({ because }) => because), ...refused, ...held].join('; ')
}

/** The demands, each as a filter: what it would take away. */
export function demandsOf({ asked }: Question): string[] {
  const given = [
    asked.exact && '--exact',
    asked.fuzzyFrom !== null && '--fuzzy-from',
    asked.minPins > 1 && '--min-pins',
    asked.noGrowth && '--no-growth',
    asked.noLock && '--no-lock',
    asked.maxFlagBits !== null && '--max-flag-bits',
  ].filter((demand) => demand !== false)
  return [
    ...given,
    ...(asked.types.length > 1 ? asked.types : []),
    ...(asked.orders.length > 1 ? asked.orders.map((order) => `order ${order}`) : []),
  ]
}

/** Whether this demand alone stands in the way. */
export function onlyFor({ broken, noRoom }: Judged, demand: string): boolean {
  if (broken.length === 0 && noRoom.length === 0) return false
  return (
    broken.every((each) => each.demand === demand) &&
    noRoom.every(({ pageType, order }) => pageType === demand || `order ${order}` === demand)
  )
}

/** Other page types of the layout that it has no room on. */
export const refusedOn = (scheme: Scheme, { layout, asked }: Question): string[] =>
  pinnedTypes(layout).filter((pageType) => {
    if (asked.types.includes(pageType)) return false
    const { cell } = room({ scheme, layout, pageType, order: 0 })
    return cell === 'collides' || cell === 'refused'
  })
