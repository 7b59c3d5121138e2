import type { Queue, QueueOptions } from 'bullmq'
import { PageboxError } from '../errors.ts'
import type { Connection } from './connect.ts'
import { bullPrefix, isRunId, jobIdOf, jobName, keys } from './names.ts'
import {
  type AsideRecord,
  asideRecord,
  type FindingRecord,
  findingRecord,
  type Loss,
  losses,
  mostResultBytes,
  packResult,
  type ResultRecord,
  type RunHeader,
  type RunState,
  readRecord,
  runHeader,
  runState,
  unpackResult,
} from './records.ts'

/** The first result of a shard counts, with its findings, and takes it from those set aside. */
const storeScript = `
if redis.call('EXISTS', KEYS[4]) == 0 then return -1 end
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
for i = 3, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
return 1`

/** Nothing is set aside that has a result. */
const asideScript = `
if redis.call('EXISTS', KEYS[3]) == 0 then return -1 end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
return redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2])`

/** Only who holds it may keep it or give it back. */
const holdScript = `
local who = redis.call('GET', KEYS[1])
if who and who ~= ARGV[1] then return who end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return false`

export interface RunCounts {
  readonly done: number
  readonly aside: number
  readonly waiting: number
  readonly active: number
  readonly findings: number
}

export interface StoredRun {
  readonly header: RunHeader
  readonly state: RunState
  /** By the server's clock, in milliseconds. */
  readonly ended: number | undefined
}

const noRun = (id: string): PageboxError =>
  new PageboxError('ERR_PAGEBOX_RUN', `the queue has no run ${JSON.stringify(id)}; pagebox fleet status lists them`, {
    argument: 'run',
    given: id,
  })

/** Pieces of a read: no reply of the server is longer. */
const chunk = 500

/** What a fleet keeps in its queue, by name. Every method may throw what the connection throws. */
export class Store {
  readonly connection: Connection
  readonly #queues = new Map<string, Queue>()

  constructor(connection: Connection) {
    this.connection = connection
  }

