import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis, RedisOptions } from 'ioredis'
import { PageboxError } from '../errors.ts'
import type { Address } from './address.ts'
import { keys, queueFormat } from './names.ts'
import { cannotReach, type Patience, patience, troubleOf } from './patience.ts'
import { loadPeers, type Peers } from './peers.ts'

/** A queue that answered. */
export interface Connection {
  readonly redis: Redis
  readonly bullmq: Peers['bullmq']
  readonly shown: string
  readonly patience: Patience
  /** Whether a restart of the server loses what it holds; undefined: it does not tell. */
  readonly forgets: boolean | undefined
  close(): Promise<void>
}

const connectMs = 5000
const longestRetryMs = 2000
const firstRetryMs = 500

/** Names and numbers of INFO; nothing where the user may not ask. */
async function infoOf(redis: Redis): Promise<ReadonlyMap<string, string>> {
  try {
    const text = await redis.info()
    return new Map(
      text.split(/\r?\n/).flatMap((line) => {
        const at = line.indexOf(':')
        return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
      }),
    )
  } catch (error) {
    if (troubleOf(error) !== undefined) throw error
    return new Map()
  }
}

function checkServer(info: ReadonlyMap<string, string>, shown: string): void {
  const version = info.get('redis_version')
  const major = Number(version?.split('.')[0])
  if (version !== undefined && !(major >= 6))
    throw new PageboxError('ERR_PAGEBOX_QUEUE', `${shown}: Redis ${version} is too old; allowed: 6.2 or newer, Valkey`)
  const policy = info.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction' && Number(info.get('maxmemory')) > 0)
    throw new PageboxError(
      'ERR_PAGEBOX_QUEUE',
      `${shown}: this server throws shards away when its memory is full (maxmemory-policy ${policy}); allowed: noeviction`,
    )
}

/** Whose queue this is; a new one is made ours. */
async function checkFormat(redis: Redis, shown: string): Promise<void> {
  await redis.setnx(keys.format, String(queueFormat))
  const found = await redis.get(keys.format)
  if (found !== String(queueFormat))
    throw new PageboxError(
      'ERR_PAGEBOX_QUEUE',
      `${shown}: this queue has format ${JSON.stringify(found?.slice(0, 40))}, this pagebox speaks format ${queueFormat}; use the pagebox of its workers, or another database (redis://HOST/DB)`,
    )
}

export interface ConnectOptions {
  /** How long a queue may take to be there at all; 0: it must be there now. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
}

/** One attempt, up to a server that is fit for a fleet. */
async function attempt(Redis: Peers['Redis'], options: RedisOptions, shown: string): Promise<Attempt> {
  let isUp = false
  const redis = new Redis({
    ...options,
    retryStrategy: (times) => (isUp ? Math.min(longestRetryMs, 100 * times) : null),
    reconnectOnError: (error) => isUp && /^READONLY /.test(error.message),
  })
  let first: unknown
  redis.on('error', (error) => {
    first ??= error
  })
  try {
    await redis.connect()
    const info = await infoOf(redis)
    checkServer(info, shown)
    await checkFormat(redis, shown)
    isUp = true
    return { redis, info }
  } catch (error) {
    redis.disconnect()
    // What was behind it.
    throw (error as Error).message === 'Connection is closed.' ? (first ?? error) : error
  }
}

interface Attempt {
  readonly redis: Redis
  readonly info: ReadonlyMap<string, string>
}

/**
 * Connects. What fails now throws `ERR_PAGEBOX_QUEUE`; a queue that was there once is waited for without end.
 *
 * `say` gets one line for each change: the queue is away, full, back.
 */
export async function connect(
  address: Address,
  say: (text: string) => void,
  { waitMs = 0, signal }: ConnectOptions = {},
): Promise<Connection> {
  const { bullmq, Redis } = await loadPeers()
  const { shown } = address
  const options: RedisOptions = {
    ...(address.path === undefined ? { host: address.host, port: address.port } : { path: address.path }),
    db: address.db,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    ...(address.tls && { tls: { servername: address.host } }),
    lazyConnect: true,
    connectTimeout: connectMs,
    maxRetriesPerRequest: null,
  }
  const until = performance.now() + waitMs
  const waits = patience(say)
  let made: Attempt
  for (;;) {
    try {
      made = await attempt(Redis, options, shown)
      break
    } catch (error) {
      if (error instanceof PageboxError) throw error
      const trouble = troubleOf(error)
      if (trouble === undefined || performance.now() >= until) throw cannotReach(shown, error)
      waits.lost(trouble)
      await sleep(firstRetryMs, undefined, { signal })
    }
  }
  waits.found()
  const { redis, info } = made
  let isClosing = false
  redis.on('close', () => {
    if (!isClosing) waits.lost('away')
  })
  redis.on('ready', () => waits.found())
  return {
    redis,
    bullmq,
    shown,
    patience: waits,
    forgets: info.has('aof_enabled') ? info.get('aof_enabled') === '0' : undefined,
    async close() {
      isClosing = true
      redis.disconnect()
    },
  }
}
