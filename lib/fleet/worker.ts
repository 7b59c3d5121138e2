import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from 'bullmq'
import { PageboxError } from '../errors.ts'
import { type Desk, openDesk, takeFrom } from './desk.ts'
import { Shares } from './fair.ts'
import { newId } from './names.ts'
import { doShard, type ShardDesk } from './shard.ts'
import type { Store } from './store.ts'
import type { Identity, Runner, Work } from './work.ts'
import { tellOfWorker, workerGone } from './workers.ts'

export interface WorkerOptions {
  readonly store: Store
  readonly work: Work
  /** Shards at a time, each in a process of its own. */
  readonly cores: number
  /** Makes what does the shards of one core; `limitSeconds` is the run's. */
  readonly runner: (limitSeconds: number) => Runner
  readonly signal: AbortSignal
  /** One line for a person; its words from a queue are not yet fit for a terminal. */
  readonly say: (text: string) => void
  /** Ends when no run has anything to do. */
  readonly untilIdle?: boolean
  readonly lockMs?: number
  readonly stalledMs?: number
  readonly beatMs?: number
}

/** A worker that dies costs its lock, two looks for such locks, and its shard. */
export const usual = { lockMs: 15_000, stalledMs: 5_000, beatMs: 1_000 } as const
const longestIdleMs = 1_000

interface Taken {
  readonly desk: ShardDesk
  readonly job: Job
  readonly token: string
}

/** Takes shards of all runs of a fleet, in turns, until its signal. */
export class FleetWorker {
  readonly id: string
  readonly #options: WorkerOptions
  readonly #desks = new Map<string, Desk>()
  /** Until when a run is not asked again: it had nothing. */
  readonly #emptyUntil = new Map<string, number>()
  readonly #shares = new Shares()
  readonly #doing = new Map<string, { run: string; shard: number; stop: AbortController }>()
  #here: Identity = {}
  #done = 0
  #isIdle = false

  constructor(options: WorkerOptions) {
    this.#options = options
    const host =
      hostname()
        .replace(/[^\w.-]/g, '')
        .slice(0, 60) || 'host'
    this.id = `${host}-${process.pid}-${newId(4)}`
  }

