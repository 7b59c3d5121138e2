// Starts workers that are busy in native code and terminates each at another moment.
import { Worker } from 'node:worker_threads'
import { Box } from './pagebox.mjs'

const [, , does, rounds] = process.argv
const box = Box.create({ pages: 4096, ledger: false, scheme: 'refcount' })
box.pins.pinMany(new Uint32Array(4096).map((_, i) => i))
for (let round = 0; round < Number(rounds); round++) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { does, token: does === 'direct' || round % 2 === 0 ? box.token() : undefined },
  })
  worker.on('error', (error) => {
    throw error
  })
  await new Promise((resolve) => worker.once('message', resolve))
  await new Promise((resolve) => setTimeout(resolve, (round * 7) % 23))
  await worker.terminate()
}
// What the workers left behind is no more than pins: the box works.
box.pins.pin(1)
box.pins.unpin(1)
box.audit()
box.close()
console.log('survived')
