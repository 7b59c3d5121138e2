import { array, badArgument, boolean, integer, oneOf, options, or, positive } from '../base/args.ts'
import { longCallKeys, type LongCallOptions, longCall } from '../engine/poll.ts'
import type { Layout } from '../page/layout.ts'
import { layoutOf, layouts } from '../page/layouts.ts'
import type { Scheme } from '../pins/scheme.ts'
import { schemeOf, schemes } from '../pins/schemes.ts'
import type { BaselineOptions, BaselineReport } from './baseline.ts'
import type { CompareProgress, CompareResult } from './compare.ts'
import type { CompareDocument } from './document.ts'
import type { Effort } from './plan.ts'

/** What to compare; everything, if nothing is said. */
export interface CompareOptions extends LongCallOptions<CompareProgress> {
  /**
   * `'quick'`: about 10 seconds; `'default'`: about 30; `'thorough'`: more threads, working sets, page types and
   * orders, as long as that takes. Blocks that must be measured are, however slow the machine is.
   */
  effort?: Effort
  /** Schemes or their names, built-in or defined; all. */
  schemes?: readonly (string | Scheme)[]
  /** Layouts or their names whose rooms are examined; all. */
  layouts?: readonly (string | Layout)[]
  /** The layout on which costs and limits are measured; `'linux-6.12'`. */
  costLayout?: string | Layout
  /** Of index streams and resampling, from 0 to 2^32-1; 1. */
  seed?: number
  /** Also what processor and system count in the loops of a pin and its unpin (`schemes[].counted`); false. */
  counters?: boolean
}

const known = ['effort', 'schemes', 'layouts', 'costLayout', 'seed', 'counters', ...longCallKeys] as const

const efforts: readonly Effort[] = ['quick', 'default', 'thorough']

/** At least one, each once. */
function several<Item>(
  value: unknown,
  argument: string,
  all: Item[],
  one: (value: unknown, at: string) => Item,
): Item[] {
  if (value === undefined) return all
  const found = [...new Set(array(value, argument, one))]
  if (found.length === 0) throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, value, 'an array of at least one')
  return found
}

/**
 * Which scheme fits which page type in which layout, what it damages where it does not, what it costs against its
 * hand-written loop, where it ends: what `pagebox compare --json` prints.
 *
 * An abort resolves with what was measured, `complete: false` and `stoppedBy: 'abort'`. Bad options reject with
 * `ERR_PAGEBOX_ARG_TYPE`, `_ARG_RANGE`, `_SCHEME_UNKNOWN` or `_LAYOUT_UNKNOWN`.
 */
export async function compare(value: CompareOptions = {}): Promise<CompareResult> {
  const given = options(value, 'options', known)
  const { signal, onProgress, progressIntervalMs } = longCall<CompareProgress>('compare', given)
  const wanted = {
    effort: oneOf(or(given.effort, 'default'), 'options.effort', efforts),
    schemes: several(given.schemes, 'options.schemes', schemes.list(), schemeOf),
    layouts: several(given.layouts, 'options.layouts', layouts.list(), layoutOf),
    costLayout: layoutOf(or(given.costLayout, 'linux-6.12'), 'options.costLayout'),
    seed: integer(or(given.seed, 1), 'options.seed', 0, 2 ** 32 - 1),
    counters: given.counters === undefined ? false : boolean(given.counters, 'options.counters'),
  }
  // Loaded when it is wanted: who runs a box needs neither schema nor statistics.
  const [{ compare: measure }, { pagebox }] = await Promise.all([import('./compare.ts'), import('./pagebox.ts')])
  return measure(pagebox, { ...wanted, signal, onProgress, progressIntervalMs })
}

/**
 * What changed between two documents of `compare()` or `pagebox compare --json`: costs by the ratio to their
 * hand-written loops, rooms cell by cell. `worse` is what `--baseline` ends with exit status 1 for.
 *
 * Rejects with `ERR_PAGEBOX_ARG_TYPE` for what is no such document.
 */
export async function compareWithBaseline(
  before: CompareDocument,
  now: CompareDocument,
  value: BaselineOptions = {},
): Promise<BaselineReport> {
  const given = options(value, 'options', ['smallestEffect'] as const)
  const smallestEffect =
    given.smallestEffect === undefined || given.smallestEffect === 0
      ? (given.smallestEffect as number | undefined)
      : positive(given.smallestEffect, 'options.smallestEffect', 1)
  const [{ compareWithBaseline: judge }, { compareDocument }] = await Promise.all([
    import('./baseline.ts'),
    import('./document.ts'),
  ])
  const read = (document: unknown, argument: string): CompareDocument => {
    const parsed = compareDocument.safeParse(document)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    const where = issue?.path.length ? ` (${issue.path.join('.')}: ${issue.message})` : ''
    throw badArgument('ERR_PAGEBOX_ARG_TYPE', argument, document, `a document of compare()${where}`)
  }
  return judge(read(before, 'before'), read(now, 'now'), { smallestEffect })
}

export type { BaselineOptions, BaselineReport, Difference, RoomChange } from './baseline.ts'
export type { CompareProgress, CompareResult } from './compare.ts'
export type * from './document.ts'
export type { Interval } from './interval.ts'
export type { Effort } from './plan.ts'
