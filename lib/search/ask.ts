import { array, badArgument, boolean, integer, oneOf, options, or } from '../base/args.ts'
import { longCallKeys, type LongCall, longCall } from '../engine/poll.ts'
import { tables } from '../native/tables.ts'
import type { Layout, PageType } from '../page/layout.ts'
import { layoutOf } from '../page/layouts.ts'
import { maxOrder, room } from '../pins/room.ts'
import type { SearchAsked, SearchOptions, SearchProgress } from './types.ts'

const known = [
  'layout',
  'types',
  'orders',
  'minPins',
  'exact',
  'fuzzyFrom',
  'noGrowth',
  'noLock',
  'maxFlagBits',
  ...longCallKeys,
] as const

/** Every pin is a reference, whose count changes its sign there. */
export const mostPins = 2 ** 31 - 1
/** What one pin may add to `_refcount`. */
export const mostReferences = 2 ** 20

/** One kind of page that must have room. */
export interface Kind {
  readonly pageType: PageType
  readonly order: number
}

export interface Question {
  readonly layout: Layout
  readonly asked: SearchAsked
  /** All that exist of the types and orders. */
  readonly kinds: readonly Kind[]
  readonly call: LongCall<SearchProgress>
}

/** Tails are part of another page, and nobody pins what nobody has. */
const unpinned: readonly string[] = ['free', 'tail', 'second-tail']

export const pinnedTypes = (layout: Layout): PageType[] => layout.types.filter((type) => !unpinned.includes(type))

function typeIn(layout: Layout, value: unknown, at: string): PageType {
  const allowed = pinnedTypes(layout)
  if (typeof value === 'string' && (tables().pageTypes as readonly string[]).includes(value)) {
    const said = `a page type that is pinned in ${layout.name}: ${allowed.join(', ')}`
    if (!(allowed as string[]).includes(value)) throw badArgument('ERR_PAGEBOX_ARG_RANGE', at, value, said)
  }
  return oneOf(value, at, allowed)
}

/** At least one, each once. */
function several<Item>(value: unknown, at: string, item: (value: unknown, at: string) => Item): Item[] {
  const found = [...new Set(array(value, at, item))]
  if (found.length === 0) throw badArgument('ERR_PAGEBOX_ARG_RANGE', at, value, 'an array of at least one')
  return found
}

const exists = (layout: Layout, pageType: PageType, order: number): boolean =>
  room({ scheme: 'side-table', layout, pageType, order }).cell !== 'impossible'

/** The demands, checked: each by itself, then whether they can be meant together. */
export function readQuestion(value: SearchOptions): Question {
  const given = options(value, 'options', known)
  const call = longCall<SearchProgress>('search', given)
  const layout = layoutOf(or(given.layout, 'linux-6.12'), 'options.layout')
  const flag = (key: 'exact' | 'noGrowth' | 'noLock'): boolean =>
    given[key] === undefined ? false : boolean(given[key], `options.${key}`)
  const optional = (key: 'fuzzyFrom' | 'maxFlagBits', least: number, most: number): number | null =>
    given[key] === undefined ? null : integer(given[key], `options.${key}`, least, most)
  const types = several(or(given.types, ['anon', 'file']), 'options.types', (each, at) => typeIn(layout, each, at))
  const orders = several(or(given.orders, [0]), 'options.orders', (each, at) => integer(each, at, 0, maxOrder))
  const exact = flag('exact')
  const fuzzyFrom = optional('fuzzyFrom', 2, mostReferences)
  if (exact && fuzzyFrom !== null)
    throw badArgument(
      'ERR_PAGEBOX_ARG_RANGE',
      'options.fuzzyFrom',
      fuzzyFrom,
      'left out with options.exact: what is exact is never fuzzy',
    )
  const kinds: Kind[] = []
  const notes: string[] = []
  for (const pageType of types) {
    const of = orders.filter((order) => exists(layout, pageType, order))
    if (of.length === 0) {
      const has = Array.from({ length: maxOrder + 1 }, (_, order) => order).filter((order) =>
        exists(layout, pageType, order),
      )
      const allowed = `orders that ${pageType} pages of ${layout.name} have: ${has.join(', ')}`
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.orders', orders.join(', '), allowed)
    }
    if (of.length < orders.length) notes.push(`${pageType} pages: of these orders they have ${of.join(', ')} only`)
    for (const order of of) kinds.push({ pageType, order })
  }
  const asked: SearchAsked = {
    types,
    orders,
    minPins: given.minPins === undefined ? 1 : integer(given.minPins, 'options.minPins', 1, mostPins),
    exact,
    fuzzyFrom,
    noGrowth: flag('noGrowth'),
    noLock: flag('noLock'),
    maxFlagBits: optional('maxFlagBits', 0, 64),
    notes,
  }
  return { layout, asked, kinds, call }
}
