// Each scheme's batch loop against its own hand-written one: the same atomics,
// the same tail test, the same indices; each with prefetch and without.
import { PageboxError, prepareCost, schemes } from '../lib/index.ts'
import type { CostOptions, CostSampler, Pattern } from '../lib/index.ts'
import type { BenchOptions } from './common/options.ts'
import { bench, type Report, type Row } from './common/report.ts'
import { measure, native } from './common/rounds.ts'
import { atMost } from './common/target.ts'
import {
  lackOfMemory,
  layout,
  pagesOf,
  patternsOf,
  wantsHugePages,
  type WorkingSet,
  workingSets,
} from './common/workingSet.ts'

const target = atMost(1.1)
const mostThreads = 2

/** Descriptors that are set up once for all measurements of one stride. */
interface Descriptors {
  base: CostSampler
  scheme: string
}

const optionsOf = (set: WorkingSet, scheme: string, seed: number): CostOptions => ({
  scheme,
  layout,
  pages: pagesOf(set),
  threads: mostThreads,
  hugePages: wantsHugePages(set),
  seed,
})

/** Of the schemes that fit: those that can take turns on the same descriptors, and those that need their own. */
function sharing(base: CostSampler, fits: (scheme: string) => boolean): { together: string[]; alone: string[] } {
  const together: string[] = []
  const alone: string[] = []
  for (const { name, builtin } of schemes) {
    if (!builtin || !fits(name)) continue
    try {
      base.beside({ scheme: name, threads: 1 }).close()
      together.push(name)
    } catch (error) {
      if (!(error instanceof PageboxError)) throw error
      alone.push(name)
    }
  }
  return { together, alone }
}

/**
 * Counts outside the descriptor are each sampler's own, and become memory when they
 * are first pinned: so many pins reach nearly all of it.
 */
function warmUpOps(set: WorkingSet, scheme: string): number {
  const { place } = schemes.get(scheme)
  const outside = place === 'side-table' || place === 'sharded'
  return outside ? Math.max(4096, Math.min(pagesOf(set), 2 ** 22)) : 4096
}

async function measureScheme(
  on: Descriptors,
  set: WorkingSet,
  scheme: string,
  pattern: Pattern,
  threads: number,
  options: BenchOptions,
): Promise<Row[]> {
  const common = { scheme, pattern, threads }
  const samplers = {
    own: on.base.beside({ ...common, prefetch: true }),
    limit: on.base.beside({ ...common, prefetch: true, loop: 'limit' }),
    ownPlain: on.base.beside({ ...common, prefetch: false }),
    limitPlain: on.base.beside({ ...common, prefetch: false, loop: 'limit' }),
  }
  try {
    const found = await measure(
      {
        own: native(samplers.own, warmUpOps(set, scheme)),
        limit: native(samplers.limit, warmUpOps(set, scheme)),
        ownPlain: native(samplers.ownPlain, warmUpOps(set, scheme)),
        limitPlain: native(samplers.limitPlain, warmUpOps(set, scheme)),
      },
      options,
    )
    return [
      {
        what: scheme,
        found: found.time('own'),
        ratio: found.ratio('own', 'limit'),
        against: 'its loop',
        target,
      },
      {
        what: `${scheme}, no prefetch`,
        found: found.time('ownPlain'),
        ratio: found.ratio('ownPlain', 'limitPlain'),
        against: 'its loop',
        target,
      },
    ]
  } finally {
    for (const sampler of Object.values(samplers)) sampler.close()
  }
}

async function measureSet(set: WorkingSet, report: Report, options: BenchOptions): Promise<void> {
  const lacks = new Map([...schemes].map(({ name }) => [name, lackOfMemory(set, name)]))
  for (const lack of lacks.values()) if (lack !== undefined) report.note(lack)
  const fits = (scheme: string): boolean => lacks.get(scheme) === undefined
  if (!fits('refcount')) return // the least of them
  const tables = new Map<string, Row[]>()
  const measureAll = async (on: Descriptors, names: readonly string[]): Promise<void> => {
    for (const pattern of patternsOf(set)) {
      for (const threads of [1, mostThreads]) {
        const title = `${set.name}, ${pattern}, ${threads === 1 ? '1 thread' : `${threads} threads`}`
        const rows = tables.get(title) ?? []
        tables.set(title, rows)
        for (const name of names) rows.push(...(await measureScheme(on, set, name, pattern, threads, options)))
      }
    }
  }
  const base = prepareCost(optionsOf(set, 'refcount', options.seed))
  let alone: string[]
  try {
    const { together, alone: others } = sharing(base, fits)
    alone = others
    await measureAll({ base, scheme: 'refcount' }, together)
  } finally {
    base.close()
  }
  for (const scheme of alone) {
    const own = prepareCost(optionsOf(set, scheme, options.seed))
    try {
      await measureAll({ base: own, scheme }, [scheme])
    } finally {
      own.close()
    }
  }
  for (const [title, rows] of tables) report.group({ title, unit: 'ns a pair', rows })
}

await bench(
  'schemes',
  "Pin and unpin of one page, each scheme's batch loop against the least that C++ can do for it.",
  async (report, options) => {
    if (options.quick) report.note('--quick leaves 1 and 8 GiB of descriptors out.')
    for (const set of workingSets(options.quick)) await measureSet(set, report, options)
  },
)
