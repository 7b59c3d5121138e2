import { memoryOf } from '../compare/memory.ts'
import type { Layout } from '../page/layout.ts'
import { room } from '../pins/room.ts'
import type { Scheme } from '../pins/scheme.ts'
import { type Kind, mostPins, pinnedTypes, type Question } from './ask.ts'
import type { Form } from './forms.ts'
import { meaningOf, type User, usersText } from './places.ts'
import type { SearchAsked, SearchPlace } from './types.ts'

/** A kind of page that it has no room on: the live fields that it writes over, or why it is refused there. */
interface NoRoom extends Kind {
  readonly fields: readonly string[]
  readonly reason: string
}

/** A form on a layout, held against the demands. */
export interface Judged extends Form {
  readonly scheme: Scheme
  /** The layout that was asked for, or the one that names its place. */
  readonly on: Layout
  readonly exact: boolean
  readonly fuzzyFrom: number | null
  readonly maxPins: number
  readonly bytesPerPage: number
  readonly places: readonly SearchPlace[]
  /** Demands that are not met, each in a sentence. */
  readonly broken: readonly string[]
  /** Kinds of pages that have no room for it. */
  readonly noRoom: readonly NoRoom[]
  /** A race or an exploration has found something. */
  readonly refuted?: boolean
}

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

export function judge(form: Form, scheme: Scheme, layout: Layout, { asked, kinds }: Question, cpus: number): Judged {
  const tails = inTails(layout, kinds)
  const fuzzyFrom = fuzzyFromOf(scheme, tails)
  const bound = scheme.maxPins === null ? mostPins : Number(scheme.maxPins)
  const ofTail = Math.min(mostPins, 2 ** layout.pincount.bits - 1)
  const maxPins = scheme.place === 'tail' && tails ? ofTail : Math.min(mostPins, bound)
  const broken: string[] = []
  const must = (met: boolean, because: string): void => {
    if (!met) broken.push(because)
  }
  must(scheme.answer !== 'unknown', 'nobody can tell a pin from a reference')
  const wrong = scheme.falsePositives === '' ? `fuzzy from ${fuzzyFrom} on` : `says yes for ${scheme.falsePositives}`
  must(!asked.exact || fuzzyFrom === null, wrong)
  must(
    asked.fuzzyFrom === null || fuzzyFrom === null || fuzzyFrom >= asked.fuzzyFrom,
    `${wrong}, and ${asked.fuzzyFrom} is asked for`,
  )
  must(
    maxPins >= asked.minPins,
    `counts at most ${maxPins} ${maxPins === 1 ? 'pin' : 'pins'}, and ${asked.minPins} are asked for`,
  )
  must(
    !asked.noGrowth || form.where !== 'growth',
    `the descriptor grows from ${layout.strideBytes} to ${layout.ownCounterStrideBytes} bytes`,
  )
  must(!asked.noLock || scheme.locks === '', `takes ${scheme.locks}`)
  must(
    asked.maxFlagBits === null || form.flagBits <= asked.maxFlagBits,
    `needs ${form.flagBits} spare ${form.flagBits === 1 ? 'bit' : 'bits'} of page->flags, and ${asked.maxFlagBits} may be used`,
  )
  const noRoom: NoRoom[] = []
  const places = new Map<string, SearchPlace>()
  for (const kind of kinds) {
    const found = room({ scheme, layout, ...kind })
    if (found.cell === 'refused') noRoom.push({ ...kind, fields: [], reason: found.reason })
    if (found.cell === 'collides')
      noRoom.push({ ...kind, fields: [...new Set(found.collisions.map(({ field }) => field))], reason: '' })
    // In a descriptor that has grown the bits are others.
    if (form.where === 'growth') continue
    // Every pin is a reference too; where it is nothing else, that is the place.
    const own = found.claims.filter(({ field }) => field !== '_refcount')
    const shown = own.length > 0 || form.where !== 'inside' ? own : found.claims
    for (const { tail, offsetBytes, shift, bits } of shown)
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
    on: layout,
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
      const before = live.get(field) ?? { field, types: [], meaning: meaningOf(layout, field, pageType) }
      live.set(field, { ...before, types: [...before.types, type] })
    }
  const held = live.size === 0 ? [] : [usersText([...live.values()])]
  return [...broken, ...refused, ...held].join('; ')
}

/** The question with one demand less, for each that there is. */
export function withOneLess(question: Question): { demand: string; question: Question }[] {
  const { asked, kinds } = question
  const { types, orders } = asked
  const given: [demand: string, is: boolean, less: Partial<SearchAsked>][] = [
    ['--exact', asked.exact, { exact: false }],
    ['--fuzzy-from', asked.fuzzyFrom !== null, { fuzzyFrom: null }],
    ['--min-pins', asked.minPins > 1, { minPins: 1 }],
    ['--no-growth', asked.noGrowth, { noGrowth: false }],
    ['--no-lock', asked.noLock, { noLock: false }],
    ['--max-flag-bits', asked.maxFlagBits !== null, { maxFlagBits: null }],
  ]
  const rest = (demand: string, keep: (kind: Kind) => boolean, less: Partial<SearchAsked>) => ({
    demand,
    question: { ...question, asked: { ...asked, ...less }, kinds: kinds.filter(keep) },
  })
  const all = [
    ...given.filter(([, is]) => is).map(([demand, , less]) => rest(demand, () => true, less)),
    ...types.map((type) =>
      rest(type, ({ pageType }) => pageType !== type, { types: types.filter((each) => each !== type) }),
    ),
    ...orders.map((order) =>
      rest(`order ${order}`, (kind) => kind.order !== order, { orders: orders.filter((each) => each !== order) }),
    ),
  ]
  // Without any page there is no question.
  return all.filter(({ question: { kinds } }) => kinds.length > 0)
}

/** Other page types of the layout that it has no room on. */
export const refusedOn = ({ scheme, on: layout }: Judged, { asked }: Question): string[] =>
  pinnedTypes(layout).filter((pageType) => {
    if (asked.types.includes(pageType)) return false
    const { cell } = room({ scheme, layout, pageType, order: 0 })
    return cell === 'collides' || cell === 'refused'
  })
