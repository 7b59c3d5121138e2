// The memory of a direct window is transferred away, and used when its box, its view and even its
// environment are gone. It is printed that this went well; memory that was unmapped is a signal.
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Box } from './pagebox.mjs'

const pages = 65536

async function collect() {
  for (let i = 0; i < 5; i++) {
    gc()
    await sleep(20)
  }
}

async function reach(buffer) {
  await collect()
  const words = new Int32Array(buffer)
  words.fill(1) // a signal, if nothing is there
  // Whose memory would lie where some was given back.
  const pfns = Uint32Array.from({ length: 4096 }, (_, i) => i)
  const others = Array.from({ length: 10 }, () => Box.create({ pages }))
  for (const box of others) box.pins.pinMany(pfns)
  if (words.some((word) => word !== 1)) throw new Error('somebody else writes here')
  for (const box of others) {
    box.audit().assertClean()
    box.close()
  }
  console.log('reached')
}

function view() {
  const box = Box.create({ pages, ledger: false, scheme: 'refcount' })
  const direct = box.pins.direct()
  box.close()
  return direct.windows[0].words.buffer
}

const inWorker = `
  import { workerData, parentPort } from 'node:worker_threads'
  const { Box } = await import(workerData.lib)
  let moved
  {
    const box = Box.create({ pages: ${pages}, ledger: false, scheme: 'refcount' })
    moved = box.pins.direct().windows[0].words.buffer.transfer()
    box.close()
  }
  if (workerData.collect) for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)) }
  parentPort.postMessage(moved, [moved])
`
async function fromWorker(collected) {
  const url = new URL(`data:text/javascript,${encodeURIComponent(inWorker)}`)
  const lib = new URL('./pagebox.mjs', import.meta.url).href
  const worker = new Worker(url, { workerData: { lib, collect: collected } })
  const moved = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const gone = new Promise((resolve) => worker.once('exit', resolve))
  const buffer = await moved
  await gone
  return buffer
}

switch (process.argv[2]) {
  case 'same':
    await reach(view().transfer())
    break
  case 'shorter':
    await reach(view().transfer(4096))
    break
  case 'again':
    await reach(view().transfer().transfer().transferToFixedLength())
    break
  case 'worker':
    await reach(await fromWorker(false))
    break
  case 'worker-collected':
    await reach(await fromWorker(true))
}
