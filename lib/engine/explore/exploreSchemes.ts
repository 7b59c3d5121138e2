import { availableParallelism } from 'node:os'
import { array, badArgument, integer, oneOf, options, or, positive, type Read } from '../../base/args.ts'
import { now } from '../../base/primordials.ts'
import type { NativeBehaviour } from '../../native/binding.ts'
import type { NativeExploreResult, NativeFinding } from '../../native/engineBinding.ts'
import { native } from '../../native/load.ts'
import { created } from '../../native/status.ts'
import { tables } from '../../native/tables.ts'
import type { Layout } from '../../page/layout.ts'
import { layoutOf, layoutRef } from '../../page/layouts.ts'
import { behaviourKeys, behaviourOf } from '../../pins/behaviour.ts'
import { room } from '../../pins/room.ts'
import type { Scheme } from '../../pins/scheme.ts'
import { schemeOf, schemeRef, schemes } from '../../pins/schemes.ts'
import { frozenRow } from '../auditRow.ts'
import { type LongCall, longCall, longCallKeys, abortedError, poll, throwIfAborted, wasAborted } from '../poll.ts'
import { checked } from '../scenario/settings.ts'
import { readScenario } from '../scenario/readScenario.ts'
import type { Finding, Scenario } from '../scenario/scenarioTypes.ts'
import { withText } from '../withText.ts'
import type {
  ExploreSchemesOptions,
  ExploreSchemesResult,
  ProgramFinding,
  ProgramOp,
  ProgramShape,
  SchemeExploration,
  SchemesProgress,
} from './exploreSchemesTypes.ts'
import { tokenOf } from './subject.ts'

