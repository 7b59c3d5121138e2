// Two workers use one box at once, with and without an account of who holds what.
import { Worker } from 'node:worker_threads'
import { Box } from './pagebox.mjs'

const [, , scheme, ledger] = process.argv
const box = Box.create({ pages: 256, scheme, ledger: ledger === 'true' })
const code = `
  import { parentPort, workerData } from 'node:worker_threads'
  const { Box } = await import(workerData.lib)
  const box = Box.attach(workerData.token)
  const pfns = new Uint32Array(256).map((_, i) => (i * 7) % 256)
  for (let round = 0; round < 400; round++) {
    for (let pfn = 0; pfn < 256; pfn++) { box.pins.pin(pfn); box.pins.maybePinned(pfn); box.pins.unpin(pfn) }
    box.pins.pinMany(pfns); box.pins.unpinMany(pfns)
    if (round % 50 === 0) box.audit()
  }
  box.close()
  box.close()
  parentPort.postMessage('done')
`
const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
const lib = new URL('./pagebox.mjs', import.meta.url).href
await Promise.all(
  [0, 1].map(
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(url, { workerData: { token: box.token(), lib } })
        worker.on('error', reject)
        worker.on('exit', resolve)
      }),
  ),
)
box.audit().assertClean()
for (let pfn = 0; pfn < 256; pfn++) {
  if (scheme !== 'refcount' && box.pins.pins(pfn).pins !== 0) throw new Error(`page ${pfn} is still pinned`)
}
box.close()
console.log('clean')
