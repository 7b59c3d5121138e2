import { race } from '../engine/race.ts'
import { explore } from '../engine/scenario/exploreScenario.ts'
import type { Scenario } from '../engine/scenario/scenarioTypes.ts'
import { tables } from '../native/tables.ts'
import type { Layout } from '../page/layout.ts'
import { probe, room } from '../pins/room.ts'
import type { Scheme } from '../pins/scheme.ts'
import type { Kind } from './ask.ts'

/** Long enough for some hundred thousand pins. */
const raceSeconds = 0.03
const raceThreads = 2
/** Most of what two threads on one page can do has been done by then. */
const samples = 200

const kindText = ({ pageType, order }: Kind): string => `${pageType} pages of order ${order}`

/** What memory says where the tables say that it fits; null: the same. */
export function probeText(scheme: Scheme, layout: Layout, kind: Kind): string | null {
  const table = room({ scheme, layout, ...kind })
  const seen = probe({ scheme, layout, ...kind })
  const places = (all: readonly { field: string; tail: number; offsetBytes: number; shift: number; bits: number }[]) =>
    all
      .map(({ field, tail, offsetBytes, shift, bits }) => `${field} ${tail}:${offsetBytes * 8 + shift}+${bits}`)
      .join(', ')
  const [a, b] = [`${table.cell} ${places(table.collisions)}`, `${seen.cell} ${places(seen.damaged)}`]
  return a === b ? null : `on ${kindText(kind)} the table says ${a.trim()}, and memory says ${b.trim()}`
}

export interface Proved {
  readonly raceOps: number
  readonly schedules: number
  /** Of the first that was found; null: none. */
  readonly finding: string | null
}

/** Threads at full speed on such pages, then an audit. */
async function raced(scheme: Scheme, layout: Layout, { pageType, order }: Kind, signal?: AbortSignal) {
  const lru = tables().lruTypes.includes(pageType)
  const { audit, ops } = await race(
    { scheme, layout, pages: 64 * 2 ** order, pageType, order },
    {
      threads: raceThreads,
      seconds: raceSeconds,
      mix: {
        'pin+unpin': 6,
        maybe_pinned: 1,
        'get+put': 1,
        'pin_referenced+unpin': 1,
        ...(lru && { 'isolate+putback': 1 }),
      },
      signal,
    },
  )
  return { ops: ops.reduce((sum, each) => sum + each.ops, 0), row: audit.clean ? null : audit.rows[0] }
}

/** Two threads that pin, ask and unpin one folio, among whom a scheduler chooses. */
function scenarioOf({ pageType, order }: Kind): Scenario {
  const thread = (name: string, n: number) => ({
    name,
    ops: [
      { op: 'pin_page', pfn: 0, n },
      { op: 'maybe_pinned', pfn: 0 },
      { op: 'unpin_page', pfn: 0, n },
    ],
  })
  return {
    name: `pins of ${pageType}`,
    pages: Math.max(16, 2 ** order),
    setup: [{ op: 'set_up_page', pfn: 0, pages: 2 ** order, type: pageType, order }],
    threads: [thread('one', 1), thread('two', 2)],
  } as Scenario
}

/** A short race and a short exploration on one kind of page. */
export async function prove(scheme: Scheme, layout: Layout, kind: Kind, signal?: AbortSignal): Promise<Proved> {
  const { ops, row } = await raced(scheme, layout, kind, signal)
  if (row !== null)
    return {
      raceOps: ops,
      schedules: 0,
      finding: `a race on ${kindText(kind)}: ${row?.explanation ?? 'the audit is not clean'}`,
    }
  const explored = await explore(scenarioOf(kind), { scheme, layout, samples, signal })
  const [first] = explored.first
  const finding = first === undefined ? null : `an exploration on ${kindText(kind)}: ${first.text}`
  return { raceOps: ops, schedules: explored.schedules, finding }
}
