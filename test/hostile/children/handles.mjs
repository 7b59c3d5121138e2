// Two handles on one box, and a race through one of them that takes far longer than anybody waits: what
// ends the other one ends at once. Prints what it saw; the race itself is aborted, or left to process.exit().
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Box, race } from './pagebox.mjs'

const raceSeconds = 300
const [, , does] = process.argv
const box = Box.create({ pages: 4096 })
const abort = new AbortController()
const racing = () => race(box, { seconds: raceSeconds, threads: 1, signal: abort.signal })

const attached = `
  import { workerData, parentPort } from 'node:worker_threads'
  const { Box } = await import(workerData.lib)
  globalThis.box = Box.attach(workerData.token)
  globalThis.mm = box.createMm()
  globalThis.pins = mm.mmap({ pages: 2 }).pin()
  parentPort.postMessage('up')
  setInterval(() => {}, 1000)
`
async function attachedWorker() {
  const url = new URL(`data:text/javascript,${encodeURIComponent(attached)}`)
  const lib = new URL('./pagebox.mjs', import.meta.url).href
  const worker = new Worker(url, { workerData: { token: box.token(), lib } })
  await new Promise((resolve) => worker.once('message', resolve))
  return worker
}

/** The race has the box by now. */
async function begun() {
  for (;;) {
    try {
      box.audit({ maxRows: 0 })
    } catch (error) {
      if (error.code === 'ERR_PAGEBOX_BUSY') return
      throw error
    }
    await sleep(5)
  }
}

/** What the handle had is gone when the race has ended, and the box is as clean as before. */
async function endRace(running) {
  abort.abort()
  const { stoppedBy, audit } = await running
  console.log('race ended by', stoppedBy, audit.clean)
  box.audit().assertClean()
  console.log('left', JSON.stringify(box.close()))
}

switch (does) {
  case 'close': {
    const other = Box.attach(box.token())
    const mm = other.createMm()
    const pins = mm.mmap({ pages: 2 }).pin()
    const running = racing()
    await begun()
    const { mms, pinned } = other.close()
    console.log('closed', mms, pinned.length === pins.pages)
    await endRace(running)
    break
  }
  case 'close-own': {
    const running = racing()
    await begun()
    box.close()
    console.log('closed; race ended by', (await running).stoppedBy)
    break
  }
  case 'collect': {
    ;(() => {
      Box.attach(box.token()).createMm()
    })()
    const running = racing()
    await begun()
    for (let i = 0; i < 3; i++) {
      gc()
      await sleep(20)
    }
    console.log('collected')
    await endRace(running)
    break
  }
  case 'collect-own': {
    // The one handle of the box is dropped; whoever awaits the race gets its result.
    const running = race(Box.create({ pages: 4096 }), { seconds: 0.5 })
    for (let i = 0; i < 10; i++) {
      gc()
      await sleep(20)
    }
    console.log('race ended by', (await running).stoppedBy)
    break
  }
  case 'terminate': {
    const worker = await attachedWorker()
    const running = racing()
    await begun()
    await worker.terminate()
    console.log('terminated')
    await endRace(running)
    break
  }
  case 'exit':
  case 'throw': {
    await attachedWorker()
    racing()
    await begun()
    if (does === 'exit') process.exit(7)
    setTimeout(() => {
      throw new Error('boom')
    }, 1)
    break
  }
  case 'exit-from-worker': {
    // The worker races; the main thread leaves.
    const url = new URL('./worker.mjs', import.meta.url)
    const worker = new Worker(url, { workerData: { does: 'race', token: box.token() } })
    await new Promise((resolve) => worker.once('message', resolve))
    await begun()
    process.exit(7)
  }
}
