import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressOf, readAddress } from '../../lib/fleet/address.ts'
import { connect } from '../../lib/fleet/connect.ts'
import { coordinate } from '../../lib/fleet/coordinate.ts'
import { newRun } from '../../lib/fleet/filing.ts'
import { bullPrefix, keys } from '../../lib/fleet/names.ts'
import { loadPeers } from '../../lib/fleet/peers.ts'
import { packResult } from '../../lib/fleet/records.ts'
import type { Store } from '../../lib/fleet/store.ts'
import { FleetWorker } from '../../lib/fleet/worker.ts'
import type { Work } from '../../lib/fleet/work.ts'
import { alone } from './alone.ts'
import { answerOf, type FakeRequest, mergedOf, runShardData, work } from './fakeWork.mjs'
import { onServer, openStore } from './open.ts'
import { hasServer, TestServer } from './server.ts'

const request: FakeRequest = { kind: 'numbers', numbers: 60 }

describe('an address', () => {
  test.each([
    ['redis://host', { host: 'host', port: 6379, db: 0, tls: false }],
    ['redis://[::1]:7000/3', { host: '::1', port: 7000, db: 3, tls: false }],
    ['rediss://host:1/2', { host: 'host', port: 1, db: 2, tls: true }],
    ['/run/redis/redis.sock', { path: '/run/redis/redis.sock', db: 0, tls: false }],
    ['unix:///run/redis.sock?db=4', { path: '/run/redis.sock', db: 4, tls: false }],
    ['redis://me:s%40crt@host', { username: 'me', password: 's@crt', shown: 'redis://host' }],
  ])('%s', (text, read) => expect(readAddress(text)).toMatchObject(read))

  test.each([
    ['postgres://host/db', /stands on Redis or Valkey, not on 'postgres:'/],
    ['host:6379', /no address|not on 'host:'/],
    ['redis://', /host is missing|no address/],
    ['redis://host/x', /database is no whole number/],
    ['redis://host?x=1', /options behind/],
    ['unix://host/a', /absolute path/],
    ['nothing', /no address of a queue/],
  ])('%s is refused, and it is said what is allowed', (text, says) => {
    expect(() => readAddress(text)).toThrow(says)
    expect(() => readAddress(text)).toThrow(/allowed: redis:\/\/HOST/)
  })

  test('no password is ever shown, or taken from a command line', () => {
    const seen = (run: () => unknown): string => {
      try {
        run()
      } catch (error) {
        return String((error as Error).stack) + JSON.stringify(error)
      }
      return ''
    }
    for (const text of [
      'redis://me:hunter2@host',
      'redis://:hunter2@host/x',
      'http://a:hunter2@b',
      'x://:hunter2@[bad',
    ])
      expect(seen(() => addressOf({ queue: text }, {}))).not.toBe('')
    for (const text of [
      'redis://me:hunter2@host',
      'redis://:hunter2@host/x',
      'http://a:hunter2@b',
      'x://:hunter2@[bad',
    ])
      expect(seen(() => addressOf({ queue: text }, {}))).not.toContain('hunter2')
    expect(() => addressOf({ queue: 'redis://me:hunter2@host' }, {})).toThrow(/PAGEBOX_QUEUE_PASSWORD/)
    expect(addressOf({}, { PAGEBOX_QUEUE: 'redis://me:hunter2@host' })).toMatchObject({ password: 'hunter2' })
    expect(addressOf({ queue: '/s' }, { PAGEBOX_QUEUE_PASSWORD: 'p' })).toMatchObject({ password: 'p' })
  })

  test('a password may stand in a file, and there is no default', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pagebox-fleet-'))
    try {
      writeFileSync(join(folder, 'good'), 'secret\n')
      writeFileSync(join(folder, 'bad'), 'a\nb\n')
      expect(addressOf({ queue: '/s', passwordFile: join(folder, 'good') }, {})).toMatchObject({ password: 'secret' })
      expect(() => addressOf({ queue: '/s', passwordFile: join(folder, 'bad') }, {})).toThrow(/one line/)
    } finally {
      rmSync(folder, { recursive: true })
    }
    expect(() => addressOf({}, {})).toThrow(/which queue\? --queue or PAGEBOX_QUEUE/)
  })
})

