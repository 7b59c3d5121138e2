import { GroupCosts } from '../compare/costs.ts'
import type { Interval } from '../compare/interval.ts'
import { pagebox } from '../compare/pagebox.ts'
import { type CostGroup, hotBytes } from '../compare/plan.ts'
import { seededRandom } from '../compare/statistics.ts'
import type { Layout } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import type { Kind } from './ask.ts'

export interface Cost {
  readonly hot: Interval | null
  readonly cold: Interval | null
  /** The scheme of the same protocol and lines of memory that was timed. */
  readonly measuredAs: string
}

/** Beyond the caches of a core. */
const coldBytes = 8 * 2 ** 20
const rounds = 5
const sampleMs = 1
const blocks = 3
const seed = 1

/** Schemes of one class run the same loop on the same lines of memory, whatever bits they count in. */
function classOf({ protocol, place, countBits, atLimit, refsPerPin, definition }: Scheme): string {
  const narrow = atLimit === 'cross' ? '' : countBits === 32 ? 'own limit' : 'narrow'
  return [protocol, place, narrow, atLimit, refsPerPin > 1, definition.wasLru !== undefined].join(' ')
}

export const measureSteps = 2 * blocks

/**
 * Costs of pin and unpin on one thread, in interleaved rounds. Ends early with what it has; a class without a whole
 * block has none.
 */
export async function measure(
  schemes: readonly Scheme[],
  layout: Layout,
  { pageType, order }: Kind,
  { signal, onStep }: { signal: AbortSignal | undefined; onStep: () => void },
): Promise<Map<string, Cost>> {
  const first = new Map<string, Scheme>()
  for (const scheme of schemes) if (!first.has(classOf(scheme))) first.set(classOf(scheme), scheme)
  const common = { pageType, order, threads: 1, op: 'pin+unpin', ledger: false, withLimit: false } as const
  const groups: CostGroup[] = [
    { ...common, pattern: 'hot', workingSetBytes: hotBytes },
    { ...common, pattern: 'random', workingSetBytes: coldBytes },
  ]
  const found: Map<string, Interval>[] = []
  for (const group of groups) {
    const costs = new GroupCosts(pagebox, [...first.values()], layout, group, { rounds, sampleMs, signal, seed })
    for (let block = 0; block < blocks && !signal?.aborted; block++) {
      await costs.block()
      onStep()
    }
    found.push(new Map(costs.outcomes(seededRandom(seed)).map(({ scheme, row }) => [scheme, row.nsPerOp])))
  }
  const [hot, cold] = found
  return new Map(
    schemes.flatMap((scheme) => {
      const measuredAs = (first.get(classOf(scheme)) as Scheme).name
      const cost = { hot: hot?.get(measuredAs) ?? null, cold: cold?.get(measuredAs) ?? null, measuredAs }
      return cost.hot === null && cost.cold === null ? [] : [[scheme.name, cost] as const]
    }),
  )
}
