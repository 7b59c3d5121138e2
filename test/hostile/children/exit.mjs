// Leaves by process.exit() while native threads run.
import { Worker } from 'node:worker_threads'
import { Box, explorePins, race } from './pagebox.mjs'

const [, , does, afterMs] = process.argv
const box = Box.create({ pages: 4096 })
if (does === 'race') race(box, { threads: 2, seconds: 60 })
if (does === 'explore') explorePins({ schedules: 1e9 })
if (does === 'worker') {
  for (const work of ['race', 'explore', 'single', 'long-cost']) {
    new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { does: work } })
  }
}
setTimeout(() => process.exit(7), Number(afterMs))
