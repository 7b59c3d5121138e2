// Workers use address spaces, devices and pins of one box; one is terminated in the middle.
import { Worker } from 'node:worker_threads'
import { Box } from './pagebox.mjs'

const [, , does, rounds] = process.argv
const box = Box.create({ pages: 8192 })
const mm = box.createMm()
const buf = mm.mmap({ pages: 16 })
buf.fill(1)
box.addDevice({ name: 'gpu', type: 'coherent', pages: 256 })
box.addDax({ name: 'pmem', pages: 64 })
box.addP2pdma({ name: 'bus', pages: 16 })

const code = `
  import { parentPort, workerData } from 'node:worker_threads'
  const { Box } = await import(workerData.lib)
  const box = Box.attach(workerData.token)
  const gpu = box.devices.find(({ name }) => name === 'gpu')
  const mm = box.createMm()
  const buf = mm.mmap({ pages: 32 })
  buf.fill(BigInt(workerData.index * 1000))
  const [pmem] = box.daxDevices
  const [bus] = box.p2pdmaDevices
  const file = pmem.createFile({ pages: 4 })
  const blocks = mm.mmap({ pages: 4, file })
  const refused = (call) => {
    try { call() } catch (error) { return error.errno === 'EBUSY' }
    return false
  }
  parentPort.postMessage('started')
  for (let round = 0; round < workerData.rounds; round++) {
    const pins = buf.slice(0, 4).pin({ write: true, longterm: round % 2 === 0 })
    buf.store(1, BigInt(round))
    if (pins.load(1) !== BigInt(round)) throw new Error('the pin lost its page')
    try { gpu.migrateToDevice(buf) } catch (error) { if (error.errno !== 'ENOENT') throw error }
    const child = mm.fork()
    child.at(buf.address, 32).store(5, 7n)
    if (buf.load(5) !== BigInt(workerData.index * 1000 + 5)) throw new Error('the parent saw the child')
    child.close()
    pins.unpin()
    gpu.migrateToSystem(buf)
    const dma = blocks.slice(2, 1).pin({ write: true })
    if (!refused(() => file.truncate(0))) throw new Error('a pinned block was given away')
    dma.store(0, BigInt(round))
    if (file.words(2, 1)[0] !== BigInt(round)) throw new Error('the pin lost its block')
    dma.unpin()
    file.truncate(1)
    file.truncate(4)
    if (blocks.load(2) !== 0n) throw new Error('a block was not zeroed')
    const shared = bus.mmap(mm, { pages: 2 })
    const peer = shared.pin({ p2pdma: true })
    shared.unmap()
    peer.unpin()
    if (round % 8 === 0) buf.slice(16, 16).advise('pageout')
    if (round % 16 === 0) box.reclaim(8)
    if (round % 16 === 8) box.compact(0, 2048)
    if (round % 32 === 0) box.audit().assertClean()
  }
  if (buf.load(31) !== BigInt(workerData.index * 1000 + 31)) throw new Error('a word was lost')
  if (workerData.leaves) { buf.pin(); blocks.pin(); process.exit(0) }
  box.close()
`
const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
const lib = new URL('./pagebox.mjs', import.meta.url).href

function work(index, rounds, leaves) {
  const worker = new Worker(url, { workerData: { token: box.token(), lib, index, rounds, leaves } })
  const started = new Promise((resolve) => worker.once('message', resolve))
  const ended = new Promise((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', resolve)
  })
  return { worker, started, ended }
}

if (does === 'together') {
  await Promise.all([0, 1].map((i) => work(i, Number(rounds), i === 1).ended))
} else {
  for (let i = 0; i < Number(rounds); i++) {
    const { worker, started, ended } = work(i, 1e9, false)
    await started
    await new Promise((resolve) => setTimeout(resolve, i * 7))
    await worker.terminate()
    await ended
    box.audit().assertClean()
  }
}
box.audit().assertClean()
if (buf.load(15) !== 16n) throw new Error('the main thread lost a word')
for (const device of [...box.devices, ...box.daxDevices, ...box.p2pdmaDevices]) {
  if (device.freePages !== device.pages) throw new Error(`${device.name} has ${device.freePages} free pages`)
  device.remove()
}
const left = box.close()
if (left.mms !== 1 || left.pinned.length !== 0) throw new Error(JSON.stringify(left))
console.log('clean')