  get #redis() {
    return this.connection.redis
  }

  options(): QueueOptions {
    return {
      connection: this.#redis,
      prefix: bullPrefix,
      skipVersionCheck: true,
      streams: { events: { maxLen: 100 } },
    }
  }

  queue(id: string): Queue {
    const known = this.#queues.get(id)
    if (known !== undefined) return known
    const queue = new this.connection.bullmq.Queue(id, this.options())
    // The connection tells of itself.
    queue.on('error', () => {})
    this.#queues.set(id, queue)
    return queue
  }

  /** Milliseconds of the server's clock: those of the machines may differ. */
  async now(): Promise<number> {
    const [seconds, micros] = (await this.#redis.time()) as unknown as [string | number, string | number]
    return Number(seconds) * 1000 + Number(micros) / 1000
  }

  async create(header: RunHeader): Promise<void> {
    await this.#redis
      .multi()
      .hset(keys.run(header.id), { header: JSON.stringify(header), state: 'filing' })
      .zadd(keys.runs, await this.now(), header.id)
      .sadd(keys.active, header.id)
      .exec()
  }

  /** Throws `ERR_PAGEBOX_RUN` where there is none, `ERR_PAGEBOX_QUEUE` where it is damaged. */
  async run(id: string): Promise<StoredRun> {
    const found = isRunId(id) ? await this.#redis.hgetall(keys.run(id)) : {}
    if (Object.keys(found).length === 0) throw noRun(id)
    const header = readRecord(runHeader, found.header, `run ${id}`)
    const state = runState.safeParse(found.state)
    if (!state.success || header.id !== id)
      throw new PageboxError('ERR_PAGEBOX_QUEUE', `run ${id} in the queue is damaged`)
    const ended = Number(found.ended)
    return { header, state: state.data, ended: found.ended === undefined || Number.isNaN(ended) ? undefined : ended }
  }

  async state(id: string): Promise<RunState | undefined> {
    return runState.safeParse(await this.#redis.hget(keys.run(id), 'state')).data
  }

  /** Of a run that is there; nothing happens to one that was forgotten. */
  async setState(id: string, state: RunState): Promise<void> {
    if ((await this.state(id)) === undefined) return
    const isActive = state === 'running' || state === 'filing'
    const transaction = this.#redis.multi()
    if (isActive) transaction.hset(keys.run(id), { state }).hdel(keys.run(id), 'ended').sadd(keys.active, id)
    else transaction.hset(keys.run(id), { state, ended: Math.round(await this.now()) }).srem(keys.active, id)
    await transaction.exec()
  }

  activeRuns(): Promise<string[]> {
    return this.#redis.smembers(keys.active)
  }

  /** All ids, oldest first, with the server's time of filing in milliseconds. */
  async runs(): Promise<{ id: string; filed: number }[]> {
    const found = await this.#redis.zrange(keys.runs, 0, '-1', 'WITHSCORES')
    return found.flatMap((id, at) => (at % 2 === 0 && isRunId(id) ? [{ id, filed: Number(found[at + 1]) }] : []))
  }

  /** Puts shards into the queue; those that wait there already are not doubled. */
  async file(id: string, shards: readonly number[]): Promise<void> {
    await this.queue(id).addBulk(
      shards.map((shard) => ({ name: jobName, data: { shard }, opts: { jobId: jobIdOf(shard), removeOnFail: false } })),
    )
  }

  /** Once more, behind all that wait. */
  async fileAgain(id: string, shard: number, again: number): Promise<void> {
    await this.queue(id).add(jobName, { shard }, { jobId: jobIdOf(shard, again), removeOnFail: false })
  }

  /** A job that BullMQ itself cannot read: the one that is locked for `token`. Gives its id. */
  async dropUnreadable(id: string, token: string): Promise<string | undefined> {
    const prefix = `${bullPrefix}:${id}`
    for (const job of await this.#redis.lrange(`${prefix}:active`, 0, -1)) {
      const lock = `${prefix}:${job}:lock`
      if ((await this.#redis.get(lock)) !== token) continue
      await this.#redis.multi().lrem(`${prefix}:active`, 0, job).del(lock, `${prefix}:${job}`).exec()
      return job
    }
    return undefined
  }

  async counts(id: string): Promise<RunCounts> {
    const [done, aside, findings, jobs] = await Promise.all([
      this.#redis.hlen(keys.results(id)),
      this.#redis.hlen(keys.aside(id)),
      this.#redis.llen(keys.findings(id)),
      this.queue(id).getJobCounts('wait', 'active', 'prioritized', 'delayed'),
    ])
    const { wait = 0, active = 0, prioritized = 0, delayed = 0 } = jobs
    return { done, aside, findings, waiting: wait + prioritized + delayed, active }
  }

  async isDecided(id: string, shard: number): Promise<boolean> {
    const [result, aside] = await Promise.all([
      this.#redis.hexists(keys.results(id), String(shard)),
      this.#redis.hexists(keys.aside(id), String(shard)),
    ])
    return result === 1 || aside === 1
  }

  /** Numbers that have neither a result nor were set aside. */
  async missing(id: string, of: number): Promise<number[]> {
    const decided = new Uint8Array(of + 1)
    for (const key of [keys.results(id), keys.aside(id)])
      for (const shard of await this.#redis.hkeys(key)) if (Number(shard) <= of) decided[Number(shard)] = 1
    const missing: number[] = []
    for (let shard = 1; shard <= of; shard++) if (decided[shard] === 0) missing.push(shard)
    return missing
  }

  /** Whether it was the first one of this shard. Throws `ERR_PAGEBOX_QUEUE` where it is too long. */
  async storeResult(
    id: string,
    shard: number,
    record: ResultRecord,
    findings: readonly FindingRecord[],
  ): Promise<boolean> {
    const packed = packResult(record)
    if (packed.length > mostResultBytes)
      throw new PageboxError(
        'ERR_PAGEBOX_QUEUE',
        `the result of a shard has ${packed.length} bytes, packed; allowed: ${mostResultBytes}. More shards make it smaller`,
      )
    const stored = await this.#redis.eval(
      storeScript,
      4,
      keys.results(id),
      keys.aside(id),
      keys.findings(id),
      keys.run(id),
      String(shard),
      packed,
      ...findings.map((finding) => JSON.stringify(finding)),
    )
    return stored === 1
  }

  /** Results, a piece at a time, by what somebody says that their number is; what cannot be read comes as an error. */
  async *results(id: string): AsyncIterable<{ shard: string; record: ResultRecord | PageboxError }> {
    let cursor = '0'
    do {
      const [next, found] = await this.#redis.hscanBuffer(keys.results(id), cursor, 'COUNT', chunk)
      cursor = next.toString()
      for (let at = 0; at + 1 < found.length; at += 2) {
        const shard = String(found[at])
        try {
          yield { shard, record: unpackResult(found[at + 1] as Buffer, `the result of shard ${shard} of run ${id}`) }
        } catch (error) {
          if (!(error instanceof PageboxError)) throw error
          yield { shard, record: error }
        }
      }
    } while (cursor !== '0')
  }

  async dropResult(id: string, shard: string): Promise<void> {
    await this.#redis.hdel(keys.results(id), shard)
  }

  async losses(id: string, shard: number): Promise<Loss[]> {
    const found = await this.#redis.hget(keys.losses(id), String(shard))
    return found === null ? [] : readRecord(losses, found, `what ended in shard ${shard} of run ${id}`)
  }

  async noteLoss(id: string, shard: number, one: Loss): Promise<Loss[]> {
    const all = [...(await this.losses(id, shard)), one]
    await this.#redis.hset(keys.losses(id), String(shard), JSON.stringify(all))
    return all
  }

  async setAside(id: string, record: AsideRecord): Promise<void> {
    const key = String(record.shard)
    await this.#redis.eval(asideScript, 3, keys.results(id), keys.aside(id), keys.run(id), key, JSON.stringify(record))
  }

  async aside(id: string): Promise<AsideRecord[]> {
    const found = await this.#redis.hvals(keys.aside(id))
    return found
      .map((text) => readRecord(asideRecord, text, `a shard of run ${id} that was set aside`))
      .sort((a, b) => a.shard - b.shard)
  }

  /** Gives shards that were set aside another chance, and workers that were refused. */
  async tryAgain(id: string): Promise<void> {
    await this.#redis.del(keys.aside(id), keys.losses(id), keys.refused(id))
    await this.setState(id, 'filing')
  }

  /** From number `from` on, as they came. */
  async findings(id: string, from = 0): Promise<FindingRecord[]> {
    const found = await this.#redis.lrange(keys.findings(id), from, -1)
    return found.map((text) => readRecord(findingRecord, text, `a finding of run ${id}`))
  }

  async refuse(id: string, worker: string, why: string): Promise<void> {
    await this.#redis.hset(keys.refused(id), worker, why.slice(0, 2000))
  }

  refusals(id: string): Promise<Record<string, string>> {
    return this.#redis.hgetall(keys.refused(id))
  }

  async isRefused(id: string, worker: string): Promise<string | null> {
    return this.#redis.hget(keys.refused(id), worker)
  }

  /** Takes or keeps the one coordinator's place for `ms`; gives the other one's name where it is taken. */
  async hold(id: string, who: string, ms: number): Promise<string | undefined> {
    const other = await this.#redis.eval(holdScript, 1, keys.coordinator(id), who, String(Math.round(ms)))
    return typeof other === 'string' ? other : undefined
  }

  coordinator(id: string): Promise<string | null> {
    return this.#redis.get(keys.coordinator(id))
  }

  /** Takes the shards out of the queue; results stay. */
  async obliterate(id: string): Promise<void> {
    await this.queue(id).obliterate({ force: true, count: 10_000 })
  }

  /** Takes all of it out, results too. */
  async forget(id: string): Promise<void> {
    await this.obliterate(id)
    await this.#redis
      .multi()
      .srem(keys.active, id)
      .zrem(keys.runs, id)
      .unlink(
        keys.run(id),
        keys.results(id),
        keys.aside(id),
        keys.losses(id),
        keys.findings(id),
        keys.refused(id),
        keys.coordinator(id),
        `${bullPrefix}:${id}:meta`,
      )
      .exec()
  }

  async close(): Promise<void> {
    const closing = [...this.#queues.values()].map((queue) => queue.close().catch(() => {}))
    await Promise.race([Promise.all(closing), new Promise((resolve) => setTimeout(resolve, 500).unref())])
    await this.connection.close()
  }
}
