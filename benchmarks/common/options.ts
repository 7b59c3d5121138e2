import { Command } from 'commander'

/** How long and how often a benchmark measures. */
export interface BenchOptions {
  quick: boolean
  json: boolean
  /** Rounds behind each interval. */
  rounds: number
  sampleMs: number
  seed: number
  /** Of those that run a C++ program: where it is built, from the repository. */
  build: string
  /** Of those that go over sizes: the largest, in pages. */
  maxPages: number | undefined
}

const full = { rounds: 31, sampleMs: 20 }
/** Enough to see a factor, not a percent. */
const quick = { rounds: 9, sampleMs: 3 }

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`a whole number from 1 on, not '${text}'`)
  return value
}

/** The options that every benchmark has. */
export function readOptions(what: string): BenchOptions {
  const given = new Command()
    .description(what)
    .option('--quick', `${quick.rounds} rounds of ${quick.sampleMs} ms instead of ${full.rounds} of ${full.sampleMs}`)
    .option('--json', 'print one JSON document instead of tables')
    .option('--rounds <n>', 'rounds behind each interval', whole)
    .option('--sample-ms <n>', 'milliseconds of one sample', whole)
    .option('--seed <n>', 'of the index streams and of the resampling', whole)
    .option('--build <folder>', 'where C++ programs are built (mm, devices)', 'build-bench')
    .option('--max-pages <n>', 'largest size in pages (mm, devices)', whole)
    .parse()
    .opts<Partial<BenchOptions>>()
  const base = given.quick ? quick : full
  return {
    quick: given.quick ?? false,
    json: given.json ?? false,
    rounds: given.rounds ?? base.rounds,
    sampleMs: given.sampleMs ?? base.sampleMs,
    seed: given.seed ?? 1,
    build: given.build ?? 'build-bench',
    maxPages: given.maxPages,
  }
}
