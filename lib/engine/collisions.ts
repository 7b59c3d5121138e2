import { PageboxError } from '../errors.ts'
import { tables } from '../native/tables.ts'
import type { PageType } from '../page/layout.ts'
import { layoutOf } from '../page/layouts.ts'
import { room } from '../pins/room.ts'

/** Fields by name, with a few of them named. */
const some = (names: readonly string[]): string =>
  names.length <= 4 ? names.join(', ') : `${names.slice(0, 4).join(', ')} and ${names.length - 4} more`

/**
 * What the room analysis says against a scheme on the page types that a run is going to use: then a
 * finding may be the damage, and a clean audit is one of a scheme that has no place there.
 */
export function roomWarnings(scheme: unknown, layout: unknown, types: Iterable<PageType>, order = 0): string[] {
  const warnings: string[] = []
  for (const pageType of new Set(types)) {
    try {
      const found = room({ scheme, layout, pageType, order } as Parameters<typeof room>[0])
      const where = `${pageType} pages in ${found.layout}`
      if (found.cell === 'collides')
        warnings.push(
          `scheme '${found.scheme}' collides with ${some([...new Set(found.collisions.map(({ field }) => field))])} of ${where}: what is found may be its damage`,
        )
      else if (found.cell === 'refused') warnings.push(`scheme '${found.scheme}' refuses ${where}: ${found.reason}`)
    } catch (error) {
      // Of a layout or a scheme that this thread has no declaration of.
      if (!(error instanceof PageboxError)) throw error
    }
  }
  return warnings
}

const ofDevices: readonly PageType[] = [
  'device-private-anon',
  'device-private-file',
  'device-public-anon',
  'device-public-file',
  'device-coherent',
]

/** Types of pages that are part of another, or nobody's. */
const unnamed: readonly PageType[] = ['free', 'tail', 'second-tail']

/**
 * Page types that the operations of a scenario can bring into being in this layout.
 *
 * @param scenario Its mixes and lists, as plain data.
 */
export function typesOf(scenario: object, layout: unknown): PageType[] {
  const words: string[] = []
  const collect = (value: unknown): void => {
    if (typeof value === 'string') words.push(value)
    else if (Array.isArray(value)) value.forEach(collect)
    else if (typeof value === 'object' && value !== null)
      for (const [key, each] of Object.entries(value)) {
        words.push(key)
        collect(each)
      }
  }
  const { mixes, setup, threads, after } = scenario as Record<'mixes' | 'setup' | 'threads' | 'after', unknown>
  collect([mixes, setup, threads, after])
  const has = (pattern: RegExp): boolean => words.some((word) => pattern.test(word))
  const types: PageType[] = ['anon', 'file']
  if (has(/^(device|touch|migrate_to_\w+|dev_\w+|exclusive|release|close_dev)$/)) types.push(...ofDevices)
  if (has(/dax/)) types.push('fsdax', 'devdax')
  // What a scenario sets up by hand it names.
  types.push(...tables().pageTypes.filter((type) => !unnamed.includes(type) && words.includes(type)))
  const known = layoutOf(layout, 'layout').types
  return types.filter((type) => known.includes(type) && tables().pageTypes.includes(type))
}
