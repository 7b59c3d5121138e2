import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mergeShards, runShard, shardRequest, zoo } from 'pagebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newRun } from '../../lib/fleet/filing.ts'
import { shardWork } from '../../lib/fleet/shardWork.ts'
import { cliArguments } from '../cli/command.ts'
import { runCli } from '../cli/testIo.ts'
import { openStore } from './open.ts'
import { hasServer, TestServer } from './server.ts'

// The commands of pagebox, as people run them: `fleet work` and `fleet run` in processes of their own.

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

describe.skipIf(!hasServer)('a fleet of two workers', () => {
  const server = new TestServer('--appendonly', 'yes')
  const folder = mkdtempSync(join(tmpdir(), 'pagebox-fleet-'))
  const alive = new Set<ReturnType<typeof spawn>>()
  beforeAll(() => server.start().then(() => {}))
  afterAll(async () => {
    for (const child of alive) child.kill('SIGKILL')
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function pagebox(...args: string[]): { child: ReturnType<typeof spawn>; ended: Promise<Ended> } {
    const child = spawn(process.execPath, [...cliArguments, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PAGEBOX_QUEUE: server.socket, NO_COLOR: '1' },
      cwd: folder,
    })
    alive.add(child)
    let out = ''
    let err = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    const ended = new Promise<Ended>((resolve) =>
      child.once('close', (code) => {
        alive.delete(child)
        resolve({ code, out, err })
      }),
    )
    return { child, ended }
  }
  const work = () => pagebox('fleet', 'work', '--cores', '1')
  /** Without what a clock said. */
  const timeless = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, each) => (/seconds|perSecond/i.test(key) ? undefined : each)))

  test('runs entries of the zoo, one worker killed in the middle, as one machine does', {
    timeout: 240_000,
  }, async () => {
    const html = join(folder, 'zoo.html')
    const entries = zoo()
      .slice(0, 6)
      .map(({ id }) => id)
    const request = await shardRequest('zoo', { entries })
    const { store } = await openStore(server.socket)
    const { id } = await newRun(store, shardWork, { command: 'pagebox zoo', request, of: entries.length })
    const workers = [work(), work()]
    const resumed = pagebox('fleet', 'resume', id, '--json', '--html', html)
    while ((await store.counts(id)).done < 2) await sleep(50)
    workers[0]?.child.kill('SIGKILL')
    const { code, out, err } = await resumed.ended
    expect(code, err).toBe(0)
    const report = JSON.parse(out)
    expect(report).toMatchObject({ run: id, state: 'done', command: 'pagebox zoo', findings: [], aside: [] })
    const alone = mergeShards([await runShard(request, { index: 1, of: 1 })])
    expect(timeless(report.document)).toEqual(timeless(alone.document))
    expect(readFileSync(html, 'utf8')).toContain('6 of 6 shards done')
    const text = await pagebox('fleet', 'report', id).ended
    expect(text.code).toBe(0)
    expect(text.out).toMatch(/6 of 6 found, repeated and absent without the bug/)
    workers[1]?.child.kill('SIGTERM')
    expect((await (workers[1] as ReturnType<typeof work>).ended).code).toBe(143)
    await store.close()
  })

  test('explores what one machine explores, and finds what it finds', { timeout: 240_000 }, async () => {
    const command = ['explore', 'pins-against-migration', '--samples', '1000', '--seed', '7']
    const ran = pagebox('fleet', 'run', '--shards', '8', '--json', ...command)
    const workers = [work(), work()]
    const { code, out, err } = await ran.ended
    for (const { child } of workers) child.kill('SIGTERM')
    const alone = await pagebox(...command, '--json').ended
    expect(code, err).toBe(alone.code)
    const { document, findings } = JSON.parse(out)
    const whole = JSON.parse(alone.out)
    expect(document.schedules).toBe(whole.schedules)
    expect(timeless(document.outcomes)).toEqual(timeless(whole.outcomes))
    expect(findings.length > 0).toBe(alone.code === 1)
  })

  test('compares recordings that lie on the worker, and on no queue', { timeout: 240_000 }, async () => {
    const file = join(import.meta.dirname, '../vectors/handwritten.jsonl.gz')
    const ran = pagebox('fleet', 'run', '--shards', '3', '--json', 'conform', file)
    const worker = pagebox('fleet', 'work', '--cores', '1', '--recordings', file)
    const { code, out, err } = await ran.ended
    worker.child.kill('SIGTERM')
    const { document, aside } = JSON.parse(out)
    expect({ code, aside }, err).toEqual({ code: 0, aside: [] })
    const alone = JSON.parse((await pagebox('conform', file, '--json').ended).out)
    expect(document).toMatchObject({ scenarios: alone.scenarios, operations: alone.operations, matched: alone.matched })
  })

  test.each([
    [['schemes'], /"schemes" cannot be shared; a fleet runs explore, stress, zoo, conform, compare/],
    [['zoo', '--shard', '1/2'], /--shard is for one machine/],
    [['zoo', '--html', 'x.html'], /--html is of the whole/],
    [['zoo', 'nothing'], /no entry "nothing"|no bug/],
    [['explore', 'pins', '--samples', '-1'], /samples/],
    [['zoo', '--list'], /has no shards/],
  ])('%j is wrong use', async (command, says) => {
    const { code, err } = await runCli(['fleet', 'run', '--queue', server.socket, '--detach', ...command])
    expect(err).toMatch(says)
    expect(code).toBe(2)
  })
})
