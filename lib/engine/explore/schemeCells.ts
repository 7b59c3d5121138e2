// What exploreSchemes() is asked: which programs of which shape, under which schemes, where.
import { availableParallelism } from 'node:os'
import { array, badArgument, integer, oneOf, options, or, positive, type Read } from '../../base/args.ts'
import type { NativeBehaviour } from '../../native/binding.ts'
import { tables } from '../../native/tables.ts'
import type { Layout } from '../../page/layout.ts'
import { layoutOf } from '../../page/layouts.ts'
import { behaviourKeys, behaviourOf } from '../../pins/behaviour.ts'
import { room } from '../../pins/room.ts'
import type { Scheme } from '../../pins/scheme.ts'
import { schemeOf, schemes } from '../../pins/schemes.ts'
import { longCallKeys } from '../poll.ts'
import type { Scenario } from '../scenario/scenarioTypes.ts'
import type { ProgramOp, ProgramShape } from './exploreSchemesTypes.ts'

/** Its options. */
export const known = [
  'schemes',
  'layouts',
  'orders',
  'shapes',
  'operations',
  'samples',
  'samplesEach',
  'seconds',
  'jobs',
  'memoryBytes',
  ...behaviourKeys,
  ...longCallKeys,
] as const

/** Takes before gives, so that programs come in this order. */
export const programOps: readonly ProgramOp[] = [
  'get_page',
  'pin_page',
  'isolate_page',
  'maybe_pinned',
  'release_page',
  'freeze_page',
  'put_page',
  'unpin_page',
  'putback_page',
]
/** On which schemes differ: the kernel of today, that of 2018, and words of 4 bytes. */
export const exploredLayouts: readonly string[] = ['linux-6.12', 'linux-4.20', 'linux-6.12-32']
const exploredShapes: readonly ProgramShape[] = [
  { threads: 2, ops: 3 },
  { threads: 3, ops: 2 },
]
const mostThreads = 3
const mostOps = 4
const mostOrder = 3
const longestSeconds = 10 * 366 * 24 * 3600
const samplesEach = 1_000_000

/** One row: what is explored of which scheme where. */
export interface Cell extends ProgramShape {
  readonly scheme: Scheme
  readonly layout: Layout
  readonly order: number
  readonly behaviour: NativeBehaviour
  /** Empty: it can be explored. */
  readonly reason: string
}

export interface Settings {
  readonly operations: readonly ProgramOp[]
  readonly samples: number
  readonly samplesEach: number
  readonly seconds: number
  readonly jobs: number
  readonly memoryBytes: number
}

/** As written operations, for who replays it. */
export const scenarioOf = (order: number, threads: readonly (readonly ProgramOp[])[]): Scenario => ({
  name: 'one page',
  setup: [{ op: 'set_up_page', pfn: 0, type: 'anon', order }],
  threads: threads.map((ops, i) => ({ name: `t${i}`, ops: ops.map((op) => ({ op, pfn: 0 })) })),
})

/** A scheme that counts in large folios elsewhere is another one there; the others are not. */
const differsByOrder = ({ name }: Scheme): boolean => name === 'folio-pincount'

/** What the room analysis says against it. One that was asked for by name is explored all the same if it collides. */
function reasonAgainst(scheme: Scheme, layout: Layout, order: number, isNamed: boolean): string {
  const pageType = order === 0 ? 'anon' : 'compound-head'
  const { cell, reason, collisions } = room({ scheme, layout, pageType, order })
  if (cell === 'fits') return ''
  if (cell === 'collides' && isNamed) return ''
  if (cell === 'collides') return `collides with ${[...new Set(collisions.map(({ field }) => field))].join(', ')}`
  return reason === '' ? cell : reason
}

const shapeOf = (value: unknown, where: string): ProgramShape => {
  const given = options(value, where, ['threads', 'ops'])
  return {
    threads: integer(given.threads, `${where}.threads`, 1, mostThreads),
    ops: integer(given.ops, `${where}.ops`, 1, mostOps),
  }
}

/** The rows that are asked for, in their order. */
export function cellsOf(given: Read<(typeof known)[number]>): Cell[] {
  const list = <Item>(
    key: 'schemes' | 'layouts' | 'orders' | 'shapes',
    otherwise: readonly unknown[],
    read: (each: unknown, where: string) => Item,
  ): Item[] => {
    const all = array(or(given[key], otherwise), `options.${key}`, read)
    if (all.length === 0) throw badArgument('ERR_PAGEBOX_ARG_RANGE', `options.${key}`, [], 'at least one')
    return all
  }
  const builtin = [...schemes].filter((scheme) => scheme.builtin)
  const wanted = list('schemes', builtin, schemeOf)
  const layouts = list('layouts', exploredLayouts, layoutOf)
  const orders = list('orders', [0, 2], (each, where) => integer(each, where, 0, mostOrder))
  const shapes = list('shapes', exploredShapes, shapeOf)
  const told = given.orders !== undefined
  return shapes.flatMap((shape) =>
    wanted.flatMap((scheme) =>
      layouts.flatMap((layout) =>
        orders
          .filter((_, i) => told || i === 0 || differsByOrder(scheme))
          .map((order) => ({
            ...shape,
            scheme,
            layout,
            order,
            behaviour: behaviourOf(given, 'options', scheme, layout),
            reason: reasonAgainst(scheme, layout, order, given.schemes !== undefined),
          })),
      ),
    ),
  )
}

export function settingsOf(given: Read<(typeof known)[number]>): Settings {
  const { min, max, otherwise } = tables().exploreLimits.memoryBytes as { min: number; max: number; otherwise: number }
  const whole = (key: 'samples' | 'samplesEach', none: number): number =>
    given[key] === undefined ? none : integer(given[key], `options.${key}`, 1, Number.MAX_SAFE_INTEGER)
  return {
    operations: array(or(given.operations, programOps), 'options.operations', (each, where) =>
      oneOf(each, where, programOps as ProgramOp[]),
    ),
    samples: whole('samples', 0),
    samplesEach: whole('samplesEach', samplesEach),
    seconds: given.seconds === undefined ? 0 : positive(given.seconds, 'options.seconds', longestSeconds),
    jobs: given.jobs === undefined ? availableParallelism() : integer(given.jobs, 'options.jobs', 1, 256),
    memoryBytes:
      given.memoryBytes === undefined ? otherwise : integer(given.memoryBytes, 'options.memoryBytes', min, max),
  }
}