test('without the packages the error has the command that installs them', async () => {
  const missing = () => Promise.reject(Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' }))
  await expect(loadPeers({ bullmq: missing, ioredis: missing })).rejects.toMatchObject({
    code: 'ERR_PAGEBOX_PEER',
    message: 'a fleet needs bullmq and ioredis, which are not installed: npm install bullmq@6 ioredis@6',
  })
  const broken = () => Promise.reject(new Error('broken'))
  await expect(loadPeers({ bullmq: missing, ioredis: broken })).rejects.toThrow('broken')
})

describe.skipIf(!hasServer)('a server', () => {
  const locked = new TestServer('--requirepass', 'hunter2')
  const evicts = new TestServer('--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru')
  const other = new TestServer()
  beforeAll(async () => void (await Promise.all([locked.start(), evicts.start(), other.start()])))
  afterAll(async () => void (await Promise.all([locked.close(), evicts.close(), other.close()])))

  const fails = (socket: string, says: RegExp, password?: string) =>
    expect(openStore(socket, password)).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_QUEUE',
      message: expect.stringMatching(says),
    })

  test('that is not there', async () => {
    await fails('/nowhere/redis.sock', /no Redis or Valkey answers there \(ENOENT/)
    const address = { host: '127.0.0.1', port: 1, tls: false, db: 0, shown: 'redis://127.0.0.1:1' }
    await expect(connect(address, () => {})).rejects.toThrow(/ECONNREFUSED/)
  })

  test('that wants another password, or one at all', async () => {
    await fails(locked.socket, /the password \(or the user\) is wrong; PAGEBOX_QUEUE_PASSWORD/, 'wrong')
    await fails(locked.socket, /a password is asked for; PAGEBOX_QUEUE_PASSWORD/)
    await (await openStore(locked.socket, 'hunter2')).store.close()
  })

  test('that throws away what it holds', () =>
    fails(evicts.socket, /maxmemory-policy allkeys-lru\); allowed: noeviction/))

  test('of another format', async () => {
    const { store } = await openStore(other.socket)
    await store.connection.redis.set(keys.format, '99')
    await fails(other.socket, /has format "99", this pagebox speaks format 1/)
    await store.close()
  })
})

