import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { childRunner } from '../../lib/fleet/child.ts'
import { coordinate, type RunOutcome } from '../../lib/fleet/coordinate.ts'
import { newRun } from '../../lib/fleet/filing.ts'
import { bullPrefix } from '../../lib/fleet/names.ts'
import { reportOf } from '../../lib/fleet/summary.ts'
import { FleetWorker } from '../../lib/fleet/worker.ts'
import type { Store } from '../../lib/fleet/store.ts'
import { answerOf, type FakeRequest, runShardData, work } from './fakeWork.mjs'
import { onServer, openStore } from './open.ts'
import { workerProcess } from './processes.ts'
import { hasServer, TestServer } from './server.ts'

const module = fileURLToPath(new URL('./fakeWork.mjs', import.meta.url))

describe.skipIf(!hasServer)('a shard', { timeout: 90_000 }, () => {
  let store: Store
  const server = onServer((made) => {
    store = made
  })

  async function ran(request: FakeRequest, workers = 2, limitSeconds = 600): Promise<RunOutcome & { said: string[] }> {
    const said: string[] = []
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 6, limitSeconds })
    const stop = new AbortController()
    const running = Array.from({ length: workers }, () =>
      new FleetWorker({
        store,
        work,
        cores: 1,
        runner: (seconds) => childRunner({ module, limitSeconds: seconds }),
        signal: stop.signal,
        say: (text) => said.push(text),
        beatMs: 200,
      }).run(),
    )
    try {
      return {
        ...(await coordinate({ store, work, id, signal: AbortSignal.timeout(60_000), say() {}, pollMs: 50 })),
        said,
      }
    } finally {
      stop.abort()
      await Promise.all(running)
    }
  }

  test.each([
    [
      'ends its process by a signal',
      { kills: [3] },
      { kind: 'signal', signal: 'SIGSEGV' },
      'ends the process (SIGSEGV)',
    ],
    ['ends its process', { exits: [3] }, { kind: 'exit', code: 7 }, 'ends the process (exit code 7)'],
    ['throws', { throws: [3] }, { kind: 'error', message: 'this shard\x1b[31m throws' }, 'fails: this shard'],
    ['never ends', { hangs: [3] }, { kind: 'endless', seconds: 1 }, 'does not end within 1 seconds'],
  ] as const)('that %s is tried elsewhere, then set aside, and the run goes on', async (_, part, ending, says) => {
    const request = { kind: 'numbers', numbers: 60, ...part } as const
    const outcome = await ran(request, 2, 'hangs' in part ? 1 : 600)
    expect(outcome.documents.map(({ shard }) => shard.index)).toEqual([1, 2, 4, 5, 6])
    expect(outcome.aside).toMatchObject([
      { shard: 3, repeat: 'pagebox numbers --shard 3/6', losses: [{ ending }, { ending }] },
    ])
    const workers = outcome.aside[0]?.losses.map(({ worker }) => worker)
    expect(new Set(workers).size).toBe(2)
    const { findings } = await reportOf(store, work, outcome.header.id)
    expect(findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          text: expect.stringContaining(`shard 3 ${says}`),
          repeat: 'pagebox numbers --shard 3/6',
        }),
      ]),
    )
    expect(outcome.said.join('\n')).toContain('to repeat it: pagebox numbers --shard 3/6')
  })

  test('that crashes is tried twice where there is one worker alone', async () => {
    const outcome = await ran({ kind: 'numbers', numbers: 60, kills: [1, 6] }, 1)
    expect(outcome.aside.map(({ shard }) => shard)).toEqual([1, 6])
    expect(outcome.documents).toHaveLength(4)
    // Another chance, with what does not crash.
    const { id } = outcome.header
    await store.tryAgain(id)
    const stop = new AbortController()
    const asked: FakeRequest = { kind: 'numbers', numbers: 60, kills: [1, 6] }
    const runner = () => ({
      run: async (_: unknown, shard: { index: number; of: number }) => answerOf(asked, shard),
      close() {},
    })
    const running = new FleetWorker({ store, work, cores: 1, runner, signal: stop.signal, say() {}, beatMs: 100 }).run()
    const again = await coordinate({ store, work, id, signal: AbortSignal.timeout(20_000), say() {}, pollMs: 50 })
    stop.abort()
    expect(await running).toBe(2)
    expect([again.documents.length, again.aside.length]).toEqual([6, 0])
  })

  test('that has lost ten workers is set aside, too', async () => {
    const request: FakeRequest = { kind: 'numbers', numbers: 60 }
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 6 })
    await store.file(id, [1, 2, 3, 4, 5, 6])
    await store.connection.redis.hset(`${bullPrefix}:${id}:s4`, 'stc', '10')
    const stop = new AbortController()
    const runner = () => ({
      run: (asked: unknown, shard: { index: number; of: number }) => runShardData(asked as FakeRequest, shard),
      close() {},
    })
    const running = new FleetWorker({ store, work, cores: 1, runner, signal: stop.signal, say() {}, beatMs: 100 }).run()
    const { aside } = await coordinate({ store, work, id, signal: AbortSignal.timeout(20_000), say() {}, pollMs: 50 })
    stop.abort()
    await running
    expect(aside).toMatchObject([{ shard: 4, losses: [{ ending: { kind: 'lost', workers: 10 } }] }])
    expect(await reportOf(store, work, id)).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ signature: 'ends the worker' })]),
    })
  })

  test('that was done twice counts once, with its findings', async () => {
    const request: FakeRequest = { kind: 'numbers', numbers: 60 }
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 6 })
    const document = await runShardData(request, { index: 4, of: 6 })
    const findings = [{ shard: 4, signature: 'x', text: 'x' }]
    await store.setAside(id, { shard: 4, losses: [], repeat: 'x' })
    expect(await store.storeResult(id, 4, { worker: 'a', document }, findings)).toBe(true)
    expect(await store.storeResult(id, 4, { worker: 'b', document }, findings)).toBe(false)
    await store.setAside(id, { shard: 4, losses: [], repeat: 'x' })
    expect(await store.counts(id)).toMatchObject({ done: 1, aside: 0, findings: 1 })
    await store.forget(id)
    expect(await store.storeResult(id, 5, { worker: 'b', document }, findings)).toBe(false)
    expect(await store.connection.redis.keys(`*${id}*`)).toEqual([])
  })

  test('a worker that ends by SIGTERM gives its shards back, and leaves no process behind', {
    timeout: 60_000,
  }, async () => {
    const request: FakeRequest = { kind: 'numbers', numbers: 60, ms: 60_000 }
    const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 2 })
    await store.file(id, [1, 2])
    const worker = workerProcess(server.socket, 2)
    while ((await store.counts(id)).active < 2) await sleep(50)
    await worker.kill('SIGTERM')
    expect(worker.out).toContain('done 0')
    expect(await store.counts(id)).toMatchObject({ active: 0, waiting: 2 })
    await store.forget(id)
  })
})

