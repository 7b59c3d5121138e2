import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mergeShards, runShard, shardRequest, zoo } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { newRun } from '../../lib/fleet/filing.ts'
import { shardWork } from '../../lib/fleet/shardWork.ts'
import { onCommands, timeless } from './commandProcesses.ts'
import { openStore } from './open.ts'
import { hasServer } from './server.ts'

// A file of its own: most of its time it waits until the killed worker's lease runs out.
describe.skipIf(!hasServer)('a fleet of two workers', () => {
  const { server, folder, pagebox, work } = onCommands()

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
})