describe.skipIf(!hasServer)('in a queue', { timeout: 60_000 }, () => {
  let store: Store
  onServer((made) => {
    store = made
  })

  const file = (of = 6, asked = request) => newRun(store, work, { command: 'pagebox numbers', request: asked, of })

  interface Doing {
    said: string[]
    stop: AbortController
    running: Promise<number>
  }
  const workerOf = (given: Work = work, part: Partial<ConstructorParameters<typeof FleetWorker>[0]> = {}): Doing => {
    const stop = new AbortController()
    const said: string[] = []
    const worker = new FleetWorker({
      store,
      work: given,
      cores: 1,
      runner: () => ({ run: (asked, shard) => runShardData(asked as FakeRequest, shard), close() {} }),
      signal: stop.signal,
      say: (text) => said.push(text),
      beatMs: 100,
      ...part,
    })
    return { said, stop, running: worker.run() }
  }
  const wait = (id: string, said: string[] = []) =>
    coordinate({ store, work, id, signal: AbortSignal.timeout(20_000), say: (text) => said.push(text), pollMs: 50 })
  const until = async (isSo: () => Promise<boolean> | boolean): Promise<void> => {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 30))
  }

  test('a run that does not exist', async () => {
    for (const id of ['nothere2', 'No Id', '../x', ''])
      await expect(wait(id)).rejects.toMatchObject({ code: 'ERR_PAGEBOX_RUN' })
  })

  test('a run of another version is refused with both sides named, and waits for one of its own', async () => {
    const { id } = await file()
    const identity = async () => ({ pagebox: '2.0.0', addon: 'cccc', rules: 'bbbb' })
    const wrong = workerOf({ ...work, identity })
    await until(() => wrong.said.length > 0)
    expect(wrong.said).toEqual([
      `run ${id} is refused: it is of another pagebox: pagebox 1.0.0 there, pagebox 2.0.0 here; addon aaaa there, addon cccc here`,
    ])
    expect(Object.values(await store.refusals(id))).toEqual([expect.stringContaining('pagebox 1.0.0 there')])
    const right = workerOf()
    expect(mergedOf((await wait(id)).documents)).toBe(await alone(request, 6))
    for (const { stop } of [wrong, right]) stop.abort()
    expect(await wrong.running).toBe(0)
  })

  test.each([
    ['no JSON', '{', /it is no JSON/],
    ['a field too many', JSON.stringify({ x: 1 }), /is damaged/],
    ['nothing', '', /is damaged/],
  ])('a run whose head is %s harms no other', async (_, header, says) => {
    const broken = (await file()).id
    const whole = (await file()).id
    await store.connection.redis.hset(keys.run(broken), 'header', header)
    const { said, stop, running } = workerOf()
    expect(mergedOf((await wait(whole)).documents)).toBe(await alone(request, 6))
    await until(() => said.some((line) => says.test(line) && line.includes(broken)))
    await expect(wait(broken)).rejects.toMatchObject({ code: 'ERR_PAGEBOX_QUEUE' })
    stop.abort()
    await running
    await store.forget(broken)
  })

  test('a command that is altered, or none, is not done', async () => {
    const header = await file()
    const altered = { ...header, request: { ...request, numbers: 61 } }
    await store.connection.redis.hset(keys.run(header.id), 'header', JSON.stringify(altered))
    const first = workerOf()
    await until(() => first.said.length > 0)
    expect(first.said[0]).toMatch(/its command has hash \w{64}, and says \w{64}/)
    first.stop.abort()
    await first.running
    await store.connection.redis.hset(keys.run(header.id), 'header', JSON.stringify({ ...header, request: 'rm -rf /' }))
    const second = workerOf()
    await until(() => second.said.length > 0)
    expect(second.said[0]).toMatch(/its command cannot be read: a request is \{ kind: numbers \}/)
    second.stop.abort()
    await second.running
    await store.forget(header.id)
  })

  test('foreign jobs are refused by name, without escapes being lost on a terminal, and the run is whole', async () => {
    const { id } = await file()
    const queue = store.queue(id)
    await queue.add('evil\x1b[2J', { shard: 1 })
    await queue.add('shard', { shard: 7 })
    await queue.add('shard', { shard: 1, run: 'import("fs")' })
    await queue.add('shard', 'text')
    await queue.add('shard', { shard: 2 }, { attempts: 5, jobId: 'x' })
    await store.connection.redis.hset(`${bullPrefix}:${id}:x`, 'data', '{no json')
    const { said, stop, running } = workerOf()
    expect(mergedOf((await wait(id)).documents)).toBe(await alone(request, 6))
    await until(() => said.filter((line) => line.includes('foreign job')).length >= 5)
    stop.abort()
    await running
    expect(said.join('\n')).toMatch(/foreign job 'evil.*allowed are jobs named 'shard'/)
    expect(said.join('\n')).toMatch(/shard 7 of 6/)
    expect(await queue.getJobCountByTypes('wait', 'active')).toBe(0)
  })

  test('keys of another kind end no worker, and harm no other run', async () => {
    const broken = []
    for (const key of [keys.results, keys.aside, keys.losses, (id: string) => `${bullPrefix}:${id}:active`]) {
      const { id } = await file()
      await store.file(id, [1, 2, 3, 4, 5, 6])
      await store.connection.redis.set(key(id), 'text')
      broken.push(id)
    }
    const whole = await file()
    const { said, stop, running } = workerOf()
    expect(mergedOf((await wait(whole.id)).documents)).toBe(await alone(request, 6))
    const refused = () =>
      said.filter((line) => /^run \w+ is refused: the server does not take this: WRONGTYPE/.test(line))
    await until(() => refused().length >= 4)
    await expect(wait(broken[0] as string)).rejects.toMatchObject({ code: 'ERR_PAGEBOX_QUEUE' })
    stop.abort()
    await running
    for (const id of broken) await store.connection.redis.del(`${bullPrefix}:${id}:active`)
    for (const id of broken) await store.forget(id)
  })

  test('a result that lies about its shard is refused, with who gave it, and the shard is done again', async () => {
    const { id, hash } = await file()
    await store.connection.redis.hset(keys.results(id), {
      '2': packResult({ worker: 'liar-1', document: { ...answerOf(request, { index: 3, of: 6 }), hash } }),
      '3': packResult({ worker: 'liar-2', document: { ...answerOf(request, { index: 3, of: 6 }), hash: 'other' } }),
      '4': packResult({ worker: 'liar-3', document: 'nothing' }),
      '5': Buffer.from('garbage'),
      '77': packResult({ worker: 'liar-4', document: answerOf(request, { index: 77, of: 100 }) }),
      x: packResult({ worker: 'liar-5', document: null }),
    })
    const { stop, running } = workerOf()
    const said: string[] = []
    const { documents, aside } = await wait(id, said)
    stop.abort()
    await running
    expect(mergedOf(documents)).toBe(await alone(request, 6))
    expect(aside).toEqual([])
    expect(said.join('\n')).toMatch(
      /shard 2 from liar-1 is refused: it says that it is shard 3\/6, and stands for 2\/6/,
    )
    expect(said.join('\n')).toMatch(/shard 3 from liar-2 is refused: it is of another command/)
    expect(said.join('\n')).toMatch(/shard 5 is refused: .*cannot be unpacked/)
    expect(Object.keys(await store.refusals(id))).toEqual(expect.arrayContaining(['liar-1', 'liar-2', 'liar-3']))
  })

  test('a worker’s own process that answers for another shard is not believed', async () => {
    const { id } = await file(6, { ...request, lies: [2] })
    const { stop, running } = workerOf()
    const { documents, aside } = await wait(id)
    stop.abort()
    await running
    expect(documents).toHaveLength(5)
    expect(aside).toMatchObject([
      { shard: 2, repeat: 'pagebox numbers --shard 2/6', losses: [{ ending: { kind: 'lies' } }, {}] },
    ])
  })

  test('one run has one coordinator at a time; the second one harms nothing', async () => {
    const { id } = await file()
    const first = wait(id)
    await until(async () => (await store.coordinator(id)) !== null)
    await expect(wait(id)).rejects.toMatchObject({
      code: 'ERR_PAGEBOX_RUN',
      message: expect.stringMatching(/has a coordinator, .*; a run has one at a time/),
    })
    const { stop, running } = workerOf()
    expect(mergedOf((await first).documents)).toBe(await alone(request, 6))
    stop.abort()
    await running
    expect(await store.coordinator(id)).toBeNull()
  })

  test('a run that is cancelled stops its coordinator and its workers, and can be taken up again', async () => {
    const { id } = await file(6, { ...request, ms: 50_000 })
    const waiting = wait(id)
    const told = expect(waiting).rejects.toThrow(/was cancelled; pagebox fleet resume/)
    let aborted = 0
    const runner = () => ({
      run: (_: unknown, __: unknown, signal: AbortSignal) =>
        new Promise<never>((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            aborted++
            reject(signal.reason)
          }),
        ),
      close() {},
    })
    const { stop, running } = workerOf(work, { runner })
    await until(async () => (await store.counts(id)).active === 1)
    await store.setState(id, 'cancelled')
    await store.obliterate(id)
    await told
    await until(() => aborted === 1)
    stop.abort()
    await running
    await store.setState(id, 'running')
    const quick = () => ({
      run: async (_: unknown, shard: { index: number; of: number }) => answerOf({ ...request, ms: 50_000 }, shard),
      close() {},
    })
    const again = workerOf(work, { runner: quick })
    expect((await wait(id)).documents).toHaveLength(6)
    again.stop.abort()
    await again.running
  })
})
