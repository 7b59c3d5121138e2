// Workers that only answer, many of them in a few processes: shards a second that one server gives out and takes back.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { connect } from '../../lib/fleet/connect.ts'
import { coordinate } from '../../lib/fleet/coordinate.ts'
import { newRun } from '../../lib/fleet/filing.ts'
import { Store } from '../../lib/fleet/store.ts'
import { FleetWorker } from '../../lib/fleet/worker.ts'
import { answer, type BusyRequest, busyWork, print, serverSeconds, withServer } from './common.ts'

const request: BusyRequest = { rounds: 0, bytes: 1000 }

/** In a process of its own: `workers.ts SOCKET COUNT MS`. */
async function answering(socket: string, count: number, ms: number): Promise<void> {
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort())
  let shards = 0
  const before = process.cpuUsage()
  await Promise.all(
    Array.from({ length: count }, async () => {
      const address = { path: socket, tls: false, db: 0, shown: socket }
      const store = new Store(await connect(address, (text) => console.error(text)))
      const run = async (asked: unknown, shard: { index: number; of: number }): Promise<unknown> => {
        if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
        return answer(asked as BusyRequest, shard)
      }
      const runner = () => ({ run, close() {} })
      shards += await new FleetWorker({ store, work: busyWork, cores: 1, runner, signal: stop.signal, say() {} }).run()
      await store.close()
    }),
  )
  const { user, system } = process.cpuUsage(before)
  process.stdout.write(JSON.stringify({ cpuMs: (user + system) / 1000, shards }), () => process.exit(0))
}

async function main(): Promise<void> {
  const processes = 4
  const results: object[] = []
  for (const workers of [2, 20, 200])
    await withServer(['--appendonly', 'yes', '--maxclients', '2000'], async (open, socket) => {
      const store = await open()
      const shards = workers === 2 ? 2000 : 8000
      const { id } = await newRun(store, busyWork, { command: 'pagebox benchmark', request, of: shards })
      const parts = Math.min(processes, workers)
      const children = Array.from({ length: parts }, () =>
        spawn(
          process.execPath,
          ['--import', 'tsx', fileURLToPath(import.meta.url), socket, String(workers / parts), '0'],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        ),
      )
      const said = children.map((child) => text(child.stdout))
      let first: { at: number; done: number } | undefined
      let last = { at: 0, done: 0 }
      await coordinate({
        store,
        work: busyWork,
        id,
        signal: new AbortController().signal,
        say() {},
        pollMs: 100,
        onProgress: ({ counts }) => {
          last = { at: performance.now(), done: counts.done }
          if (counts.done > shards / 20) first ??= last
        },
      })
      const cpu = await serverSeconds(store)
      const { at, done } = first ?? { at: 0, done: 0 }
      const perSecond = ((last.done - done) * 1000) / (last.at - at)
      for (const child of children) child.kill('SIGTERM')
      const told = (await Promise.all(said)).map((each) => JSON.parse(each) as { cpuMs: number; shards: number })
      const workerMs = told.reduce((sum, each) => sum + each.cpuMs, 0)
      const serverMsPerShard = (1000 * cpu) / shards
      results.push({ workers, shards, perSecond, serverMsPerShard, workerMsPerShard: workerMs / shards })
    })
  print({ processes, results })
}

const [socket, count, ms] = process.argv.slice(2)
if (socket !== undefined) await answering(socket, Number(count), Number(ms))
else await main()
