// What JavaScript pays for a pin and its unpin on each way to the descriptors,
// against the least that it could pay: bare Atomics, and a native call that does
// nothing.
import { Box } from '../lib/index.ts'
import { seededRandom } from '../lib/compare/statistics.ts'
import { native as binding } from '../lib/native/load.ts'
import { type Group, bench, type Row } from './common/report.ts'
import type { BenchOptions } from './common/options.ts'
import { measure, timed } from './common/rounds.ts'
import { atMost } from './common/target.ts'
import { hotLine, layout, mebibytes8, pagesOf, type WorkingSet } from './common/workingSet.ts'

const strideInts = 64 / 4
const refcountInt = 52 / 4
/** Pages of one native call of a batch. */
const batchPages = 4096

/** The pfns that every way goes through, again and again: 2^16 of them. */
function indexStream(pages: number, seed: number): Uint32Array {
  const random = seededRandom(seed)
  return Uint32Array.from({ length: 2 ** 16 }, () => Math.floor(random() * pages))
}

function sharedCounts(pages: number): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(pages * strideInts * 4))
  for (let pfn = 0; pfn < pages; pfn++) words[pfn * strideInts + refcountInt] = 1
  return words
}

/** Only the adds: no check of anything. */
function bareAtomics(words: Int32Array, unit: number, pfns: Uint32Array) {
  const mask = pfns.length - 1
  return timed((ops) => {
    for (let i = 0; i < ops; i++) {
      const at = (pfns[i & mask] as number) * strideInts + refcountInt
      Atomics.add(words, at, unit)
      Atomics.sub(words, at, unit)
    }
  })
}

/** What one would write without pagebox: the refusals of pin and unpin, and nothing else. */
function pureJavaScript(pages: number, unit: number, pfns: Uint32Array) {
  const words = sharedCounts(pages)
  const mask = pfns.length - 1
  const indexOf = (pfn: number): number => {
    if (pfn >>> 0 !== pfn || pfn >= pages) throw new RangeError('pfn')
    return pfn * strideInts + refcountInt
  }
  const pin = (pfn: number): void => {
    const at = indexOf(pfn)
    for (;;) {
      const seen = Atomics.load(words, at)
      if (seen <= 0) throw new RangeError('free page')
      if (Atomics.compareExchange(words, at, seen, seen + unit) === seen) return
    }
  }
  const unpin = (pfn: number): void => {
    if (Atomics.sub(words, indexOf(pfn), unit) < unit) throw new RangeError('not pinned')
  }
  return timed((ops) => {
    for (let i = 0; i < ops; i++) {
      const pfn = pfns[i & mask] as number
      pin(pfn)
      unpin(pfn)
    }
  })
}

/** The descriptors as the direct view has them. */
function windowOf(box: Box): Int32Array {
  const [window] = box.pins.direct().windows
  if (window === undefined) throw new Error('a box without a window')
  return window.words
}

function directView(box: Box, pfns: Uint32Array) {
  const { pin, unpin } = box.pins.direct()
  const mask = pfns.length - 1
  return timed((ops) => {
    for (let i = 0; i < ops; i++) {
      const pfn = pfns[i & mask] as number
      pin(pfn)
      unpin(pfn)
    }
  })
}

function bound(box: Box, pfns: Uint32Array) {
  const { pin, unpin } = box.pins
  const mask = pfns.length - 1
  return timed((ops) => {
    for (let i = 0; i < ops; i++) {
      const pfn = pfns[i & mask] as number
      pin(pfn)
      unpin(pfn)
    }
  })
}

function emptyCalls() {
  const { empty } = binding()
  return timed((ops) => {
    for (let i = 0; i < ops; i++) {
      empty()
      empty()
    }
  })
}

function batch(box: Box, pfns: Uint32Array) {
  const { pinMany, unpinMany } = box.pins
  const parts = Array.from({ length: pfns.length / batchPages }, (_, part) =>
    pfns.subarray(part * batchPages, (part + 1) * batchPages),
  )
  return timed((ops) => {
    for (let done = 0; done < ops; done += batchPages) {
      const some = parts[(done / batchPages) % parts.length] as Uint32Array
      pinMany(some)
      unpinMany(some)
    }
  })
}

async function measureScheme(scheme: string, set: WorkingSet, options: BenchOptions): Promise<Group> {
  const pages = pagesOf(set)
  const pfns = indexStream(pages, options.seed)
  const box = Box.create({ pages, layout, scheme, ledger: false })
  const kept = Box.create({ pages, layout, scheme, ledger: true })
  try {
    for (const each of [box, kept]) for (let pfn = 0; pfn < pages; pfn++) each.setup(pfn, { type: 'anon' })
    const unit = box.scheme.refsPerPin
    const found = await measure(
      {
        bare: bareAtomics(sharedCounts(pages), unit, pfns),
        window: bareAtomics(windowOf(box), unit, pfns),
        pure: pureJavaScript(pages, unit, pfns),
        direct: directView(box, pfns),
        empty: emptyCalls(),
        bound: bound(box, pfns),
        boundLedger: bound(kept, pfns),
        batch: batch(box, pfns),
        batchLedger: batch(kept, pfns),
      },
      options,
    )
    const against = (what: string, name: Parameters<typeof found.time>[0], other: typeof name, text: string): Row => ({
      what,
      found: found.time(name),
      ratio: found.ratio(name, other),
      against: text,
    })
    return {
      title: `${scheme}, ${set.name}${set === hotLine ? '' : ', random'}`,
      unit: 'ns a pair',
      rows: [
        { what: 'Atomics.add and sub, bare', found: found.time('bare') },
        // Other memory, so other places in the caches: what the view's code adds is against this one.
        against('the same on the descriptors', 'window', 'bare', 'bare Atomics'),
        { what: 'pure JavaScript, with checks', found: found.time('pure') },
        { what: 'two empty native calls', found: found.time('empty') },
        { ...against('direct view', 'direct', 'bare', 'bare Atomics'), target: atMost(1.15) },
        { ...against('direct view', 'direct', 'window', 'the descriptors'), target: atMost(1.15) },
        { ...against('pin and unpin', 'bound', 'empty', 'empty calls'), target: atMost(3) },
        { ...against('pin and unpin, ledger', 'boundLedger', 'empty', 'empty calls'), target: atMost(3) },
        against(`pinMany and unpinMany of ${batchPages}`, 'batch', 'pure', 'pure JavaScript'),
        { ...against(`the same, ledger`, 'batchLedger', 'batch', 'without'), target: atMost(1.5) },
      ],
    }
  } finally {
    box.close()
    kept.close()
  }
}

await bench('javascript', 'Pin and unpin of one page from JavaScript, in one thread.', async (report, options) => {
  for (const scheme of ['refcount', 'refcount-bias'])
    for (const set of [hotLine, mebibytes8]) report.group(await measureScheme(scheme, set, options))
})