const known = [
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
const findings = 4

interface Cell extends ProgramShape {
  readonly scheme: Scheme
  readonly layout: Layout
  readonly order: number
  readonly behaviour: NativeBehaviour
  /** Empty: it can be explored. */
  readonly reason: string
}

interface Settings {
  readonly operations: readonly ProgramOp[]
  readonly samples: number
  readonly samplesEach: number
  readonly seconds: number
  readonly jobs: number
  readonly memoryBytes: number
}

const scenarioOf = (order: number, threads: readonly (readonly ProgramOp[])[]): Scenario => ({
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

function cellsOf(given: Read<(typeof known)[number]>): Cell[] {
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

const opsOf = (text: string): ProgramOp[] => text.split(' ') as ProgramOp[]

function findingOf(cell: Cell, found: NativeFinding): ProgramFinding {
  const threads = found.programThreads.map(opsOf)
  const read = readScenario(scenarioOf(cell.order, threads))
  const { outcome, text, row, trace, choices } = found
  const { scheme, layout, behaviour } = cell
  const subject = { read, scheme, layout, behaviour, threads: threads.length, ops: 1, workloadSeed: 1n, maxSteps: 0 }
  return {
    threads,
    outcome: outcome as Finding['outcome'],
    text,
    row: row === null ? null : frozenRow(row),
    trace,
    token: tokenOf(subject, 0, choices),
  }
}

function verdictOf({ violatedPrograms, complete }: NativeExploreResult): SchemeExploration['verdict'] {
  if (violatedPrograms > 0) return 'violated'
  return complete ? 'holds' : 'so far'
}

const rowBase = ({ scheme, layout, order, threads, ops, reason }: Cell) => ({
  scheme: scheme.name,
  layout: layout.name,
  order,
  threads,
  ops,
  reason,
  claims: { answer: scheme.answer, falsePositives: scheme.falsePositives, maxPins: scheme.maxPins },
})

const nothingOf = (cell: Cell): SchemeExploration => ({
  ...rowBase(cell),
  verdict: 'refused',
  programs: 0,
  allPrograms: 0,
  complete: 0,
  violated: 0,
  classes: 0,
  schedules: 0,
  largest: 0,
  steps: 0,
  seconds: 0,
  first: [],
})

const rowOf = (cell: Cell, found: NativeExploreResult): SchemeExploration => ({
  ...rowBase(cell),
  verdict: verdictOf(found),
  programs: found.programs,
  allPrograms: found.allPrograms,
  complete: found.completePrograms,
  violated: found.violatedPrograms,
  classes: found.classes,
  schedules: found.schedules,
  largest: found.largest,
  steps: found.steps,
  seconds: found.seconds,
  first: found.first.map((each) => findingOf(cell, each)),
})

/** Rows side by side, each with its share of what is left; what is done is told as a share of all rows. */
class Table {
  readonly rows: (SchemeExploration | undefined)[]
  readonly #cells: readonly Cell[]
  readonly #settings: Settings
  readonly #call: LongCall<SchemesProgress>
  readonly #begun = now()
  readonly #shares: number[]
  readonly #schedules: number[]
  #next = 0
  #told = 0
  stoppedBy: ExploreSchemesResult['stoppedBy'] = 'complete'

  constructor(cells: readonly Cell[], settings: Settings, call: LongCall<SchemesProgress>) {
    this.#cells = cells
    this.#settings = settings
    this.#call = call
    this.rows = cells.map((cell) => (cell.reason === '' ? undefined : nothingOf(cell)))
    this.#shares = cells.map(({ reason }) => (reason === '' ? 0 : 1))
    this.#schedules = cells.map(() => 0)
  }

  async run(): Promise<void> {
    const stop = new AbortController()
    const workers = Array.from({ length: this.#settings.jobs }, () =>
      this.#work(stop.signal).catch((error: unknown) => {
        stop.abort() // the others end too, before this is told
        throw error
      }),
    )
    const ended = await Promise.allSettled(workers)
    for (const each of ended) if (each.status === 'rejected') throw each.reason
  }

  get seconds(): number {
    return (now() - this.#begun) / 1000
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let i = this.#next++; i < this.#cells.length; i = this.#next++) {
      const cell = this.#cells[i] as Cell
      if (cell.reason !== '') continue
      if (signal.aborted || wasAborted(this.#call.signal)) return this.#stop('abort')
      const seconds = this.#secondsFor(i)
      if (seconds <= 0) return this.#stop('seconds')
      await this.#explore(i, cell, seconds, signal)
    }
  }

  #stop(by: ExploreSchemesResult['stoppedBy']): void {
    if (this.stoppedBy !== 'abort') this.stoppedBy = by
  }

  /** What a row takes less than its share is there for the next. */
  #secondsFor(i: number): number {
    const { seconds, jobs } = this.#settings
    if (seconds === 0) return Number.POSITIVE_INFINITY
    const rest = this.#cells.slice(i).filter(({ reason }) => reason === '').length
    return ((seconds - this.seconds) * jobs) / Math.max(rest, jobs)
  }

  #samplesFor(): number {
    const { samples } = this.#settings
    if (samples === 0) return Number.MAX_SAFE_INTEGER
    const rows = this.#cells.filter(({ reason }) => reason === '').length
    return Math.max(1, Math.floor(samples / rows))
  }

  async #explore(i: number, cell: Cell, seconds: number, signal: AbortSignal): Promise<void> {
    const { operations, memoryBytes } = this.#settings
    const { threads, ops, order } = cell
    const read = readScenario(scenarioOf(order, [['maybe_pinned']]))
    const job = created(
      native().startExplore(
        {
          what: 'scenario',
          task: 'programs',
          programOps: [...operations],
          threads,
          ops,
          scheme: schemeRef(cell.scheme),
          layout: layoutRef(cell.layout),
          behaviour: cell.behaviour,
          pages: 0,
          strategy: 'dpor',
          schedules: this.#samplesFor(),
          schedulesEach: this.#settings.samplesEach,
          firstRun: 0,
          seed: 1n,
          workloadSeed: 1n,
          findings,
          memoryBytes,
        },
        read.lists?.setup.rows as Float64Array,
        [],
      ),
      'options',
    )
    const began = now()
    let isOverTime = false
    const isDone = (): boolean => {
      const at = job.progress()
      this.#shares[i] = Math.max(0, Math.min(1, at.explored))
      this.#schedules[i] = at.schedules
      isOverTime ||= (now() - began) / 1000 > seconds
      if (isOverTime || signal.aborted || wasAborted(this.#call.signal)) job.stop()
      return at.done
    }
    const progress = (): SchemesProgress => this.#progress(cell)
    const onProgress =
      this.#call.onProgress === undefined
        ? undefined
        : (told: SchemesProgress): void => {
            if (now() - this.#told < this.#call.progressIntervalMs) return
            this.#told = now()
            this.#call.onProgress?.(told)
          }
    const ended = await poll({ progress, isDone, stop: job.stop, result: job.result }, { ...this.#call, onProgress })
    const found = checked(ended, 'one page')
    this.#shares[i] = 1
    this.#schedules[i] = found.schedules
    if (found.programs > 0) this.rows[i] = rowOf(cell, found)
    if (found.programs === found.allPrograms) {
      if (!found.complete && found.violatedPrograms === 0) this.#stop('samples')
    } else if (wasAborted(this.#call.signal)) this.#stop('abort')
    else if (isOverTime) this.#stop('seconds')
    else this.#stop(found.memoryFull ? 'memory' : 'samples')
  }

  #progress({ scheme, layout, threads, ops }: Cell): SchemesProgress {
    const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)
    return {
      seconds: this.seconds,
      done: sum(this.#shares),
      total: this.#cells.length,
      what: `${scheme.name} on ${layout.name}, ${threads} × ${ops}`,
      schedules: sum(this.#schedules),
    }
  }
}

/**
 * Explores what few threads can do to one page, under every scheme: every program of a few operations, and of each
 * every class of schedules. A pin that is held may not be refused, forgotten or called unpinned, and
 * what is pinned is neither freed nor frozen, as far as the scheme claims; each schedule is audited.
 *
 * With a signal, `samples` or `seconds` that end it early it resolves with the rows that it has.
 *
 * @throws PageboxError `ERR_PAGEBOX_ABORTED` if it was aborted before there was a row.
 */
export async function exploreSchemes(value: ExploreSchemesOptions = {}): Promise<ExploreSchemesResult> {
  const given = options(value, 'options', known)
  const { min, max, otherwise } = tables().exploreLimits.memoryBytes as { min: number; max: number; otherwise: number }
  const whole = (key: 'samples' | 'samplesEach', none: number): number =>
    given[key] === undefined ? none : integer(given[key], `options.${key}`, 1, Number.MAX_SAFE_INTEGER)
  const settings: Settings = {
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
  const call = longCall<SchemesProgress>('exploreSchemes', given)
  const cells = cellsOf(given)
  throwIfAborted(call)
  const table = new Table(cells, settings, call)
  await table.run()
  const rows = table.rows.filter((row) => row !== undefined)
  if (wasAborted(call.signal) && rows.every(({ verdict }) => verdict === 'refused'))
    throw abortedError(call.name, call.signal)
  const sum = (of: (row: SchemeExploration) => number): number => rows.reduce((all, row) => all + of(row), 0)
  const result: ExploreSchemesResult = {
    stoppedBy: table.stoppedBy,
    rows,
    schedules: sum(({ schedules }) => schedules),
    classes: sum(({ classes }) => classes),
    seconds: table.seconds,
  }
  return withText(result, () => textOf(result))
}

function textOf({ rows, schedules, seconds }: ExploreSchemesResult): string {
  const wrong = rows.filter(({ verdict }) => verdict === 'violated')
  const head = `${rows.length} rows, ${schedules} schedules, ${seconds.toFixed(1)} s`
  if (wrong.length === 0) return `${head}: none violates`
  return [
    `${head}:`,
    ...wrong.map(
      ({ scheme, layout, first }) =>
        `  ${scheme} on ${layout}: ${first[0]?.text}\n    ${first[0]?.threads.map((ops) => ops.join(' ')).join(' | ')}\n    pagebox replay ${first[0]?.token}`,
    ),
  ].join('\n')
}
