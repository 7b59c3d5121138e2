import type { Layout } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import { blockInterval, pooled, ratioUnits, type Rounds, spreadOf, unitsOf } from './blocks.ts'
import type { PureJsRow } from './document.ts'
import { hotBytes } from './plan.ts'
import { interleave, type RoundOptions, type Series } from './rounds.ts'
import { seededRandom } from './statistics.ts'
import { student95 } from './student.ts'
import type { Subject, SubjectBox } from './subject.ts'

interface Variant {
  name: string
  series: Series
  close(): void
}

/** How many pages one native call of the batch variant gets. */
const batchPages = 4096

const timed = (ops: number, body: () => void): { ns: number; ops: number } => {
  const begin = process.hrtime.bigint()
  body()
  return { ns: Number(process.hrtime.bigint() - begin), ops }
}

/** The pfns that every variant goes through, again and again. */
function indexStream(pages: number, seed: number): Uint32Array {
  const random = seededRandom(seed)
  const length = pages === 1 ? batchPages : Math.min(pages, 2 ** 18)
  return Uint32Array.from({ length }, () => Math.floor(random() * pages))
}

/** The counter of a page as JavaScript alone would keep it, with the scheme's refusals. */
function pureJs(pages: number, strideBytes: number, unit: number, pfns: Uint32Array): Variant {
  const memory = new Int32Array(new SharedArrayBuffer(pages * strideBytes))
  const stride = strideBytes / 4
  for (let pfn = 0; pfn < pages; pfn++) memory[pfn * stride] = 1
  let at = 0
  return {
    name: 'sharedArrayBuffer',
    close() {},
    series: {
      maxOps: Number.MAX_SAFE_INTEGER,
      warmUpOps: 2 ** 16,
      sample: (ops) =>
        timed(ops, () => {
          for (let i = 0; i < ops; i++) {
            const index = (pfns[at] as number) * stride
            at = at + 1 === pfns.length ? 0 : at + 1
            if (Atomics.add(memory, index, unit) <= 0) throw new RangeError('free page')
            Atomics.sub(memory, index, unit)
          }
        }),
    },
  }
}

function single(box: SubjectBox, pfns: Uint32Array): Variant {
  const { pin, unpin } = box.pins
  let at = 0
  return {
    name: 'pin and unpin, one page a call',
    close() {},
    series: {
      maxOps: Number.MAX_SAFE_INTEGER,
      warmUpOps: 2 ** 16,
      sample: (ops) =>
        timed(ops, () => {
          for (let i = 0; i < ops; i++) {
            const pfn = pfns[at] as number
            at = at + 1 === pfns.length ? 0 : at + 1
            pin(pfn)
            unpin(pfn)
          }
        }),
    },
  }
}

function batch(box: SubjectBox, pfns: Uint32Array): Variant {
  let at = 0
  return {
    name: `pinMany and unpinMany, ${batchPages} pages a call`,
    close() {},
    series: {
      maxOps: Number.MAX_SAFE_INTEGER,
      warmUpOps: 2 ** 16,
      sample: (ops) => {
        const calls = Math.max(1, Math.round(ops / batchPages))
        let done = 0
        return timedCalls(() => {
          for (let call = 0; call < calls; call++) {
            const some = pfns.subarray(at, at + batchPages)
            at = at + batchPages >= pfns.length ? 0 : at + batchPages
            box.pins.pinMany(some)
            box.pins.unpinMany(some)
            done += some.length
          }
          return done
        })
      },
    },
  }
}

function timedCalls(body: () => number): { ns: number; ops: number } {
  const begin = process.hrtime.bigint()
  const ops = body()
  return { ns: Number(process.hrtime.bigint() - begin), ops }
}

