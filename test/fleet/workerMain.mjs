// A worker as a process of its own: `node workerMain.mjs SOCKET CORES`, until SIGTERM.
import { fileURLToPath } from 'node:url'
import { load, work } from './fakeWork.mjs'

const [socket, cores] = process.argv.slice(2)
const [{ connect }, { Store }, { FleetWorker }, { childRunner }] = await Promise.all(
  ['fleet/connect', 'fleet/store', 'fleet/worker', 'fleet/child'].map(load),
)
const shift = Number(process.env.FAKE_CLOCK_SHIFT ?? 0)
if (shift !== 0) {
  const { now } = Date
  Date.now = () => now() + shift
}
const say = (text) => void process.stdout.write(`${text}\n`)
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort('SIGTERM'))
const store = new Store(await connect({ path: socket, tls: false, db: 0, shown: socket }, say, { waitMs: 30_000 }))
const module = fileURLToPath(new URL('./fakeWork.mjs', import.meta.url))
const worker = new FleetWorker({
  store,
  work,
  cores: Number(cores),
  runner: (limitSeconds) => childRunner({ module, limitSeconds }),
  signal: stop.signal,
  say,
  lockMs: 3000,
  stalledMs: 1500,
  beatMs: 300,
})
say(`worker ${worker.id}`)
say(`done ${await worker.run()}`)
await store.close()
process.exit(0)
