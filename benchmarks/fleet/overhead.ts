// Two workers of one core each against the same two processes that share the shards by their numbers.
import { fileURLToPath } from 'node:url'
import { childRunner } from '../../lib/fleet/child.ts'
import { coordinate } from '../../lib/fleet/coordinate.ts'
import { newRun } from '../../lib/fleet/filing.ts'
import { FleetWorker } from '../../lib/fleet/worker.ts'
import { type BusyRequest, busyWork, print, withServer } from './common.ts'

const shards = Number(process.argv[2] ?? 40)
const rounds = Number(process.argv[3] ?? 3)
const shardSeconds = Number(process.argv[4] ?? 1)
const module = fileURLToPath(new URL('./busy.mjs', import.meta.url))
const signal = new AbortController().signal
const runner = () => childRunner({ module, limitSeconds: 600 })

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await run()
  return (performance.now() - begun) / 1000
}

/** Rounds of arithmetic that take as long as a shard should. */
async function calibrate(): Promise<number> {
  const one = runner()
  const tried = 100_000_000
  await one.run({ rounds: 1, bytes: 1 }, { index: 1, of: 1 }, signal)
  const seconds = await secondsOf(() => one.run({ rounds: tried, bytes: 1 }, { index: 1, of: 1 }, signal))
  one.close()
  return Math.round((tried * shardSeconds) / seconds)
}

const request: BusyRequest = { rounds: await calibrate(), bytes: 1000 }
const warm = { rounds: 1, bytes: 1 }

/** Processes that are there, as those of the workers are by their second shard. */
async function alone(): Promise<number> {
  const both = [runner(), runner()]
  await Promise.all(both.map((one) => one.run(warm, { index: 1, of: 1 }, signal)))
  const seconds = await secondsOf(() =>
    Promise.all(
      both.map(async (one, at) => {
        for (let index = at + 1; index <= shards; index += 2) await one.run(request, { index, of: shards }, signal)
      }),
    ),
  )
  for (const one of both) one.close()
  return seconds
}

const found = await withServer(['--appendonly', 'yes'], async (open) => {
  const stores = [await open(), await open(), await open()] as const
  const stop = new AbortController()
  const workers = stores.slice(1).map((store) =>
    new FleetWorker({
      store,
      work: busyWork,
      cores: 1,
      runner,
      signal: stop.signal,
      say: (text) => console.error(text),
    }).run(),
  )
  const queued = async (asked: BusyRequest, of: number): Promise<number> => {
    const { id } = await newRun(stores[0], busyWork, { command: 'pagebox benchmark', request: asked, of })
    return secondsOf(() => coordinate({ store: stores[0], work: busyWork, id, signal, say() {}, pollMs: 50 }))
  }
  await queued(warm, 8)
  const measured: { alone: number; queued: number }[] = []
  for (let round = 0; round < rounds; round++)
    measured.push({ alone: await alone(), queued: await queued(request, shards) })
  stop.abort()
  await Promise.all(workers)
  return measured
})
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
print({
  shards,
  shardSeconds,
  rounds: found,
  overheadPercent: 100 * (median(found.map(({ alone: without, queued }) => queued / without)) - 1),
})