function direct(box: SubjectBox, pfns: Uint32Array): Variant {
  const view = box.pins.direct()
  let at = 0
  return {
    name: 'direct view (Atomics on the descriptors)',
    close: () => view.close(),
    series: {
      maxOps: Number.MAX_SAFE_INTEGER,
      warmUpOps: 2 ** 16,
      sample: (ops) =>
        timed(ops, () => {
          for (let i = 0; i < ops; i++) {
            const pfn = pfns[at] as number
            at = at + 1 === pfns.length ? 0 : at + 1
            view.pin(pfn)
            view.unpin(pfn)
          }
        }),
    },
  }
}

export interface JavaScriptSet {
  pattern: 'hot' | 'random'
  workingSetBytes: number
}

/** The ways to one scheme from JavaScript, timed block by block, all over the same pages in the same order. */
export class JavaScriptCosts {
  readonly at: JavaScriptSet
  readonly #subject: Subject
  readonly #scheme: Scheme
  readonly #layout: Layout
  readonly #options: RoundOptions & { seed: number }
  readonly #measured = new Map<string, Rounds>()

  constructor(
    subject: Subject,
    scheme: Scheme,
    layout: Layout,
    at: JavaScriptSet,
    options: RoundOptions & { seed: number },
  ) {
    this.at = at
    this.#subject = subject
    this.#scheme = scheme
    this.#layout = layout
    this.#options = options
  }

  async block(): Promise<void> {
    const { workingSetBytes } = this.at
    const layout = this.#layout
    const pages = workingSetBytes === hotBytes ? 1 : Math.floor(workingSetBytes / layout.strideBytes)
    const pfns = indexStream(pages, this.#options.seed)
    const scheme = this.#scheme
    const box = this.#subject.createBox({ pages: Math.max(64, pages), scheme, layout: layout.name, ledger: false })
    const variants: Variant[] = []
    try {
      variants.push(pureJs(pages, layout.strideBytes, scheme.refsPerPin, pfns))
      variants.push(direct(box, pfns), single(box, pfns), batch(box, pfns))
      const times = await interleave(
        variants.map((variant) => variant.series),
        this.#options,
      )
      for (const [i, { name }] of variants.entries()) this.#add(name, times[i] as number[])
    } finally {
      for (const variant of variants) variant.close()
      box.close()
    }
  }

  #add(variant: string, samples: readonly number[]): void {
    if (samples.length === 0) return
    const there = this.#measured.get(variant)
    if (there === undefined) {
      this.#measured.set(variant, { samples: [...samples], blocks: [samples.length] })
    } else {
      there.samples.push(...samples)
      there.blocks.push(samples.length)
    }
  }

  width(): number {
    const widths = [...this.#measured.values()].map((each) => {
      const units = unitsOf(each)
      const { variance, freedom } = spreadOf(units)
      return freedom === 0 ? Number.POSITIVE_INFINITY : student95(freedom) * Math.sqrt(variance / units.length)
    })
    return Math.max(0, ...widths)
  }

  rows(random: () => number): PureJsRow[] {
    const [pure] = this.#measured.values()
    if (pure === undefined) return []
    const units = [...this.#measured.values()].map((each) => unitsOf(each))
    const ratios = [...this.#measured.values()].map((each) => ratioUnits(each, pure.samples))
    const [common, ofRatios] = [pooled(units.map(spreadOf)), pooled(ratios.slice(1).map(spreadOf))]
    return [...this.#measured].map(([variant, own], i) => ({
      variant,
      scheme: this.#scheme.name,
      layout: this.#layout.name,
      pageType: 'anon',
      order: 0,
      pattern: this.at.pattern,
      workingSetBytes: this.at.workingSetBytes,
      threads: 1,
      op: 'pin+unpin',
      rounds: own.samples.length,
      ...own,
      nsPerOp: blockInterval(own.samples, units[i] as number[], common, random),
      timesPureJs:
        i === 0
          ? null
          : blockInterval(
              own.samples.map((ns, round) => ns / (pure.samples[round] as number)),
              ratios[i] as number[],
              ofRatios,
              random,
            ),
    }))
  }
}
