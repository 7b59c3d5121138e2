// Any word of any descriptor overwritten, by what stands in others, under memory management
// and devices. overwrite.mjs SEED SECONDS LAYOUT SCHEME [together]: one line for each doing, so
// that a crash has a name. Together: a worker writes while the main thread runs.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { drawing } from './draw.mjs'
import { Box } from './pagebox.mjs'

const pages = 2048
const devicePages = 192
const poison = [0x122, 0x100, 0x400, 0xdead0000, 0xdeadbeef | 0, 0x7fffffff, -0x80000000]

const random = (seed) => drawing(BigInt(seed) * 0xd1342543de82ef95n).below

function attempt(body) {
  try {
    return body()
  } catch (error) {
    if (!/^ERR_PAGEBOX_/.test(error.code ?? '') || error.code === 'ERR_PAGEBOX_INTERNAL') throw error
    return undefined
  }
}

/** One word or half of one: a special value, another page's, its neighbour's, a page's own address. */
function overwriting(box, below) {
  const { words, stride } = box.pins.direct().windows[0]
  const known = words.length / stride
  const page = () => [() => below(64), () => below(known), () => known - 1 - below(devicePages)][below(3)]()
  const word = () => below(stride)
  return () => {
    const to = page()
    const half = word()
    const from = page()
    const low = half & ~1
    const values = [
      () => 0,
      () => -1,
      () => 1,
      () => poison[below(poison.length)],
      () => below(2 ** 31),
      () => words[to * stride + half] + [-1024, -2, -1, 1, 2, 8, 64, 1024][below(8)],
      () => words[to * stride + half] ^ (1 << below(32)),
      () => words[from * stride + half],
      () => words[to * stride + word()],
    ]
    const whole = below(3)
    if (whole === 0) {
      // A whole word of another page, or of this one.
      const at = below(2) === 0 ? from * stride + low : to * stride + (word() & ~1)
      words[to * stride + low] = words[at] + (below(4) === 0 ? 1 : 0)
      words[to * stride + low + 1] = words[at + 1]
    } else if (whole === 1 && below(8) === 0) {
      for (let i = 0; i < stride; i++) words[to * stride + i] = words[from * stride + i]
    } else {
      words[to * stride + half] = values[below(values.length)]()
    }
  }
}

