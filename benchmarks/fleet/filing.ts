// How long shards take into the queue, and what the server has for each: waiting, and done.
import { fileMissing, newRun } from '../../lib/fleet/filing.ts'
import { answer, type BusyRequest, busyWork, print, serverSeconds, usedBytes, withServer } from './common.ts'

const shards = Number(process.argv[2] ?? 100_000)
const request: BusyRequest = { rounds: 0, bytes: 1000 }

await withServer(['--appendonly', 'yes'], async (open) => {
  const store = await open()
  const empty = await usedBytes(store)
  const signal = new AbortController().signal
  const header = await newRun(store, busyWork, { command: 'pagebox benchmark', request, of: shards })
  const cpu = { here: process.cpuUsage(), server: await serverSeconds(store) }
  const begun = performance.now()
  await fileMissing(store, header, signal)
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(cpu.here)
  const cpuSeconds = { here: (user + system) / 1e6, server: (await serverSeconds(store)) - cpu.server }
  const waiting = await usedBytes(store)
  const results = Math.min(shards, 20_000)
  for (let at = 1; at <= results; at += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, results - at + 1) }, (_, i) => {
        const document = answer(request, { index: at + i, of: shards })
        return store.storeResult(header.id, at + i, { worker: 'benchmark-1234-abcd', document }, [])
      }),
    )
  const done = await usedBytes(store)
  const again = performance.now()
  await fileMissing(store, header, signal)
  const resumeSeconds = (performance.now() - again) / 1000
  print({
    shards,
    seconds,
    perSecond: shards / seconds,
    cpuSeconds,
    resumeSeconds,
    bytesWaiting: (waiting - empty) / shards,
    bytesDone: (done - waiting) / results,
    resultBytes: request.bytes,
  })
})