describe.skipIf(!hasServer)('a server', () => {
  test('that is full, and then away, is waited for; nothing is lost', { timeout: 120_000 }, async () => {
    const server = await new TestServer('--appendonly', 'yes', '--maxmemory-policy', 'noeviction').start()
    const { store } = await openStore(server.socket)
    const worker = workerProcess(server.socket, 1)
    try {
      const request: FakeRequest = { kind: 'numbers', numbers: 60, ms: 100 }
      const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 30 })
      const said: string[] = []
      const signal = AbortSignal.timeout(100_000)
      const outcome = coordinate({ store, work, id, signal, say: (text) => said.push(text), pollMs: 100 })
      while ((await store.counts(id)).done < 2) await sleep(50)
      await store.connection.redis.config('SET', 'maxmemory', '1')
      await worker.says('the queue is full (its maxmemory is used up); waiting')
      await sleep(1500)
      await store.connection.redis.config('SET', 'maxmemory', '0')
      await worker.says(/the queue is back after \d+ s; going on/)
      await server.kill()
      await worker.says('the queue is away; waiting')
      await sleep(1000)
      await server.start()
      expect((await outcome).documents).toHaveLength(30)
      expect(worker.out.match(/going on/g)?.length).toBeGreaterThanOrEqual(2)
    } finally {
      await worker.kill()
      await store.close()
      await server.close()
    }
  })

  test('whose workers have other clocks gives the same', { timeout: 90_000 }, async () => {
    const server = await new TestServer().start()
    const { store } = await openStore(server.socket)
    const day = 86_400_000
    const workers = [-day, day].map((shift) => workerProcess(server.socket, 1, { FAKE_CLOCK_SHIFT: String(shift) }))
    try {
      const request: FakeRequest = { kind: 'numbers', numbers: 60, ms: 100 }
      const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of: 20 })
      const signal = AbortSignal.timeout(80_000)
      for (const worker of workers) await worker.says('worker ')
      const { documents } = await coordinate({ store, work, id, signal, say() {}, pollMs: 100 })
      expect(documents).toHaveLength(20)
      const { summary } = await reportOf(store, work, id)
      expect(summary.seconds).toBeLessThan(80)
      expect(Math.abs(summary.filed - Date.now())).toBeLessThan(60_000)
      for (const worker of workers) await worker.kill('SIGTERM')
      for (const { out } of workers) expect(Number(/done (\d+)/.exec(out)?.[1])).toBeGreaterThan(0)
    } finally {
      for (const worker of workers) await worker.kill()
      await store.close()
      await server.close()
    }
  })
})
