import { describe, expect, test } from 'vitest'
import { connect } from '../../lib/fleet/connect.ts'
import { coordinate } from '../../lib/fleet/coordinate.ts'
import { newRun } from '../../lib/fleet/filing.ts'
import { FleetWorker } from '../../lib/fleet/worker.ts'
import { bullPrefix } from '../../lib/fleet/names.ts'
import { Store } from '../../lib/fleet/store.ts'
import { seenWorkers } from '../../lib/fleet/workers.ts'
import { alone } from './alone.ts'
import { type FakeRequest, mergedOf, runShardData, work } from './fakeWork.mjs'
import { onServer } from './open.ts'
import { hasServer, skipped } from './server.ts'

if (!hasServer) console.warn(skipped)

const request: FakeRequest = { kind: 'numbers', numbers: 300 }

describe.skipIf(!hasServer)('a run', { timeout: 60_000 }, () => {
  let store: Store
  const server = onServer((made) => {
    store = made
  })

  const worker = (signal: AbortSignal, cores = 2, untilIdle = false, on = store): FleetWorker =>
    new FleetWorker({
      store: on,
      work,
      cores,
      runner: () => ({ run: (asked, shard) => runShardData(asked as FakeRequest, shard), close() {} }),
      signal,
      say() {},
      beatMs: 100,
      untilIdle,
    })

  test('gives what one machine gives, byte for byte, and its findings as they come', async () => {
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 40 })
    const stop = new AbortController()
    const running = worker(stop.signal).run()
    const found: string[] = []
    const outcome = await coordinate({
      store,
      work,
      id,
      signal: stop.signal,
      say() {},
      pollMs: 50,
      onFinding: ({ signature }) => found.push(signature),
    })
    stop.abort()
    expect(await running).toBe(40)
    expect(mergedOf(outcome.documents)).toBe(await alone(request, 40))
    expect(found.length).toBe(43)
    expect(outcome.aside).toEqual([])
    expect((await store.run(id)).state).toBe('done')
    expect(await store.activeRuns()).toEqual([])
    // No shard takes memory once it is done.
    expect(await store.connection.redis.keys(`${bullPrefix}:${id}:s[0-9]*`)).toEqual([])
  })

  test('shares a worker with another one that is filed later', { timeout: 60_000 }, async () => {
    const slow: FakeRequest = { ...request, ms: 30 }
    const long = await newRun(store, work, { command: 'pagebox numbers', request: slow, of: 120 })
    const stop = new AbortController()
    const running = worker(stop.signal, 1).run()
    const wait = (id: string) => coordinate({ store, work, id, signal: stop.signal, say() {}, pollMs: 30 })
    const first = wait(long.id)
    while ((await store.counts(long.id)).done < 10) await new Promise((resolve) => setTimeout(resolve, 20))
    const short = await newRun(store, work, { command: 'pagebox numbers', request: slow, of: 20 })
    const before = (await store.counts(long.id)).done
    await wait(short.id)
    const after = (await store.counts(long.id)).done
    // About as many of the long one as of the short one, and the long one is far from its end.
    expect(after - before).toBeGreaterThan(5)
    expect(after - before).toBeLessThan(60)
    await first
    stop.abort()
    expect(await running).toBe(140)
  })

  test('ends a worker that was to stay until there is nothing to do', async () => {
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 10 })
    const stop = new AbortController()
    const running = worker(stop.signal, 2, true).run()
    await coordinate({ store, work, id, signal: stop.signal, say() {}, pollMs: 30 })
    expect(await running).toBe(10)
    expect(await seenWorkers(store)).toEqual([])
  })

  test('is not done by a worker whose results were refused', async () => {
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request: { ...request, ms: 20 }, of: 200 })
    const stop = new AbortController()
    const one = worker(stop.signal, 1)
    const running = one.run()
    const waiting = coordinate({ store, work, id, signal: stop.signal, say() {}, pollMs: 30 }).catch(
      (error: Error) => error.name,
    )
    while ((await store.counts(id)).done === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    await store.refuse(id, one.id, 'it lies')
    await new Promise((resolve) => setTimeout(resolve, 600))
    const { done } = await store.counts(id)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await store.counts(id)).done).toBe(done)
    expect(done).toBeLessThan(200)
    stop.abort()
    expect(await waiting).toBe('AbortError')
    await running
    await store.setState(id, 'cancelled')
    await store.forget(id)
  })

  test('that lost what was filed, as a restarted server may, files it again', async () => {
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 20 })
    const stop = new AbortController()
    const waiting = coordinate({ store, work, id, signal: stop.signal, say() {}, pollMs: 30 })
    while ((await store.counts(id)).waiting < 20) await new Promise((resolve) => setTimeout(resolve, 20))
    await store.obliterate(id)
    const running = worker(stop.signal).run()
    expect(mergedOf((await waiting).documents)).toBe(await alone(request, 20))
    stop.abort()
    await running
  })

  test('is found again by a second coordinator, once the first one is gone, whatever was filed', async () => {
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 30 })
    await store.file(id, [1, 2, 3])
    const lost = new AbortController()
    const first = coordinate({ store, work, id, signal: lost.signal, say() {}, pollMs: 30 })
    lost.abort()
    await expect(first).rejects.toThrow()
    const stop = new AbortController()
    const running = worker(stop.signal).run()
    const again = await coordinate({ store, work, id, signal: stop.signal, say() {}, pollMs: 30, waitForLease: true })
    expect(mergedOf(again.documents)).toBe(await alone(request, 30))
    // What is done is there for whoever asks once more.
    expect((await coordinate({ store, work, id, signal: stop.signal, say() {} })).documents).toHaveLength(30)
    stop.abort()
    await running
  })

  test('needs no more of a server than its own keys', async () => {
    await store.connection.redis.call(
      'ACL',
      'SETUSER',
      'fleet',
      'on',
      '>secret',
      '~pagebox:*',
      '+@all',
      '-@admin',
      '-@dangerous',
      '+info',
    )
    const address = { path: server.socket, tls: false, db: 0, username: 'fleet', password: 'secret', shown: 'there' }
    const own = new Store(await connect(address, () => {}))
    const { id } = await newRun(own, work, { command: 'pagebox numbers', request, of: 20 })
    const stop = new AbortController()
    const running = worker(stop.signal, 2, false, own).run()
    const { documents } = await coordinate({ store: own, work, id, signal: stop.signal, say() {}, pollMs: 30 })
    expect(mergedOf(documents)).toBe(await alone(request, 20))
    await own.forget(id)
    stop.abort()
    await running
    await own.close()
  })
})
