import { createHash } from 'node:crypto'
import { connect } from '../../lib/fleet/connect.ts'
import { Store } from '../../lib/fleet/store.ts'
import type { Work, WorkDocument } from '../../lib/fleet/work.ts'
import { TestServer } from '../../test/fleet/server.ts'

export interface BusyRequest {
  /** Rounds of arithmetic that a shard does: the same number on every machine, in other times. */
  readonly rounds: number
  /** Of what it answers. */
  readonly bytes: number
}

const hashOf = (data: unknown): string => createHash('sha256').update(JSON.stringify(data)).digest('hex')

/** Shards that compute nothing of use, and answer with so many bytes that packing cannot shorten by much. */
export const busyWork: Work = {
  identity: async () => ({ benchmark: '1' }),
  readRequest: (data) => ({ hash: hashOf(data), data }),
  readDocument(data) {
    const { hash, shard } = data as WorkDocument
    return { hash, shard, data }
  },
  findings: () => [],
  merge: () => ({ findings: [], document: null, seconds: 0, done: 0 }),
  repeat: (command) => command,
}

export function answer(request: BusyRequest, shard: { index: number; of: number }): unknown {
  let filler = ''
  // Three quarters of what hexadecimal digits take are left by packing: about what a document of numbers packs to.
  for (let at = 0; filler.length < request.bytes; at++) filler += hashOf([shard.index, at])
  return { hash: hashOf(request), shard, filler: filler.slice(0, request.bytes) }
}

export async function withServer<Result>(
  options: readonly string[],
  run: (open: () => Promise<Store>, socket: string) => Promise<Result>,
): Promise<Result> {
  const server = await new TestServer(...options).start()
  const stores: Store[] = []
  const open = async (): Promise<Store> => {
    const address = { path: server.socket, tls: false, db: 0, shown: server.socket }
    const store = new Store(await connect(address, (text) => console.error(text)))
    stores.push(store)
    return store
  }
  try {
    return await run(open, server.socket)
  } finally {
    for (const store of stores) await store.close()
    await server.close()
  }
}

export async function usedBytes(store: Store): Promise<number> {
  const info = await store.connection.redis.info('memory')
  return Number(/used_memory:(\d+)/.exec(info)?.[1])
}

/** Processor seconds of the server so far: on a machine with other work they say more than the clock. */
export async function serverSeconds(store: Store): Promise<number> {
  const info = await store.connection.redis.info('cpu')
  return Number(/used_cpu_user:([\d.]+)/.exec(info)?.[1]) + Number(/used_cpu_sys:([\d.]+)/.exec(info)?.[1])
}

export const print = (result: object): void => console.log(JSON.stringify(result, null, 2))
