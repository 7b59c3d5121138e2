import { badArgument, string } from '../base/args.ts'
import { deepFreeze } from '../base/freeze.ts'
import { list } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import { native } from '../native/load.ts'
import { tables } from '../native/tables.ts'
import { readLayout } from './defineLayout.ts'
import type { Layout, LayoutDefinition } from './layout.ts'

let registry: Map<string, Layout> | undefined

function all(): Map<string, Layout> {
  if (registry === undefined) {
    registry = new Map()
    for (const table of tables().layouts) registry.set(table.name, deepFreeze({ ...table, builtin: true } as Layout))
  }
  return registry
}

/** The layouts that there are: the built-in ones, and those that were defined. */
export const layouts = Object.freeze({
  /** Names, built-in ones first. */
  get names(): string[] {
    return [...all().keys()]
  },

  has(name: string): boolean {
    return all().has(string(name, 'name'))
  },

  /** Throws `ERR_PAGEBOX_LAYOUT_UNKNOWN`. */
  get(name: string): Layout {
    return layoutOf(name, 'name')
  },

  list(): Layout[] {
    return [...all().values()]
  },

  [Symbol.iterator](): IterableIterator<Layout> {
    return all().values()
  },

  /**
   * Declares a layout, which can then be named wherever a built-in one can. Throws
   * `ERR_PAGEBOX_LAYOUT_INVALID` with everything that is wrong with it: overlapping fields, fields
   * outside the descriptor, flags beyond the flag bits, a count that is not aligned.
   */
  define(definition: LayoutDefinition): Layout {
    const layout = readLayout(definition)
    if (all().has(layout.name))
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'definition.name', layout.name, 'a name that is not taken')
    const problems = native().checkLayout(layout)
    if (problems.length > 0) {
      const said = problems.map(({ field, other, what }) => [field, other, what].filter(Boolean).join(': '))
      throw new PageboxError('ERR_PAGEBOX_LAYOUT_INVALID', `layout '${layout.name}' is invalid: ${said.join('; ')}`, {
        argument: 'definition',
        given: said.join('; '),
        allowed: 'a layout that passes every check',
      })
    }
    const facts = native().layoutFacts(layout)
    const defined = deepFreeze({ ...facts, builtin: false } as Layout)
    all().set(defined.name, defined)
    return defined
  },
})

/** Takes back a definition, for who has defined several and must have all or none. */
export function forgetLayout(name: string): void {
  if (all().get(name)?.builtin === false) all().delete(name)
}

/** The layout that an argument names, by name or as the object itself. */
export function layoutOf(value: unknown, argument: string): Layout {
  const allowed = `a layout or its name: ${list(layouts.names)}`
  if (typeof value === 'string') {
    const found = all().get(value)
    if (found === undefined) throw badArgument('ERR_PAGEBOX_LAYOUT_UNKNOWN', argument, value, allowed, layouts.names)
    return found
  }
  for (const layout of all().values()) if (layout === value) return layout
  throw badArgument('ERR_PAGEBOX_ARG_TYPE', argument, value, allowed)
}

/** As the addon takes it: built-in ones by name, defined ones as their words. */
export const layoutRef = (layout: Layout): string | object => (layout.builtin ? layout.name : layout)
