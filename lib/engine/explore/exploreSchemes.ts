import { options } from '../../base/args.ts'
import { now } from '../../base/primordials.ts'
import { native } from '../../native/load.ts'
import { created } from '../../native/status.ts'
import { layoutRef } from '../../page/layouts.ts'
import { schemeRef } from '../../pins/schemes.ts'
import { type LongCall, longCall, abortedError, poll, throwIfAborted, wasAborted } from '../poll.ts'
import { checked } from '../scenario/settings.ts'
import { readScenario } from '../scenario/readScenario.ts'
import { withText } from '../withText.ts'
import type {
  ExploreSchemesOptions,
  ExploreSchemesResult,
  SchemeExploration,
  SchemesProgress,
} from './exploreSchemesTypes.ts'
import { type Cell, cellsOf, known, scenarioOf, type Settings, settingsOf } from './schemeCells.ts'
import { nothingOf, rowOf } from './schemeRows.ts'

const findings = 4

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
  const settings = settingsOf(given)
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
