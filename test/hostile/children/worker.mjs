// A worker that does what its data says on a box of the main thread, until it is
// ended from outside.
import { parentPort, workerData } from 'node:worker_threads'
import { Box, explorePins, prepareCost, race } from './pagebox.mjs'

const box = workerData.token ? Box.attach(workerData.token) : Box.create({ pages: 4096 })
parentPort.postMessage('ready')
const pfns = new Uint32Array(1000).map((_, i) => i)

switch (workerData.does) {
  case 'race':
    await race(box, { threads: 2, seconds: 60, mix: { 'pin+unpin': 3, 'get+put': 1 } }).catch(() => {})
    break
  case 'explore':
    await explorePins({ schedules: 1e9 })
    break
  case 'cost':
    for (const sampler = prepareCost({ scheme: 'refcount', pages: 64 }); ; ) sampler.sample(100_000)
  case 'long-cost':
    for (const sampler = prepareCost({ scheme: 'refcount', pages: 64 }); ; ) sampler.sample(2 ** 27)
  case 'batch':
    for (;;) {
      box.pins.pinMany(pfns)
      box.pins.unpinMany(pfns)
    }
  case 'audit':
    for (;;) box.audit()
  case 'direct':
    for (const direct = box.pins.direct(); ; ) {
      direct.pin(7)
      direct.unpin(7)
    }
  case 'single':
    for (let i = 0; ; i++) {
      box.pins.pin(i % 4096)
      box.pins.unpin(i % 4096)
    }
}
