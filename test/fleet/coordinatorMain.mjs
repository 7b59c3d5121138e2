// A coordinator as a process of its own: `node coordinatorMain.mjs SOCKET RUN` prints the merged result.
import { load, mergedOf, work } from './fakeWork.mjs'

const [socket, id] = process.argv.slice(2)
const [{ connect }, { Store }, { coordinate }] = await Promise.all(
  ['fleet/connect', 'fleet/store', 'fleet/coordinate'].map(load),
)
const say = (text) => void process.stderr.write(`${text}\n`)
const store = new Store(await connect({ path: socket, tls: false, db: 0, shown: socket }, say, { waitMs: 30_000 }))
try {
  const signal = new AbortController().signal
  const options = { store, work, id, signal, say, pollMs: 200, leaseMs: 3000, waitForLease: true }
  const { documents } = await coordinate(options)
  process.stdout.write(`${mergedOf(documents)}\n`)
} catch (error) {
  say(`${error.code}: ${error.message}`)
  process.exitCode = 2
}
await store.close()
process.exit()
