import { array, integer, oneOf, options } from '../base/args.ts'
import { native } from '../native/load.ts'
import { created } from '../native/status.ts'
import { tables } from '../native/tables.ts'
import type { PageType } from '../page/layout.ts'
import { layoutOf, layoutRef, layouts } from '../page/layouts.ts'
import type { Probe, Room, RoomOptions } from './scheme.ts'
import { schemeOf, schemeRef, schemes } from './schemes.ts'

/** Largest order of a compound page: 2^10 pages, as in the kernel's buddy lists. */
export const maxOrder = 10

function read(value: RoomOptions) {
  const given = options(value, 'options', ['scheme', 'layout', 'pageType', 'order'] as const)
  return {
    scheme: schemeOf(given.scheme, 'options.scheme'),
    layout: layoutOf(given.layout, 'options.layout'),
    pageType: oneOf(given.pageType, 'options.pageType', tables().pageTypes) as PageType,
    order: given.order === undefined ? 0 : integer(given.order, 'options.order', 0, maxOrder),
  }
}

/**
 * From the tables alone: which bits the scheme claims on this kind of page, and which of them are
 * live. `impossible`: the layout has no such page; `refused`: the scheme does not do it.
 */
export function room(value: RoomOptions): Room {
  const { scheme, layout, pageType, order } = read(value)
  const found = created(native().room(schemeRef(scheme), layoutRef(layout), pageType, order), 'options')
  return { scheme: scheme.name, layout: layout.name, pageType, order, ...found }
}

/**
 * From memory: fills every live field of such a page with known values, pins and unpins, and reads
 * back. Agrees with {@link room} in every cell; a difference is a fault of pagebox.
 */
export function probe(value: RoomOptions): Probe {
  const { scheme, layout, pageType, order } = read(value)
  const found = created(native().probe(schemeRef(scheme), layoutRef(layout), pageType, order), 'options')
  return { scheme: scheme.name, layout: layout.name, pageType, order, ...found }
}

/** Every scheme on every layout and page type, at these orders (0 and 9 by default). */
export function roomMatrix(orders: readonly number[] = [0, 9]): Room[] {
  const checked = array(orders, 'orders', (order, where) => integer(order, where, 0, maxOrder))
  const cells: Room[] = []
  for (const scheme of schemes)
    for (const layout of layouts)
      for (const pageType of tables().pageTypes)
        for (const order of checked) cells.push(room({ scheme, layout, pageType, order }))
  return cells
}
