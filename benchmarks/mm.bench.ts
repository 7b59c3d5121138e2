// What operations of memory management cost a page, how that grows with the
// pages, and what a second thread gains (benchmarks/native/mm.cpp).
import { freemem } from 'node:os'
import { mmGroups } from './common/mmGroups.ts'
import { samplesOf } from './common/program.ts'
import { bench } from './common/report.ts'

/** A page's frame and its slot in swap. */
const bytesPerPage = 2 * 4096
const orders = { from: 10, quick: 16, full: 20 }

const log4 = (pages: number): number => Math.floor(Math.log2(pages) / 2) * 2

await bench(
  'mm',
  'Faults, pins, fork, pageout and their opposites: ns a page, each thread in its own address space.',
  async (report, options) => {
    const wanted = options.maxPages ? log4(options.maxPages) : options.quick ? orders.quick : orders.full
    const from = Math.min(orders.from, wanted)
    // Several threads are measured in one machine, and each in a machine of its own.
    const fits = (threads: number, order: number): boolean =>
      (threads > 1 ? 2 : 1) * threads * 2 ** order * bytesPerPage < freemem() * 0.7
    for (const threads of [2, 1]) {
      let to = wanted
      while (to > from && !fits(threads, to)) to -= 2
      if (to < wanted)
        report.note(`2^${wanted} pages with ${threads} threads do not fit into free memory: up to 2^${to}.`)
      const args = [`--rounds=${options.rounds}`, `--from=${from}`, `--to=${to}`, `--threads=${threads}`]
      for (const group of mmGroups(samplesOf('mm', args, options), options)) report.group(group)
      if (to === wanted) break // one thread was measured beside two
    }
  },
)