  /** Shards that were done by it. */
  async run(): Promise<number> {
    const { store, work, cores, signal } = this.#options
    this.#here = await work.identity()
    // Every core waits on it.
    setMaxListeners(0, signal)
    const stopAll = (): void => {
      for (const { stop } of this.#doing.values()) stop.abort(signal.reason)
    }
    signal.addEventListener('abort', stopAll)
    const over = new AbortController()
    try {
      await this.#beat()
      const beating = this.#beats(over.signal)
      await Promise.all(Array.from({ length: cores }, () => this.#slot()))
      over.abort()
      await beating
    } finally {
      over.abort()
      stopAll()
      signal.removeEventListener('abort', stopAll)
      await Promise.race([workerGone(store, this.id).catch(() => {}), sleep(1000, undefined, { ref: false })])
      for (const desk of this.#desks.values()) if (desk.kind === 'open') void desk.close()
    }
    return this.#done
  }

  /** Tells that it is there, and looks which runs there are. */
  async #beat(): Promise<void> {
    const { store, cores } = this.#options
    const { lockMs = usual.lockMs, stalledMs = usual.stalledMs, work, say } = this.#options
    await tellOfWorker(store, {
      id: this.id,
      host: hostname().slice(0, 255),
      pid: process.pid,
      cores,
      by: this.#here,
      doing: [...this.#doing.values()].flatMap(({ run, shard }) => (shard >= 1 ? [{ run, shard }] : [])),
      done: this.#done,
    })
    const active = await store.activeRuns()
    for (const [id, desk] of this.#desks)
      if (!active.includes(id)) {
        for (const { run, stop } of this.#doing.values()) if (run === id) stop.abort(new Error('cancelled'))
        if (desk.kind === 'open') void desk.close()
        this.#desks.delete(id)
      }
    for (const id of active) {
      if (this.#desks.has(id)) continue
      const desk = await openDesk({ store, work, here: this.#here, worker: this.id, lockMs, stalledMs }, id)
      this.#desks.set(id, desk)
      this.#emptyUntil.delete(id)
      if (desk.kind === 'refused') {
        say(`run ${id} is refused: ${desk.why}`)
        await store.refuse(id, this.id, desk.why)
      }
    }
    await this.#heedRefusals()
    const isOpen = [...this.#desks.values()].some(({ kind }) => kind === 'open')
    this.#isIdle = !isOpen && this.#doing.size === 0
  }

  /** A coordinator may refuse what this worker gives: it does no more of that run. */
  async #heedRefusals(): Promise<void> {
    const { store, say } = this.#options
    for (const [id, desk] of this.#desks) {
      if (desk.kind !== 'open') continue
      const why = await store.isRefused(id, this.id)
      if (why === null) continue
      say(`run ${id} is refused: ${why}`)
      void desk.close()
      this.#desks.set(id, { kind: 'refused', why })
    }
  }

  /** Whether there is a run that it does not know yet; asked often by who has nothing to do. */
  async #hasNews(): Promise<boolean> {
    if (this.#doing.size >= this.#options.cores) return false
    return (await this.#options.store.activeRuns()).some((id) => !this.#desks.has(id))
  }

  async #beats(over: AbortSignal): Promise<void> {
    const { store, beatMs = usual.beatMs, say } = this.#options
    const { insist } = store.connection.patience
    let next = performance.now() + beatMs
    while (!over.aborted) {
      try {
        await sleep((beatMs / 4) * (0.75 + Math.random() / 2), undefined, { signal: over })
        if (performance.now() < next && !(await insist(() => this.#hasNews(), over))) continue
        await insist(() => this.#beat(), over)
      } catch (error) {
        if (!over.aborted) say(`cannot look for runs: ${(error as Error).message}`)
      }
      next = performance.now() + beatMs
    }
  }

  async #slot(): Promise<void> {
    const { signal, untilIdle = false } = this.#options
    let runner: Runner | undefined
    let of: number | undefined
    try {
      while (!signal.aborted && !(untilIdle && this.#isIdle)) {
        const taken = await this.#take()
        if (taken === undefined) {
          await sleep(longestIdleMs * (0.1 + Math.random() / 5), undefined, { signal })
          continue
        }
        const { limitSeconds } = taken.desk.header
        if (runner === undefined || of !== limitSeconds) {
          runner?.close()
          runner = this.#options.runner(limitSeconds)
          of = limitSeconds
        }
        await this.#do(taken, runner)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      runner?.close()
    }
  }

  /** A job that BullMQ cannot read is taken out; where there is none, the run itself is broken. */
  async #unreadable(id: string, token: string, error: unknown): Promise<void> {
    const { signal, store, say } = this.#options
    try {
      const job = await store.connection.patience.insist(() => store.dropUnreadable(id, token), signal)
      if (job === undefined) throw error
      say(`run ${id}: a foreign job ${job} that cannot be read was taken out of the queue`)
    } catch (failed) {
      await this.#giveUp(id, failed)
    }
  }

  async #do(taken: Taken, runner: Runner): Promise<void> {
    const { signal, store, work, say } = this.#options
    const { id } = taken.desk.header
    const begun = performance.now()
    const ended = this.#shares.begin(id)
    const stop = new AbortController()
    const { shard } = (taken.job.data ?? {}) as { shard?: unknown }
    this.#doing.set(taken.token, { run: id, shard: Number.isInteger(shard) ? Number(shard) : 0, stop })
    if (signal.aborted) stop.abort(signal.reason)
    try {
      const isDone = await doShard({ store, work, say, worker: this.id, runner, signal: stop.signal, ...taken })
      if (isDone) this.#done++
    } catch (error) {
      await this.#giveUp(id, error)
    } finally {
      this.#doing.delete(taken.token)
      ended((performance.now() - begun) / 1000)
    }
  }

  /** What the server does not take of a run ends no worker, and no other run. */
  async #giveUp(id: string, error: unknown): Promise<void> {
    const { signal, store, say } = this.#options
    if (signal.aborted || !(error instanceof PageboxError)) throw error
    say(`run ${id} is refused: ${error.message}`)
    const desk = this.#desks.get(id)
    if (desk?.kind === 'open') void desk.close()
    this.#desks.set(id, { kind: 'refused', why: error.message })
    await store.refuse(id, this.id, error.message).catch(() => {})
  }

  async #take(): Promise<Taken | undefined> {
    const { signal, store, lockMs = usual.lockMs } = this.#options
    const open = [...this.#desks].flatMap(([id, desk]) => (desk.kind === 'open' ? [id] : []))
    const now = performance.now()
    for (const id of this.#shares.order(open)) {
      if ((this.#emptyUntil.get(id) ?? 0) > now) continue
      const desk = this.#desks.get(id)
      if (desk?.kind !== 'open') continue
      const token = randomUUID()
      let job: Job | undefined
      try {
        job = await store.connection.patience.insist(() => takeFrom(desk.bull, token), signal)
      } catch (error) {
        if (signal.aborted) throw error
        await this.#unreadable(id, token, error)
        continue
      }
      if (job !== undefined) return { desk: { header: desk.header, lockMs }, job, token }
      this.#shares.skipped(id, open)
      this.#emptyUntil.set(id, performance.now() + longestIdleMs * (0.2 + Math.random() / 3))
    }
    return undefined
  }
}