function doings(box, below) {
  const oneOf = (list) => list[below(Math.max(1, list.length))]
  const mms = [box.createMm(), box.createMm()]
  const mappings = []
  const held = []
  const file = box.createFile({ kind: 'disk', pages: 16 })
  const devices = ['private', 'coherent', 'public'].map((type) => attempt(() => box.addDevice({ type, pages: 32 })))
  const dax = attempt(() => box.addDevice({ type: 'fsdax', pages: 16 }))
  const p2p = attempt(() => box.addDevice({ type: 'p2pdma', pages: 16 }))
  const daxFile = attempt(() => dax?.createFile({ pages: 8 }))
  const gpu = () => oneOf(devices.filter((each) => each !== undefined))
  const mapped = () => oneOf(mappings) ?? mappings[mappings.push(oneOf(mms).mmap({ pages: 8 })) - 1]
  const list = {
    map: () => mappings.push(oneOf(mms).mmap({ pages: 1 + below(40) })),
    mapFile: () => mappings.push(oneOf(mms).mmap({ pages: 8, file })),
    mapShared: () => mappings.push(oneOf(mms).mmap({ pages: 8, kind: 'file-shared' })),
    mapDax: () => daxFile && mappings.push(oneOf(mms).mmap({ pages: 8, file: daxFile })),
    mapP2p: () => p2p && mappings.push(p2p.mmap(oneOf(mms), { pages: 4 })),
    mapHuge: () => {
      const huge = oneOf(mms).mmap({ pages: 512 })
      huge.advise('hugepage')
      mappings.push(huge)
    },
    fill: () => mapped().fill(0xfffffffffffff067n),
    words: () => mapped().words(),
    advise: () => mapped().advise(oneOf(['pageout', 'cold', 'dontneed', 'free', 'willneed'])),
    fork: () => mms.length < 6 && mms.push(oneOf(mms).fork()),
    pin: () => held.push(mapped().pin({ write: below(2) === 0, longterm: below(4) === 0, fast: below(2) === 0 })),
    get: () => held.push(mapped().get()),
    drop: () => {
      const each = held.pop()
      each?.unpin ? each.unpin() : each?.put()
    },
    reclaim: () => box.reclaim(64),
    compact: () => box.compact(),
    writeback: () => file.writeback(),
    truncate: () => file.truncate(below(16)),
    toDevice: () => gpu()?.migrateToDevice(mapped()),
    toSystem: () => gpu()?.migrateToSystem(mapped()),
    deviceWrite: () => gpu()?.write(mapped(), new BigUint64Array(mapped().pages ?? 1)),
    deviceRead: () => gpu()?.read(mapped()),
    exclusive: () => gpu()?.exclusive(mapped()),
    snapshot: () => gpu()?.snapshot(mapped()),
    release: () => gpu()?.release(),
    holders: () => gpu()?.holders(),
    truncateDax: () => daxFile?.truncate(below(8)),
    unmap: () => mappings.splice(below(Math.max(1, mappings.length)), 1)[0]?.unmap(),
    lock: () => mapped().lock(),
    unlock: () => mapped().unlock(),
    protect: () => mapped().protect(oneOf(['r', 'rw'])),
    remap: () => mapped().remap(),
    pagemap: () => mapped().pagemap(),
    close: () => mms.length > 2 && mms.splice(below(mms.length), 1)[0].close(),
    put: () => box.pins.put(below(pages + devicePages)),
    pinPfn: () => box.pins.pin(below(pages + devicePages)),
    unpinPfn: () => box.pins.unpin(below(pages + devicePages)),
    look: () => box.page(below(pages)).type,
    audit: () => box.audit(),
  }
  return {
    list: Object.entries(list),
    end(timed) {
      const clean = timed('audit', () => box.audit())?.clean
      for (const each of held) timed('unpin', () => (each.unpin ? each.unpin() : each.put()))
      for (const mm of mms) timed('close an address space', () => mm.close())
      for (const each of [...devices, dax, p2p]) timed('remove a device', () => each?.remove())
      timed('audit at the end', () => box.audit())
      return clean
    },
  }
}

if (isMainThread) {
  const [, , seed, secondsText, layout, scheme, together] = process.argv
  const below = random(seed)
  const ends = performance.now() + Number(secondsText) * 1000
  let rounds = 0
  let dirty = 0
  let slowest = ['', 0]
  const timed = (name, does) => {
    const began = performance.now()
    const result = attempt(does)
    const took = Math.round(performance.now() - began)
    if (took > slowest[1]) slowest = [name, took]
    return result
  }
  for (; performance.now() < ends; rounds++) {
    console.log(`round ${rounds}`)
    const box = Box.create({ pages, ledger: false, scheme, layout, devicePages })
    const overwrite = overwriting(box, below)
    const { list, end } = doings(box, below)
    let worker
    if (together) {
      const data = { token: box.token(), seed: below(2 ** 31), together: true }
      worker = new Worker(new URL(import.meta.url), { workerData: data })
      await new Promise((resolve) => worker.once('message', resolve))
    }
    for (let i = 0; i < (together ? 300 : 80); i++) {
      if (!together && i > 10) overwrite()
      const [name, does] = list[below(list.length)]
      console.log(`  ${name}`)
      timed(name, does)
      if (performance.now() > ends) break
    }
    if (worker) {
      const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
      worker.postMessage('end')
      await ended
    }
    console.log('  end')
    if (!end(timed)) dirty++
    console.log('  close')
    timed('close the box', () => box.close())
  }
  console.log(JSON.stringify({ rounds, dirty, slowest }))
} else if (workerData?.together) {
  const box = Box.attach(workerData.token)
  const overwrite = overwriting(box, random(workerData.seed))
  parentPort.once('message', () => {
    box.close()
    process.exit(0)
  })
  parentPort.postMessage('up')
  const some = () => {
    for (let i = 0; i < 20; i++) overwrite()
    setTimeout(some, 0)
  }
  some()
}
