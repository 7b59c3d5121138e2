import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { newRun } from '../../lib/fleet/filing.ts'
import type { Store } from '../../lib/fleet/store.ts'
import { tellOfWorker } from '../../lib/fleet/workers.ts'
import { runCli } from '../cli/testIo.ts'
import { work } from './fakeWork.mjs'
import { openStore } from './open.ts'
import { hasServer, TestServer } from './server.ts'

const commands = [
  ['run', 'zoo'],
  ['work'],
  ['status'],
  ['report', 'abcd2345'],
  ['cancel', 'abcd2345'],
  ['resume', 'abcd2345'],
]

afterEach(() => vi.unstubAllEnvs())

test.each(commands)('fleet %s without a queue is wrong use, and says what one is', async (...args) => {
  vi.stubEnv('PAGEBOX_QUEUE', '')
  const { code, out, err } = await runCli(['fleet', ...args])
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(
    /^pagebox: which queue\? --queue or PAGEBOX_QUEUE says it: redis:\/\/HOST.* \[ERR_PAGEBOX_QUEUE\]\n$/,
  )
})

test.each(commands)('fleet %s never prints a password', async (...args) => {
  const { code, err } = await runCli([
    'fleet',
    args[0] as string,
    '--queue',
    'redis://me:hunter2@127.0.0.1:1',
    ...args.slice(1),
  ])
  expect(code).toBe(2)
  expect(err).toContain('PAGEBOX_QUEUE_PASSWORD')
  expect(err).not.toContain('hunter2')
  vi.stubEnv('PAGEBOX_QUEUE', 'redis://me:hunter2@127.0.0.1:1')
  const there = await runCli(['fleet', ...args])
  expect(there.code).toBe(2)
  expect(there.err).toMatch(/redis:\/\/127.0.0.1:1: no Redis or Valkey answers there \(.*ECONNREFUSED/)
  expect(there.err).not.toContain('hunter2')
})

test.each([
  [['fleet', 'run', '--queue', '/x', '--shards', '0', 'zoo'], /whole number from 1 to 1000000/],
  [['fleet', 'run', '--queue', '/x'], /missing required argument 'command'/],
  [['fleet', 'work', '--queue', '/x', '--cores', 'many'], /whole number from 1 to 4096/],
  [['fleet', 'report', '--queue', '/x'], /missing required argument 'run'/],
  [['fleet', 'nothing'], /unknown command 'nothing'/],
  [['fleet', 'status', '--queue', 'postgres://host/db'], /stands on Redis or Valkey, not on 'postgres:'/],
])('%j is wrong use', async (args, says) => {
  const { code, err } = await runCli(args)
  expect(code).toBe(2)
  expect(err).toMatch(says)
})

test('each has its help, and so has the whole', async () => {
  for (const [name] of commands) {
    const { code, out } = await runCli(['fleet', name as string, '--help'])
    expect(code).toBe(0)
    expect(out).toContain('--queue <address>')
  }
  expect((await runCli(['fleet', '--help'])).out).toContain('npm install bullmq@6 ioredis@6')
})

describe.skipIf(!hasServer)('on a queue', () => {
  const server = new TestServer()
  let store: Store
  beforeAll(async () => {
    await server.start()
    store = (await openStore(server.socket)).store
  })
  afterAll(async () => {
    await store.close()
    await server.close()
  })
  const fleet = (name: string, ...args: string[]) => runCli(['fleet', name, '--queue', server.socket, ...args])

  test('nothing is there at first, and a run that is not there is named', async () => {
    expect((await fleet('status')).out).toBe('no runs\n\nno workers\n')
    for (const name of ['status', 'report', 'cancel', 'resume']) {
      const { code, err } = await fleet(name, 'nope2345')
      expect(code).toBe(2)
      expect(err).toMatch(/the queue has no run "nope2345"; pagebox fleet status lists them \[ERR_PAGEBOX_RUN\]/)
    }
  })

  test('status shows runs and workers, as text without escapes and as JSON; cancel and forget', async () => {
    const request = { kind: 'numbers', numbers: 10 }
    const { id } = await newRun(store, work, { command: 'pagebox \x1b[2J', request, of: 4 })
    await store.file(id, [1, 2, 3, 4])
    await store.setState(id, 'running')
    const worker = {
      id: 'alpha-1-abcd',
      host: 'alpha',
      pid: 1,
      cores: 8,
      by: { pagebox: '\x1b[31m1' },
      doing: [{ run: id, shard: 3 }],
      done: 7,
    }
    await tellOfWorker(store, worker)
    await store.refuse(id, 'beta-2-abcd', 'it is of another pagebox: \x07')
    const { code, out } = await fleet('status')
    expect(code).toBe(0)
    expect(out).toContain(id)
    expect(out).toMatch(/0 of 4/)
    expect(out).toContain('pagebox \\x1b[2J')
    expect(out).toMatch(/alpha-1-abcd +8 +7/)
    expect(out).toMatch(/beta-2-abcd does not do .*another pagebox: \\x07/)
    expect(out).not.toContain('\x1b')
    const json = JSON.parse((await fleet('status', id, '--json')).out)
    expect(json.runs).toMatchObject([{ run: id, state: 'running', of: 4, waiting: 4, done: 0 }])
    expect(json.workers).toMatchObject([{ id: 'alpha-1-abcd', isThere: true }])

    expect((await fleet('cancel', id)).out).toBe(
      `run ${id} is cancelled; what was done stays: pagebox fleet report ${id}\n`,
    )
    expect(await store.counts(id)).toMatchObject({ waiting: 0 })
    expect(await store.activeRuns()).toEqual([])
    expect((await fleet('cancel', id, '--forget')).out).toBe(`run ${id} is forgotten\n`)
    expect((await fleet('status')).out).toContain('no runs')
    expect(await store.connection.redis.keys(`*${id}*`)).toEqual([])
  })

  test('a run that is damaged is shown as that, and can be forgotten', async () => {
    const { id } = await newRun(store, work, { command: 'x', request: { kind: 'numbers', numbers: 1 }, of: 1 })
    await store.connection.redis.hset(`pagebox:run:${id}`, 'header', '{"format":1}')
    expect((await fleet('status')).out).toMatch(/damaged/)
    expect((await fleet('report', id)).err).toMatch(/run \w+ in the queue is damaged: .* \[ERR_PAGEBOX_QUEUE\]/)
    expect((await fleet('cancel', id)).code).toBe(2)
    expect((await fleet('cancel', id, '--forget')).code).toBe(0)
  })
})
