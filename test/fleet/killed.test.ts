import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { newRun } from '../../lib/fleet/filing.ts'
import { keys } from '../../lib/fleet/names.ts'
import { Random } from '../fuzz/random.ts'
import { alone } from './alone.ts'
import { type FakeRequest, work } from './fakeWork.mjs'
import { openStore } from './open.ts'
import { coordinatorProcess, type Process, workerProcess } from './processes.ts'
import { hasServer, TestServer } from './server.ts'

// Workers, coordinators and servers are ended with -9 at points that a seed chooses, and the merged result is that of
// one machine. PAGEBOX_FLEET_ROUNDS=30 for the whole of it, PAGEBOX_FLEET_SEED for one round again.
const rounds = Number(process.env.PAGEBOX_FLEET_ROUNDS ?? 2)
const firstSeed = Number(process.env.PAGEBOX_FLEET_SEED ?? 1)

const of = 40
const request: FakeRequest = { kind: 'numbers', numbers: 400, ms: 150 }

describe.skipIf(!hasServer)('kill -9', () => {
  const alive = new Set<Process>()
  let server: TestServer | undefined
  afterEach(async () => {
    for (const each of alive) await each.kill()
    alive.clear()
    await server?.close()
  })
  const started = (process: Process): Process => {
    alive.add(process)
    return process
  }

  test.each(Array.from({ length: rounds }, (_, i) => firstSeed + i))(
    'of workers, the coordinator and the server loses nothing: seed %i',
    { timeout: 240_000 },
    async (seed) => {
      const random = new Random(seed)
      const draw = (below: number): number => random.int(0, below - 1)
      server = await new TestServer('--appendonly', 'yes', '--appendfsync', 'everysec').start()
      const { socket } = server
      const { store } = await openStore(socket)
      const { id } = await newRun(store, work, { command: 'pagebox numbers', request, of })
      const workers = [0, 1, 2].map(() => started(workerProcess(socket, 1)))
      let coordinator = started(coordinatorProcess(socket, id))
      const history: string[] = []
      const kills = 4
      let killed = 0
      try {
        for (;;) {
          await sleep(200 + draw(1200))
          if (coordinator.isOver) break
          if (killed >= kills) continue
          const what = draw(4)
          // Before the first result there is nothing to lose.
          if ((await store.counts(id)).done === 0) continue
          killed++
          if (what < 2) {
            const at = draw(workers.length)
            history.push(`worker ${at}`)
            await workers[at]?.kill()
            workers[at] = started(workerProcess(socket, 1))
          } else if (what === 2) {
            history.push('coordinator')
            await coordinator.kill()
            coordinator = started(coordinatorProcess(socket, id))
          } else {
            history.push('server')
            await server.kill()
            await sleep(draw(500))
            await server.start()
          }
        }
        expect(await coordinator.ended(), `${history.join(', ')}\n${coordinator.err}`).toBe(0)
        expect(coordinator.out.trim()).toBe(await alone(request, of))
        const shards = await store.connection.redis.hkeys(keys.results(id))
        expect(shards.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: of }, (_, i) => i + 1))
      } finally {
        await store.close()
      }
    },
  )
})
